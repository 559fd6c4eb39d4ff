"""What all makers of kernel cases share: random tensors, windows, weights and graphs of one node."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from kernel_harness import Case

from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import Activation, Operator

Rng = np.random.Generator
ZERO_POINTS = (-128, 127, 0, -1, 5, -77)
ACTIVATIONS = tuple(Activation)
DTYPES = (DType.I8, DType.I16, DType.I32, DType.F32)


def tensor(name: str, shape: Sequence[int], rng: Rng, dtype: DType = DType.I8, **more) -> Tensor:
    """A tensor with a random quantization, its zero point often at an end of the range."""
    if "quantization" not in more and dtype is not DType.F32:
        zero_point = int(rng.choice(ZERO_POINTS))
        more["quantization"] = Quantization.per_tensor(
            float(np.float32(2.0 ** rng.uniform(-8, -2))), zero_point
        )
    return Tensor(name, tuple(int(size) for size in shape), dtype, **more)


def values(rng: Rng, t: Tensor) -> np.ndarray:
    """Random elements; one time in four only the extremes of the range."""
    if t.dtype is DType.F32:
        return rng.normal(0, 3, t.shape).astype(np.float32)
    if t.dtype is DType.BOOL:
        return rng.random(t.shape) < 0.5
    limits = np.iinfo(t.dtype.numpy)
    if rng.random() < 0.25:
        return rng.choice([limits.min, limits.max], t.shape).astype(t.dtype.numpy)
    return rng.integers(limits.min, limits.max, t.shape, dtype=t.dtype.numpy, endpoint=True)


def case(
    name: str, rng: Rng, operator: Operator, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> Case:
    node = Node("node", operator, tuple(t.name for t in inputs), tuple(t.name for t in outputs))
    variables = [t for t in inputs if not t.is_constant]
    names = tuple(t.name for t in variables)
    tensors = {t.name: t for t in (*inputs, *outputs)}
    graph = Graph("case", tensors, (node,), names, node.outputs)
    return Case(name, graph, [values(rng, t) for t in variables])


def extent_of(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    return (size + before + after - (kernel - 1) * dilation - 1) // stride + 1


def window(rng: Rng, kernels: Sequence[int], dilations: Sequence[int] = (1,)):
    """(input, output, kernel, stride, dilation, before, after) of one axis, with at least one position."""
    while True:
        size, kernel = int(rng.integers(1, 10)), int(rng.choice(kernels))
        stride, dilation = int(rng.choice((1, 1, 2, 3))), int(rng.choice(dilations))
        reach = (kernel - 1) * dilation
        before, after = (int(rng.integers(0, min(reach, 3) + 1)) for _ in range(2))
        output = extent_of(size, kernel, stride, dilation, before, after)
        if output >= 1:
            return size, output, kernel, stride, dilation, before, after


def weights_and_bias(rng: Rng, shape: Sequence[int], axis: int, x: Tensor) -> tuple[Tensor, Tensor, float]:
    """Constants, and a scale of the output for which most accumulators stay within its range.

    Small weights make for small shifts, and so for ties in rounding. Now and then scales are far apart, or
    a bias is extreme, which brings out left shifts, accumulators that wrap and channels stuck at one value.
    """
    channels = shape[axis]
    wild = rng.random() < 0.25
    largest = int(rng.choice((1, 4, 127)))
    data = rng.integers(-largest, largest, shape, endpoint=True).astype(np.int8)
    if rng.random() < 0.1:
        data[rng.random(shape) < 0.3] = -128
    spread = 43 * largest * np.sqrt(data.size / channels)  # of the accumulators, by and large
    scales = 2.0 ** rng.uniform(*((-24, 1) if wild else (-7, -6)), channels if rng.random() < 0.8 else 1)
    reach = 2**31 - 1 if wild and rng.random() < 0.5 else max(int(spread), 1)
    bias = rng.integers(-reach, reach, channels, endpoint=True).astype(np.int32)
    if not wild and rng.random() < 0.2:
        bias[rng.random(channels) < 0.3] = 2**30
    quantization = Quantization(
        scales.astype(np.float32), np.zeros(scales.size, np.int32), axis if scales.size > 1 else None
    )
    constants = (
        tensor("weights", shape, rng, data=data, quantization=quantization),
        tensor("bias", (channels,), rng, DType.I32, data=bias, quantization=None),
    )
    scale = x.scale * float(np.median(scales)) * spread / 40 * 2.0 ** rng.uniform(-2, 2)
    return *constants, float(np.float32(scale))


def output_of(rng: Rng, shape: Sequence[int], scale: float) -> Tensor:
    quantization = Quantization.per_tensor(scale, int(rng.choice(ZERO_POINTS)))
    return tensor("y", shape, rng, quantization=quantization)
