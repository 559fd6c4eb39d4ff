"""Kernels for the DSP extension equal the reference byte for byte, on its emulation in C and on boards."""

from __future__ import annotations

from pathlib import Path

import pytest
from arm_device import run_on_board
from dsp_cases import FAMILIES
from kernel_harness import calls_of, failures, half_of

EVERY = 9  # of the cases, in the fast suite
BOARDS = ("mps2-an386", "mps2-an505")  # Cortex-M4 and M33
AGAIN = f"python -m pytest '{Path(__file__).name}' -k"


def _check(family: str, optimize: str, every: int, folder: Path) -> None:
    wrong = failures(FAMILIES[family]()[::every], optimize, folder, "dsp")
    again = f"KERNEL_CASE=<case number> {AGAIN} '{family} and {optimize}'"
    assert not wrong, f"{wrong}\nrun one case again: {again}"


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_equal_the_reference(family: str, optimize: str, tmp_path: Path) -> None:
    _check(family, optimize, EVERY, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_equal_the_reference_on_every_case(family: str, optimize: str, tmp_path: Path) -> None:
    _check(family, optimize, 1, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("board", BOARDS)
def test_kernels_equal_the_reference_on_boards(
    board: str, family: str, optimize: str, tmp_path: Path
) -> None:
    calls = calls_of(half_of(FAMILIES[family](), optimize), optimize, "dsp")
    outcomes = run_on_board(calls, optimize, tmp_path, board)
    wrong = [f"{outcome.call.name}: {outcome.wrong} bytes" for outcome in outcomes if outcome.wrong]
    again = f"{AGAIN} '{board} and {family} and {optimize}'"
    assert not wrong, "\n".join([*wrong, f"run again: {again}"])


def test_cases_reach_every_kernel() -> None:
    """Every C function that a declaration can ask for is called by some case."""
    called = {
        call.lowered.symbol.removeprefix("smidgen_dsp_")
        for cases in FAMILIES.values()
        for optimize in ("speed", "size")
        for call in calls_of(cases(), optimize, "dsp")
    }
    variants = ("clamped", "right", "bounded", "wide")
    widths = [f"{kind}_{width}" for kind in ("conv", "fully_connected") for width in ("i8", "i4", "i2")]
    kinds = [*widths, "depthwise", "depthwise_3x3_stride_1", "depthwise_3x3_stride_2"]
    expected = {f"{kind}_{variant}" for kind in kinds for variant in variants}
    assert called == expected | {f"add_{variant}" for variant in variants[:-1]}
