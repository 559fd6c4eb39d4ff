"""Cases for the kernels of the DSP extension, by family: every width, and shapes chosen to hurt."""

from __future__ import annotations

from collections.abc import Callable

import kernel_cases
import midge_cases
import narrow_cases
from kernel_harness import Case


def _of_every_width(family: str) -> list[Case]:
    wide = kernel_cases.cases_of(family)
    return wide + [case for dtype in narrow_cases.NARROW for case in narrow_cases.cases_of(family, dtype)]


FAMILIES: dict[str, Callable[[], list[Case]]] = {
    "conv": lambda: [*_of_every_width("conv"), *midge_cases.convolutions()],
    "matmul": lambda: [*_of_every_width("matmul"), *midge_cases.matrices()],
}
