"""The example of a nightly run: three virtual boards, shared by three processes of pytest-xdist."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from smidgen.device.simulators import qemu

RUNS = 20
FEW_INPUTS = "--smidgen-model=../digits/digits_int8.tflite data=../digits/digits_test.npz limit=5"
RUN_SECONDS = 1800  # of the command, not of the tests: they have deadlines of their own

needs_arm = pytest.mark.skipif(
    not (shutil.which(qemu.PROGRAM) and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)


def run(repository: Path, folder: Path, *arguments: str) -> tuple[int, str, list[dict]]:
    """Runs the example: pytest's exit code, its output and the tests of its JSON file."""
    measured = folder / "measured.json"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--smidgen-json={measured}"]
    result = subprocess.run(
        [*command, *arguments], cwd=repository / "examples" / "nightly", capture_output=True, text=True,
        env={**os.environ, "SMIDGEN_STATE": str(folder)}, timeout=RUN_SECONDS, check=False,
    )  # fmt: skip
    tests = json.loads(measured.read_text())["tests"] if measured.exists() else []
    return result.returncode, result.stdout + result.stderr, tests


@needs_arm
def test_one_board_passes(repository: Path, tmp_path: Path) -> None:
    code, output, tests = run(repository, tmp_path, "--smidgen-board=mps2-1", "-k", "known_answers")
    assert code == 0, output
    (test,) = tests
    assert (test["board"], test["model"], test["outcome"]) == ("mps2-1", "digits_int8", "passed")
    assert 0 < test["instructions"] <= test["instructions_budget"]
    assert "warning: no test measured 'accuracy' of digits_int8 on mps2/an386" in output


@pytest.mark.slow
@needs_arm
def test_virtual_boards_are_flashed_as_real_ones(repository: Path, tmp_path: Path) -> None:
    """Through the STM32 boot loader, into a flash that the board then runs from."""
    pytest.importorskip("stm32loader", reason="the flash extra has stm32loader")
    choice = ("--smidgen-board=netduino-1", "-k", "known_answers", "--smidgen-flash=always")
    code, output, tests = run(repository, tmp_path, *choice)
    assert code == 0, output
    assert [test["outcome"] for test in tests] == ["passed"]
    held = (tmp_path / "boards" / "netduino-1" / "flash.bin").read_bytes()
    assert len(held.rstrip(b"\xff")) == pytest.approx(tests[0]["flash"], abs=16)


@pytest.mark.slow
@needs_arm
@pytest.mark.skipif(not shutil.which("verilator"), reason="needs verilator")
def test_twenty_runs_of_three_boards_at_once_have_no_flake(repository: Path, tmp_path: Path) -> None:
    """Every run has all three boards, each in its own process; none fails, and all measure the same."""
    outcomes: Counter[str] = Counter()
    measured = set()
    for number in range(RUNS):
        code, output, tests = run(repository, tmp_path, "-n", "3", FEW_INPUTS)
        outcomes.update(test["outcome"] for test in tests)
        assert code == 0, f"run {number + 1} of {RUNS}:\n{output}"
        assert {test["board"] for test in tests} == {"midge-1", "mps2-1", "netduino-1"}
        figures = ("test", "cycles", "instructions", "accuracy", "flash", "ram")
        measured |= {tuple(test.get(name) for name in figures) for test in tests}
    assert outcomes == {"passed": RUNS * len(tests)}
    assert len(measured) == len(tests), "a test measured something else in another run"
