"""Convolutions and fully connected layers on (emulated) Xmidge equal the reference byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_cases import cases_of
from kernel_device import run_on_midge
from kernel_harness import calls_of, failures, half_of
from midge_cases import convolutions, matrices, sparse

CASES = {
    "conv": lambda: [*cases_of("conv"), *convolutions()],
    "matmul": lambda: [*cases_of("matmul"), *matrices()],
    "sparse": sparse,
}


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", CASES)
def test_kernels_equal_the_reference(family: str, optimize: str, tmp_path: Path) -> None:
    wrong = failures(CASES[family](), optimize, tmp_path, "midge")
    again = f"KERNEL_CASE=<case number> python -m pytest '{Path(__file__).name}' -k '{family} and {optimize}'"
    assert not wrong, f"{wrong}\nrun one case again: {again}"


@pytest.mark.slow
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", CASES)
def test_kernels_equal_the_reference_on_the_core(family: str, optimize: str, tmp_path: Path) -> None:
    outcomes = run_on_midge(
        calls_of(half_of(CASES[family](), optimize), optimize, "midge"), optimize, tmp_path
    )
    wrong = [f"{outcome.call.name}: {outcome.wrong} bytes" for outcome in outcomes if outcome.wrong]
    assert not wrong, "\n".join(wrong)
