"""Helium's kernels, emulated in C, equal the reference byte for byte on shapes chosen to hurt."""

from __future__ import annotations

from pathlib import Path

import pytest
from arm_device import run_on_board
from kernel_harness import calls_of, failures, half_of
from mve_cases import cases_of, windows_of_an_image
from test_overlap import failures as failures_in_place

FAMILIES = ("conv", "matmul", "elementwise", "pool")


EVERY = 5  # one case in so many is in the fast suite


def _check(family: str, optimize: str, every: int, tmp_path: Path) -> None:
    wrong = failures(cases_of(family)[::every], optimize, tmp_path, "mve")
    again = f"KERNEL_CASE=<case number> python -m pytest '{Path(__file__).name}' -k '{family} and {optimize}'"
    assert not wrong, f"{wrong}\nrun one case again: {again}"


@pytest.mark.parametrize("family", FAMILIES)
def test_some_kernels_equal_the_reference(family: str, tmp_path: Path) -> None:
    _check(family, "speed", EVERY, tmp_path)


def test_windows_run_in_place_only_where_they_may(tmp_path: Path) -> None:
    calls = calls_of(list(windows_of_an_image()), "speed", "mve")
    assert not failures_in_place(calls, "speed", tmp_path, "mve")


@pytest.mark.slow
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_equal_the_reference(family: str, optimize: str, tmp_path: Path) -> None:
    _check(family, optimize, 1, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_equal_the_reference_on_a_cortex_m55(family: str, optimize: str, tmp_path: Path) -> None:
    calls = calls_of(half_of(cases_of(family), optimize), optimize, "mve")
    outcomes = run_on_board(calls, optimize, tmp_path, "mps3-an547")
    wrong = [f"{outcome.call.name}: {outcome.wrong} bytes" for outcome in outcomes if outcome.wrong]
    assert not wrong, "\n".join(wrong)
