"""Kernels for plain Thumb equal the reference byte for byte, in C on the host and on Cortex-M0 and M3."""

from __future__ import annotations

from pathlib import Path

import midge_cases
import pytest
from arm_device import run_on_board
from kernel_cases import cases_of
from kernel_harness import Case, calls_of, failures

from smidgen.targets import load_target

EVERY = 13  # of the cases, in the fast suite
BOARD = "mps2-an385"  # a Cortex-M3, which runs what is compiled for a Cortex-M0 as well
CORES = ("cortex-m0", "cortex-m3")
AGAIN = f"python -m pytest '{Path(__file__).name}' -k"


def _cases(family: str) -> list[Case]:
    more = midge_cases.convolutions() if family == "conv" else midge_cases.matrices()
    return [*cases_of(family), *more]


def _check(family: str, optimize: str, every: int, folder: Path) -> None:
    wrong = failures(_cases(family)[::every], optimize, folder, "thumb")
    again = f"KERNEL_CASE=<case number> {AGAIN} '{family} and {optimize}'"
    assert not wrong, f"{wrong}\nrun one case again: {again}"


def _board(core: str, folder: Path) -> str:
    """The board's target with firmware for this core."""
    target = load_target(BOARD)
    path = folder / f"{core}.toml"
    text = target.path.read_text(encoding="utf-8")
    path.write_text(text.replace("-mcpu=cortex-m3", f"-mcpu={core}"), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", ["conv", "matmul"])
def test_kernels_equal_the_reference(family: str, optimize: str, tmp_path: Path) -> None:
    _check(family, optimize, EVERY, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", ["conv", "matmul"])
def test_kernels_equal_the_reference_on_every_case(family: str, optimize: str, tmp_path: Path) -> None:
    _check(family, optimize, 1, tmp_path)


def _check_on_board(core: str, family: str, optimize: str, every: int, folder: Path) -> None:
    calls = calls_of(_cases(family)[::every], optimize, "thumb")
    outcomes = run_on_board(calls, optimize, folder, _board(core, folder))
    wrong = [f"{outcome.call.name}: {outcome.wrong} bytes" for outcome in outcomes if outcome.wrong]
    again = f"{AGAIN} '{core} and {family} and {optimize}'"
    assert not wrong, "\n".join([*wrong, f"run again: {again}"])


@pytest.mark.parametrize("core", CORES)
def test_some_convolutions_equal_the_reference_on_boards(core: str, tmp_path: Path) -> None:
    _check_on_board(core, "conv", "speed", 3 * EVERY, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", ["conv", "matmul"])
@pytest.mark.parametrize("core", CORES)
def test_kernels_equal_the_reference_on_boards(core: str, family: str, optimize: str, tmp_path: Path) -> None:
    _check_on_board(core, family, optimize, 2, tmp_path)


def test_cases_reach_every_kernel() -> None:
    """Every C function that a declaration can ask for is called by some case."""
    called = {
        call.lowered.symbol
        for family in ("conv", "matmul")
        for call in calls_of(_cases(family), "speed", "thumb")
    }
    kinds = ("conv", "fully_connected", "depthwise_stride_1", "depthwise_stride_2")
    variants = ("clamped", "right", "bounded", "wide")
    assert called == {f"smidgen_thumb_{kind}_{variant}" for kind in kinds for variant in variants}
