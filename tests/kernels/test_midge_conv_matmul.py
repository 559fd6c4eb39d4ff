"""Convolutions and fully connected layers on (emulated) Xmidge equal the reference byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_cases import cases_of
from kernel_harness import failures
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
