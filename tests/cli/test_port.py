"""--port speaks to a board that serves the model already, here an emulated one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import smidgen

from smidgen.device.simulators import qemu

BOARD = "mps2-an386"


@pytest.mark.skipif(
    not (shutil.which(qemu.PROGRAM) and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)
def test_a_board_that_was_flashed_is_used_where_it_is(digits: Path, tmp_path: Path) -> None:
    built = smidgen("build", "-m", digits, "-t", BOARD, "-o", tmp_path)
    assert built.code == 0, built.errors
    with qemu.start(tmp_path / "firmware.elf", BOARD) as board:
        same = smidgen("validate", "-m", digits, "-t", BOARD, "--limit", "2", "--port", board.port)
        assert same.code == 0, same.errors
        assert "bit-exact: 2 inputs" in same.output
        other = smidgen("run", "-m", digits, "-t", BOARD, "--optimize", "size", "--port", board.port)
    assert other.code == 3
    assert "flash the firmware of this bundle" in other.errors


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [("host", 2, "runs here, not behind a port"), ("midge", 3, "port no-such-port: cannot be opened")],
)
def test_a_port_that_cannot_be_used_is_one_error(digits: Path, target: str, code: int, words: str) -> None:
    result = smidgen("run", "-m", digits, "-t", target, "--port", "no-such-port")
    assert (result.code, words in result.errors) == (code, True), result.errors
