"""flash, run, validate, profile: one command each, on STM32 boards in QEMU, over the line that those have."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smidgen.cli import main
from smidgen.device.flashers import programs
from smidgen.device.simulators import qemu
from smidgen.device.simulators.process import await_port, launch
from smidgen.device.virtual_board import VirtualBoard
from smidgen.targets import load_target

pytest.importorskip("stm32loader", reason=programs.install_hint("stm32loader"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which(qemu.PROGRAM) and shutil.which("arm-none-eabi-gcc")),
        reason="needs qemu-system-arm and arm-none-eabi-gcc",
    ),
]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMIDGEN_STATE", str(tmp_path / "state"))


@pytest.fixture
def digits(repository: Path) -> Path:
    return repository / "examples" / "digits" / "digits_int8.tflite"


@pytest.fixture
def smidgen(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


@pytest.mark.parametrize("target", ["netduinoplus2", "stm32vldiscovery"])
def test_a_board_runs_what_it_was_flashed_with(target: str, digits: Path, tmp_path: Path, smidgen) -> None:
    bundle, other = tmp_path / "bundle", tmp_path / "other"
    assert smidgen("build", "-m", digits, "-t", target, "-o", bundle)[0] == 0

    code, _, errors = smidgen("run", "-b", bundle, "-t", target)
    assert (code, "its flash is empty" in errors, "smidgen flash -b" in errors) == (3, True, True), errors

    code, output, errors = smidgen("flash", "-b", bundle, "-t", target)
    assert code == 0, errors
    chip_id = load_target(target).flasher.chip_id.value
    assert f"chip {chip_id:#x}" in output

    code, output, errors = smidgen("validate", "-b", bundle, "-t", target, "--layers")
    assert (code, "bit-exact: 2 inputs" in output) == (0, True), errors

    flashed, direct = tmp_path / "flashed.json", tmp_path / "direct.json"
    assert smidgen("profile", "-b", bundle, "-t", target, "--json", flashed)[0] == 0
    assert smidgen("profile", "-m", digits, "-t", target, "--json", direct)[0] == 0
    ours, theirs = json.loads(flashed.read_text()), json.loads(direct.read_text())
    assert ours["instructions"] == theirs["instructions"] > 0
    assert [one["instructions"] for one in ours["layers"]] == [
        one["instructions"] for one in theirs["layers"]
    ]

    assert smidgen("build", "-m", digits, "-t", target, "-o", other, "--optimize", "size")[0] == 0
    code, _, errors = smidgen("run", "-b", other, "-t", target)
    assert (code, "holds another image" in errors) == (3, True), errors
    assert smidgen("flash", "-b", other, "-t", target)[0] == 0
    assert smidgen("run", "-b", other, "-t", target)[0] == 0
    code, _, errors = smidgen("run", "-b", bundle, "-t", target)
    assert (code, "holds another image" in errors) == (3, True), errors


def test_what_does_not_belong_to_a_flashed_bundle_is_refused(digits: Path, tmp_path: Path, smidgen) -> None:
    assert smidgen("build", "-m", digits, "-t", "netduinoplus2", "-o", tmp_path)[0] == 0
    code, _, errors = smidgen("run", "-b", tmp_path, "-t", "netduinoplus2", "--optimize", "size")
    assert (code, "a bundle is built already" in errors) == (2, True), errors
    code, _, errors = smidgen("run", "-b", tmp_path, "-t", "stm32vldiscovery")
    assert (code, "built for 'netduinoplus2'" in errors) == (2, True), errors


def test_one_changed_bit_of_the_flash_is_noticed(digits: Path, tmp_path: Path, smidgen) -> None:
    target = "netduinoplus2"
    assert smidgen("build", "-m", digits, "-t", target, "-o", tmp_path)[0] == 0
    assert smidgen("flash", "-b", tmp_path, "-t", target)[0] == 0
    flash = VirtualBoard(load_target(target)).flash
    contents = bytearray(flash.read_bytes())
    contents[5000] ^= 1
    flash.write_bytes(contents)
    code, _, errors = smidgen("run", "-b", tmp_path, "-t", target)
    assert (code, "holds another image" in errors) == (3, True), errors


@contextmanager
def halted(target: str, server: Path) -> Iterator[str]:
    """A machine of QEMU's that waits for a debugger at the socket `server`; gives its UART's port."""
    machine = load_target(target).runner.machine
    command = [
        qemu.find(machine), "-machine", machine, "-S", "-display", "none", "-monitor", "none",
        "-serial", "pty", "-gdb", "chardev:gdb",
        "-chardev", f"socket,id=gdb,path={server},server=on,wait=off",
    ]  # fmt: skip
    simulator = launch("QEMU", lambda folder: command)
    await_port(simulator, qemu.port_in)
    with simulator:
        yield simulator.port


@pytest.mark.parametrize("target", ["mps2-an386", "mps3-an547"])
def test_gdb_loads_a_board(target: str, digits: Path, tmp_path: Path, smidgen) -> None:
    """Through QEMU's GDB server, into a machine that has nothing in its memory."""
    program = programs.find("gdb-multiarch")
    if program is None:
        pytest.skip(f"needs gdb-multiarch: {programs.install_hint('gdb-multiarch')}")
    assert smidgen("build", "-m", digits, "-t", target, "-o", tmp_path / "bundle")[0] == 0
    server = tmp_path / "gdb"
    with halted(target, server) as uart:
        other = tmp_path / "other"
        assert smidgen("build", "-m", digits, "-t", "mps2-an385", "-o", other)[0] == 0
        code, _, errors = smidgen("flash", "-b", other, "-t", "mps2-an385", "--port", server)
        assert (code, "nothing was written" in errors) == (3, True), errors
        code, output, errors = smidgen("flash", "-b", tmp_path / "bundle", "-t", target, "--port", server)
        assert code == 0, errors
        assert re.search("chip 0x4104|chip 0x4105", output)
        code, output, errors = smidgen("validate", "-b", tmp_path / "bundle", "-t", target, "--port", uart)
        assert (code, "bit-exact: 2 inputs" in output) == (0, True), errors
