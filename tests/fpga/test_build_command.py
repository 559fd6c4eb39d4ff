"""`smidgen build` and `flash` for a target with an FPGA."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from smidgen.cli import main

BOARD = "orangecrab-25f"

pytestmark = pytest.mark.skipif(
    shutil.which("riscv64-unknown-elf-gcc") is None, reason="needs riscv64-unknown-elf-gcc"
)


@pytest.fixture
def build(repository: Path, tmp_path: Path):
    """Builds the demo's model; gives what --json wrote."""

    def run(*options: str) -> dict:
        model = repository / "examples" / "digits" / "digits_int8.tflite"
        command = ["build", "-m", str(model), "-t", BOARD, "-o", str(tmp_path / "bundle")]
        assert main([*command, "--json", str(tmp_path / "build.json"), *options]) == 0
        return json.loads((tmp_path / "build.json").read_text())

    return run


def dry_run(tmp_path: Path) -> int:
    return main(["flash", "-b", str(tmp_path / "bundle"), "-t", BOARD, "--dry-run"])


def test_only_the_program(build, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "bitstream" not in build("--no-bitstream")
    assert (tmp_path / "bundle" / "firmware.bin").stat().st_size < 64 * 1024
    assert not (tmp_path / "bundle" / "firmware.bit").exists()
    assert dry_run(tmp_path) == 2
    assert "holds no firmware.bit" in capsys.readouterr().err


@pytest.mark.slow
def test_program_and_bitstream(
    small_systems, build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = build()["bitstream"]
    assert (said["device"], said["cells"]["DP16KD"]) == ("LFE5U-25F", {"used": 32, "available": 56})
    shown = capsys.readouterr().out
    assert "32 of 56 (57.1 %)" in shown and "48.0 MHz wanted" in shown
    assert dry_run(tmp_path) == 0
    command = shlex.split(capsys.readouterr().out)
    assert command[0] == "dfu-util" and Path(command[-1]) == tmp_path / "bundle" / "firmware.bit"
    # A program alone that is built later leaves no bitstream of the one before.
    build("--no-bitstream")
    assert not (tmp_path / "bundle" / "firmware.bit").exists()
