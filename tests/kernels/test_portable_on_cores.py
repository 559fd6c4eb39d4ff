"""The portable kernels equal the reference byte for byte on Midge and on a Cortex-M3, M4 and M55."""

from __future__ import annotations

from pathlib import Path

import pytest
from arm_device import run_on_board
from kernel_cases import FAMILIES, cases_of
from kernel_device import run_on_midge
from kernel_harness import calls_of

BOARDS = ("mps2-an385", "mps2-an386", "mps3-an547")
# Those that also other kernel sets have are tested with them.
PORTABLE_ONLY = [family for family in FAMILIES if family not in ("conv", "matmul")]
AGAIN = f"python -m pytest -m slow '{Path(__file__).name}' -k"


@pytest.mark.slow
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", PORTABLE_ONLY)
def test_kernels_equal_the_reference_on_midge(family: str, optimize: str, tmp_path: Path) -> None:
    outcomes = run_on_midge(calls_of(cases_of(family), optimize, "portable"), optimize, tmp_path)
    wrong = [f"{outcome.call.name}: {outcome.wrong} bytes" for outcome in outcomes if outcome.wrong]
    assert not wrong, "\n".join([*wrong, f"run again: {AGAIN} 'midge and {family} and {optimize}'"])


@pytest.mark.slow
@pytest.mark.parametrize("family", PORTABLE_ONLY)
@pytest.mark.parametrize("board", BOARDS)
def test_kernels_equal_the_reference_on_boards(board: str, family: str, tmp_path: Path) -> None:
    outcomes = run_on_board(calls_of(cases_of(family), "speed", "portable"), "speed", tmp_path, board)
    wrong = [f"{outcome.call.name}: {outcome.wrong} bytes" for outcome in outcomes if outcome.wrong]
    assert not wrong, "\n".join([*wrong, f"run again: {AGAIN} '{board} and {family}'"])
