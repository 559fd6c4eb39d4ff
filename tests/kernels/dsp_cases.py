"""Cases for the kernels of the DSP extension, by family: every width, and shapes chosen to hurt."""

from __future__ import annotations

from collections.abc import Callable

import kernel_cases
import midge_cases
import narrow_cases
import numpy as np
from case_parts import ACTIVATIONS, case, tensor
from kernel_harness import Case

from smidgen.graph import Quantization
from smidgen.graph.operators import Add

# Equal scales, both operands halved; near, far apart; nearly equal.
RATIOS = (1.0, 0.999, 0.5, 0.3, 0.02, 1e-4, 1.7, 30.0)


def _of_every_width(family: str) -> list[Case]:
    wide = kernel_cases.cases_of(family)
    return wide + [case for dtype in narrow_cases.NARROW for case in narrow_cases.cases_of(family, dtype)]


def sums() -> list[Case]:
    """Operands of one shape whose scales are near or far apart; outputs of every range."""
    made = []
    for number, ratio in enumerate(RATIOS * 3):
        rng = np.random.default_rng([number, *b"sums"])
        shape = (1, int(rng.integers(1, 5)), int(rng.integers(1, 23)))
        scale = float(np.float32(2.0 ** rng.uniform(-8, -2)))
        scales = (scale, scale * ratio, scale * float(rng.choice((0.4, 1.0, 2.1))))
        a, b, y = (
            tensor(
                name, shape, rng, quantization=Quantization.per_tensor(of, int(rng.choice((-128, 0, 5, 127))))
            )
            for name, of in zip(("a", "b", "y"), scales, strict=True)
        )
        operator = Add(ACTIVATIONS[number % len(ACTIVATIONS)])
        made.append(case(f"sum {number} of scales {ratio} apart", rng, operator, [a, b], [y]))
    return made


FAMILIES: dict[str, Callable[[], list[Case]]] = {
    "conv": lambda: [*_of_every_width("conv"), *midge_cases.convolutions()],
    "matmul": lambda: [*_of_every_width("matmul"), *midge_cases.matrices()],
    "elementwise": lambda: [*kernel_cases.cases_of("elementwise"), *sums()],
}
