"""Kernel cases with int16 activations: layers with int8 weights, and operators on int16 values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from case_parts import ACTIVATIONS, Rng, case, tensor, window
from kernel_harness import Case

from smidgen.graph import DType, Quantization, Tensor
from smidgen.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Logistic,
    MaxPool2D,
    Mean,
    Mul,
    Padding,
    Softmax,
    Sub,
    Tanh,
)

_UNIT = 2.0**-15


def wide(name: str, shape: Sequence[int], rng: Rng, scale: float | None = None, **more) -> Tensor:
    """An int16 tensor, whose zero point is 0."""
    scale = float(np.float32(2.0 ** rng.uniform(-14, -6))) if scale is None else scale
    return tensor(name, shape, rng, DType.I16, quantization=Quantization.per_tensor(scale, 0), **more)


def constants(rng: Rng, shape: Sequence[int], axis: int, x: Tensor) -> tuple[list[Tensor], float]:
    """Weights, mostly with a bias, and a scale of the output that suits them; now and then the extremes."""
    channels, largest = shape[axis], int(rng.choice((4, 127, 128)))
    data = rng.integers(-largest, largest, shape).astype(np.int8)
    if rng.random() < 0.2:
        data[...] = -128
    spread = 19000 * 64 * np.sqrt(data.size / channels)
    scales = 2.0 ** rng.uniform(-8, -6, channels if rng.random() < 0.8 else 1)
    quantization = Quantization(
        scales.astype(np.float32), np.zeros(scales.size, np.int32), axis if scales.size > 1 else None
    )
    weights = tensor("weights", shape, rng, data=data, quantization=quantization)
    reach = int(rng.choice((spread, 2**40)))
    values = rng.integers(-reach, reach, channels)
    bias = Tensor("bias", (channels,), DType.I64, None, values)
    scale = x.scale * float(np.median(scales)) * spread / 10000 * 2.0 ** rng.uniform(-3, 3)
    return [weights, bias] if rng.random() < 0.85 else [weights], float(np.float32(scale))


def layers(rng: Rng, number: int) -> Iterator[Case]:
    rows, columns = window(rng, (1, 2, 3), (1, 1, 2)), window(rng, (1, 2, 3), (1, 1, 2))
    padding = Padding(rows[5], rows[6], columns[5], columns[6])
    step, dilation = (rows[3], columns[3]), (rows[4], columns[4])
    activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    groups, inputs, outputs = int(rng.choice((1, 1, 2))), int(rng.integers(1, 6)), int(rng.integers(1, 10))
    if number % 5 == 0:  # more products than 32 bits hold the sums of
        groups, inputs = 1, 300
    batches = int(rng.choice((1, 2)))
    x = wide("x", (batches, rows[0], columns[0], inputs * groups), rng)
    operands, scale = constants(rng, (outputs * groups, rows[2], columns[2], inputs), 0, x)
    y = wide("y", (batches, rows[1], columns[1], outputs * groups), rng, scale)
    yield case(f"conv {number}", rng, Conv2D(step, dilation, padding, activation), [x, *operands], [y])

    channels, multiplier = int(rng.integers(1, 5)), int(rng.choice((1, 1, 2)))
    x = wide("x", (batches, rows[0], columns[0], channels), rng)
    operands, scale = constants(rng, (1, rows[2], columns[2], channels * multiplier), 3, x)
    y = wide("y", (batches, rows[1], columns[1], channels * multiplier), rng, scale)
    operator = DepthwiseConv2D(step, dilation, padding, activation)
    yield case(f"depthwise {number}", rng, operator, [x, *operands], [y])

    depth = int(rng.choice((1, 7, 255, 256, 257, 600)))
    x = wide("x", (batches, depth), rng)
    operands, scale = constants(rng, (outputs, depth), 0, x)
    y = wide("y", (batches, outputs), rng, scale)
    yield case(f"fully connected {number}", rng, FullyConnected(activation), [x, *operands], [y])


def values(rng: Rng, number: int) -> Iterator[Case]:
    shape = [int(size) for size in rng.integers(1, 6, 3)]
    other = [1 if rng.random() < 0.3 else size for size in shape]
    activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    for kind in (Add, Sub, Mul):
        a, b = wide("a", shape, rng), wide("b", other, rng)
        together = a.scale * b.scale * 20000 if kind is Mul else a.scale + b.scale
        y = wide("y", shape, rng, float(np.float32(together * 2.0 ** rng.uniform(-1, 1))))
        yield case(f"{kind.__name__} {number}", rng, kind(activation), [a, b], [y])
    for operator in (Logistic(), Tanh()):
        scale = float(rng.choice((2.0**-12, 2.0**-11, np.float32(2.0 ** rng.uniform(-16, 1)))))
        x, y = wide("x", [300], rng, scale), wide("y", [300], rng, _UNIT)
        yield case(f"{operator.type_name} {number}", rng, operator, [x], [y])
    x = wide("x", (3, int(rng.choice((1, 2, 10, 300)))), rng)
    y = wide("y", x.shape, rng, _UNIT)
    yield case(f"softmax {number}", rng, Softmax(float(rng.choice((0.5, 1.0, 3.0)))), [x], [y])
    rows, columns = window(rng, (1, 2, 3)), window(rng, (1, 2, 3))
    x = wide("x", (1, rows[0], columns[0], 3), rng)
    y = wide("y", (1, rows[1], columns[1], 3), rng, x.scale)
    padding = Padding(rows[5], rows[6], columns[5], columns[6])
    mean = wide("y", (1, 3), rng, x.scale * 0.7)
    yield case(f"mean {number}", rng, Mean((1, 2)), [x], [mean])
    for pool in (AveragePool2D, MaxPool2D):
        operator = pool((rows[2], columns[2]), (rows[3], columns[3]), padding, activation)
        yield case(f"{pool.__name__} {number}", rng, operator, [x], [y])
