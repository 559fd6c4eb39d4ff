"""The portable kernels equal the reference byte for byte, under ASan and UBSan, on shapes chosen to hurt."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_cases import FAMILIES, cases_of
from kernel_harness import failures


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_equal_the_reference(family: str, optimize: str, tmp_path: Path) -> None:
    wrong = failures(cases_of(family), optimize, tmp_path)
    again = f"KERNEL_CASE=<case number> python -m pytest 'tests/kernels' -k '{family} and {optimize}'"
    assert not wrong, f"{wrong}\nrun one case again: {again}"
