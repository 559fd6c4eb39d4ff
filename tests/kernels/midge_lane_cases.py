"""Shapes that hurt what Xmidge's kernels do four channels or four values at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case_parts import ACTIVATIONS, ZERO_POINTS, case, tensor, weights_and_bias
from kernel_harness import Case
from narrow_cases import NARROW, narrowed

from smidgen.graph import Quantization
from smidgen.graph.operators import (
    Add,
    AveragePool2D,
    DepthwiseConv2D,
    Maximum,
    MaxPool2D,
    Mean,
    Minimum,
    Mul,
    Padding,
    Relu,
    Relu6,
    Sub,
)
from smidgen.graph.operators.base import same_padding

SAME, VALID = "same", "valid"

# (images, height, width, channels), copies, kernel, stride, dilation, padding
DEPTHWISE = (
    ((1, 1, 1, 1), 1, (1, 1), (1, 1), (1, 1), VALID),
    ((1, 1, 1, 4), 1, (3, 3), (1, 1), (1, 1), SAME),  # nothing but padding around one pixel
    ((1, 2, 2, 5), 1, (5, 5), (1, 1), (1, 1), SAME),  # kernel larger than the image, two groups of rows
    ((2, 3, 3, 9), 1, (3, 3), (1, 1), (1, 1), SAME),
    ((1, 25, 5, 8), 1, (3, 3), (1, 1), (1, 1), SAME),  # slides down, in two batches
    ((1, 5, 48, 4), 1, (3, 3), (1, 1), (1, 1), SAME),
    ((1, 9, 17, 6), 1, (3, 3), (2, 2), (1, 1), SAME),
    ((1, 8, 8, 68), 1, (3, 3), (2, 2), (1, 1), SAME),  # asymmetric padding; more channels than parameters
    ((2, 11, 13, 3), 1, (3, 3), (3, 3), (1, 1), SAME),
    ((1, 14, 15, 2), 1, (3, 4), (4, 4), (1, 1), VALID),
    ((1, 14, 15, 7), 1, (2, 2), (4, 3), (1, 1), VALID),  # stride beyond the kernel
    ((1, 17, 11, 4), 1, (2, 2), (5, 6), (1, 1), VALID),  # stride beyond what can slide
    ((1, 9, 9, 4), 1, (1, 1), (2, 3), (1, 1), VALID),
    ((1, 20, 6, 5), 1, (1, 1), (1, 1), (1, 1), VALID),
    ((1, 9, 8, 8), 1, (5, 5), (1, 1), (1, 1), SAME),
    ((1, 9, 8, 4), 1, (5, 5), (2, 1), (1, 1), Padding(1, 2, 2, 1)),
    ((1, 8, 7, 4), 1, (7, 7), (1, 1), (1, 1), SAME),
    ((1, 10, 7, 4), 1, (7, 7), (2, 2), (1, 1), SAME),
    ((1, 18, 3, 4), 1, (16, 1), (1, 1), (1, 1), VALID),
    ((1, 30, 1, 8), 1, (3, 1), (1, 1), (1, 1), VALID),
    ((1, 24, 1, 12), 1, (10, 1), (1, 1), (1, 1), VALID),
    ((1, 15, 1, 4), 1, (15, 1), (1, 1), (1, 1), VALID),
    ((1, 2, 40, 5), 1, (1, 16), (1, 1), (1, 1), SAME),  # all windows in flight overlap
    ((1, 3, 20, 4), 1, (4, 4), (1, 2), (1, 1), SAME),
    ((1, 13, 4, 4), 1, (13, 2), (1, 1), (1, 1), SAME),  # four groups of rows
    ((1, 12, 4, 4), 1, (11, 3), (1, 1), (1, 1), SAME),
    ((1, 9, 9, 4), 1, (9, 9), (1, 1), (1, 1), VALID),  # more weights than a lane holds
    ((1, 14, 3, 4), 1, (14, 3), (1, 1), (1, 1), SAME),  # two passes
    ((1, 3, 40, 4), 1, (1, 20), (1, 1), (1, 1), SAME),
    ((1, 9, 10, 5), 1, (3, 3), (1, 1), (2, 1), SAME),
    ((1, 9, 10, 4), 1, (3, 3), (1, 1), (2, 3), SAME),
    ((2, 7, 20, 4), 1, (2, 3), (2, 1), (1, 2), Padding(1, 0, 3, 2)),
    ((1, 6, 6, 4), 1, (1, 1), (1, 1), (1, 1), Padding(2, 1, 1, 3)),  # windows wholly in the padding
    ((1, 4, 5, 4), 1, (2, 2), (1, 1), (1, 1), Padding(3, 2, 3, 2)),
    ((1, 5, 6, 4), 2, (3, 3), (1, 1), (1, 1), SAME),
    ((2, 5, 4, 5), 3, (3, 3), (2, 1), (1, 1), SAME),
    ((1, 6, 7, 4), 2, (5, 5), (1, 1), (1, 1), SAME),
    ((1, 3, 18, 1), 8, (3, 3), (1, 1), (1, 1), SAME),
    ((1, 6, 5, 4), 1, (9, 9), (1, 1), (1, 1), SAME),  # as large, in its padding
    ((1, 1, 6, 5), 1, (3, 3), (1, 2), (1, 1), SAME),  # two of three rows see only padding
    ((1, 9, 13, 70), 1, (3, 4), (5, 4), (1, 1), VALID),  # windows apart, three groups of rows
    ((2, 9, 8, 70), 1, (4, 4), (4, 4), (1, 1), VALID),  # four groups, two images
    ((1, 3, 40, 5), 1, (1, 2), (1, 2), (1, 1), VALID),  # more windows in a line than slots
    ((2, 5, 12, 6), 1, (1, 1), (2, 2), (1, 1), VALID),  # two lines finished together, then one
)  # fmt: skip

# (images, height, width, channels), window, stride, padding
POOLS = (
    ((1, 25, 5, 64), (25, 5), (25, 5), VALID),
    ((2, 3, 3, 9), (3, 3), (3, 3), VALID),
    ((1, 8, 8, 4), (4, 8), (4, 8), VALID),  # whole rows side by side
    ((1, 9, 8, 8), (4, 8), (2, 8), VALID),  # whole rows that overlap
    ((2, 8, 6, 12), (2, 2), (2, 2), VALID),
    ((1, 7, 9, 7), (3, 3), (1, 1), SAME),
    ((1, 9, 9, 4), (5, 5), (2, 3), SAME),
    ((1, 4, 3, 1), (1, 1), (1, 1), VALID),
    ((1, 7, 5, 20), (6, 1), (1, 1), Padding(2, 3, 0, 0)),
)  # fmt: skip

# shape, axes
MEANS = (
    ((1, 7, 7, 12), (1, 2)),
    ((2, 3, 5, 9), (1, 2)),
    ((2, 4, 5, 8), (2,)),
    ((3, 6, 4, 8), (0, 2)),
    ((2, 40, 3), (1,)),
    ((4, 33), (1,)),
)  # fmt: skip

SIZES = (15, 16, 17, 31, 64, 70, 259)


def depthwise() -> Iterator[Case]:
    """Each with weights of 8, 4 and 2 bits."""
    for number, (shape, copies, kernel, stride, dilation, padding) in enumerate(DEPTHWISE):
        rng = np.random.default_rng([number])
        pads = _padding(shape, kernel, stride, dilation, padding)
        channels = shape[3] * copies
        x = tensor("x", shape, rng)
        weights, bias, scale = weights_and_bias(rng, (1, *kernel, channels), 3, x)
        zero_point = int(rng.choice(ZERO_POINTS))
        output = (shape[0], *_outputs(shape, kernel, stride, dilation, pads), channels)
        y = tensor("y", output, rng, quantization=Quantization.per_tensor(scale, zero_point))
        operator = DepthwiseConv2D(stride, dilation, pads, ACTIVATIONS[number % len(ACTIVATIONS)])
        made = case(f"depthwise {DEPTHWISE[number]}", rng, operator, [x, weights, bias], [y])
        yield made
        yield from (narrowed(made, dtype) for dtype in NARROW)


def pools() -> Iterator[Case]:
    for number, (shape, size, stride, padding) in enumerate(POOLS):
        rng = np.random.default_rng([number])
        pads = _padding(shape, size, stride, (1, 1), padding)
        x = tensor("x", shape, rng)
        output = (shape[0], *_outputs(shape, size, stride, (1, 1), pads), shape[3])
        y = tensor("y", output, rng, quantization=x.quantization)
        for kind in (AveragePool2D, MaxPool2D):
            operator = kind(size, stride, pads, ACTIVATIONS[number % len(ACTIVATIONS)])
            yield case(f"{kind.__name__} {POOLS[number]}", rng, operator, [x], [y])


def means() -> Iterator[Case]:
    for number, (shape, axes) in enumerate(MEANS):
        rng = np.random.default_rng([number])
        kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
        x, y = tensor("x", shape, rng), tensor("y", kept, rng)
        yield case(f"mean {MEANS[number]}", rng, Mean(axes, False), [x], [y])


def pairs() -> Iterator[Case]:
    """Two tensors of one shape, whole words or not."""
    for number, size in enumerate(SIZES):
        for kind in (Add, Sub, Mul, Minimum, Maximum):
            rng = np.random.default_rng([number, *kind.__name__.encode()])
            a, b, y = (tensor(name, (1, size), rng) for name in ("a", "b", "y"))
            if kind in (Minimum, Maximum):
                b, y = (tensor(name, (1, size), rng, quantization=a.quantization) for name in ("b", "y"))
                operator = kind()
            else:
                operator = kind(ACTIVATIONS[number % len(ACTIVATIONS)])
            yield case(f"{kind.__name__} of {size}", rng, operator, [a, b], [y])


def clamps() -> Iterator[Case]:
    for number, size in enumerate(SIZES):
        rng = np.random.default_rng([number])
        x = tensor("x", (1, size), rng)
        y = tensor("y", (1, size), rng, quantization=x.quantization)
        for operator in (Relu(), Relu6()):
            yield case(f"{operator.type_name} of {size}", rng, operator, [x], [y])


def _padding(shape, kernel, stride, dilation, padding) -> Padding:
    if isinstance(padding, Padding):
        return padding
    axes = zip(shape[1:3], kernel, stride, dilation, strict=True)
    pads = [same_padding(*axis) if padding == SAME else (0, 0) for axis in axes]
    return Padding(*pads[0], *pads[1])


def _outputs(shape, kernel, stride, dilation, pads: Padding) -> list[int]:
    total = (pads.top + pads.bottom, pads.left + pads.right)
    return [
        (shape[1 + axis] + total[axis] - (kernel[axis] - 1) * dilation[axis] - 1) // stride[axis] + 1
        for axis in range(2)
    ]
