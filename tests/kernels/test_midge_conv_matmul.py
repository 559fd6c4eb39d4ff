"""Convolutions and fully connected layers on (emulated) Xmidge equal the reference byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_cases import cases_of
from kernel_harness import failures

CASES = {"conv": cases_of("conv"), "matmul": cases_of("matmul")}


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", CASES)
def test_kernels_equal_the_reference(family: str, optimize: str, tmp_path: Path) -> None:
    wrong = failures(CASES[family], optimize, tmp_path, "midge")
    again = f"KERNEL_CASE=<case number> python -m pytest '{__file__}' -k '{family} and {optimize}'"
    assert not wrong, f"{wrong}\nrun one case again: {again}"
