"""Kernel cases that reach every path of Helium's kernels: many vectors, their tails, blocks of channels."""

from __future__ import annotations

from collections.abc import Iterator

import kernel_cases
import narrow_cases
import numpy as np
from case_parts import ACTIVATIONS, ZERO_POINTS, Rng, case, tensor, weights_and_bias
from kernel_harness import Case

from smidgen.graph import Quantization
from smidgen.graph.operators import AveragePool2D, Conv2D, DepthwiseConv2D, FullyConnected, MaxPool2D, Padding

# (height, width, inputs), outputs, kernel, stride, dilation, padding (top, bottom, left, right), groups
CONVOLUTIONS = (
    ((5, 5, 64), 18, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 1),
    ((3, 3, 33), 5, (1, 1), (2, 2), (1, 1), (0, 0, 0, 0), 1),
    ((7, 5, 16), 7, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 1),
    ((6, 7, 32), 6, (3, 3), (2, 2), (1, 1), (0, 1, 0, 1), 1),
    ((9, 8, 3), 8, (3, 3), (2, 2), (1, 1), (0, 1, 0, 1), 1),
    ((11, 10, 1), 9, (10, 4), (2, 2), (1, 1), (4, 5, 1, 1), 1),
    ((4, 9, 16), 5, (2, 3), (1, 1), (1, 2), (0, 0, 2, 2), 1),
    ((6, 6, 48), 12, (3, 1), (1, 1), (2, 1), (2, 2, 0, 0), 3),
    ((3, 4, 20), 10, (2, 2), (1, 1), (1, 1), (1, 0, 0, 1), 2),
    ((1, 1, 130), 11, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 1),
)
# rows, depth, outputs
MATRICES = ((1, 640, 13), (1, 8, 32), (3, 33, 4), (1, 17, 1), (2, 128, 6), (1, 15, 2))


def convolutions() -> Iterator[Case]:
    for number, (size, outputs, kernel, stride, dilation, pads, groups) in enumerate(CONVOLUTIONS):
        rng = np.random.default_rng([number, 7])
        x = tensor("x", (1, *size), rng)
        shape = (outputs, *kernel, size[2] // groups)
        extent = [
            (size[i] + pads[2 * i] + pads[2 * i + 1] - (kernel[i] - 1) * dilation[i] - 1) // stride[i] + 1
            for i in range(2)
        ]
        operator = Conv2D(stride, dilation, Padding(*pads), ACTIVATIONS[number % len(ACTIVATIONS)])
        yield _layer(f"conv of vectors {number}", rng, operator, x, shape, (1, *extent, outputs))


def windows_of_an_image() -> Iterator[Case]:
    """Depthwise, with as many outputs as inputs, which may or may not lie in the inputs' memory."""
    for height, width in ((3, 3), (5, 3), (7, 2), (2, 7)):
        rng = np.random.default_rng([height, width, 10])
        x = tensor("x", (1, 12, 9, 7), rng)
        pads = Padding((height - 1) // 2, height // 2, (width - 1) // 2, width // 2)
        name = f"depthwise {height}x{width}"
        yield _layer(name, rng, DepthwiseConv2D(padding=pads), x, (1, height, width, 7), x.shape)


def matrices() -> Iterator[Case]:
    for number, (rows, depth, outputs) in enumerate(MATRICES):
        rng = np.random.default_rng([number, 8])
        x = tensor("x", (rows, depth), rng)
        operator = FullyConnected(ACTIVATIONS[number % len(ACTIVATIONS)])
        name = f"fully connected of vectors {number}"
        yield _layer(name, rng, operator, x, (outputs, depth), (rows, outputs))


def pools() -> Iterator[Case]:
    for channels in (8, 13, 16, 37):
        for kind in (AveragePool2D, MaxPool2D):
            rng = np.random.default_rng([channels, 9])
            x = tensor("x", (1, 5, 6, channels), rng)
            y = tensor("y", (1, 3, 3, channels), rng, quantization=x.quantization)
            operator = kind((3, 2), (2, 2), Padding(1, 1, 0, 0), ACTIVATIONS[channels % 3])
            yield case(f"{kind.__name__} of {channels} channels", rng, operator, [x], [y])


def _layer(name: str, rng: Rng, operator, x, shape, output) -> Case:
    weights, bias, scale = weights_and_bias(rng, shape, 0, x)
    quantization = Quantization.per_tensor(scale, int(rng.choice(ZERO_POINTS)))
    y = tensor("y", output, rng, quantization=quantization)
    return case(name, rng, operator, [x, weights, bias], [y])


_MORE = {"conv": convolutions, "matmul": matrices, "pool": pools}


def cases_of(family: str) -> list[Case]:
    """The family's cases with weights of 8, 4 and 2 bits."""
    more = list(_MORE[family]()) if family in _MORE else []
    narrow = [
        case
        for dtype in narrow_cases.NARROW
        if family in narrow_cases.FAMILIES
        for case in (
            *narrow_cases.cases_of(family, dtype),
            *(narrow_cases.narrowed(one, dtype) for one in more),
        )
    ]
    return [*kernel_cases.cases_of(family), *more, *narrow]
