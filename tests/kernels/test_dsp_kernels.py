"""The kernels for the DSP extension, on its emulation in C, equal the reference byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from dsp_cases import FAMILIES
from kernel_harness import failures

EVERY = 5  # of the cases, in the fast suite


def _check(family: str, optimize: str, every: int, folder: Path) -> None:
    wrong = failures(FAMILIES[family]()[::every], optimize, folder, "dsp")
    again = f"KERNEL_CASE=<case number> python -m pytest '{Path(__file__).name}' -k '{family} and {optimize}'"
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
