"""The kernel cases with weights, their weights made 4 or 2 bits wide, and cases that hurt packed sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from case_parts import Rng, case, tensor
from kernel_cases import Maker, convolutions, depthwise, fully_connected, sliding, thresholds
from kernel_harness import Case
from product_cases import transpose_convolutions

from smidgen.graph import DType, Quantization
from smidgen.graph.fixed_point import INT32_MAX, INT32_MIN, integer_range
from smidgen.graph.operators import Conv2D, FullyConnected

NARROW = (DType.I4, DType.I2)
# Around the number of products that are added up in half a word, and around words of weights.
DEPTHS = (1, 7, 8, 29, 30, 31, 32, 33, 61, 123, 124, 125, 127, 128, 129, 200, 249, 255)


def narrowed(made: Case, dtype: DType) -> Case:
    """The case with its weights wrapped into the range of `dtype`, which uses all of it.

    Scales and biases are changed so that accumulators keep their place in the output's range.
    """
    weights = made.graph.tensor("weights")
    low, high = integer_range(dtype.bits)
    data = (weights.data.astype(np.int64) - low) % (high - low + 1) + low
    factor = max(np.abs(weights.data.astype(np.int64)).max(), 1) / -low
    scale = (weights.quantization.scale * factor).astype(np.float32)
    tensors = dict(made.graph.tensors)
    tensors["weights"] = replace(
        weights,
        dtype=dtype,
        data=data.astype(np.int8),
        quantization=replace(weights.quantization, scale=scale),
    )
    if "bias" in tensors:
        bias = tensors["bias"]
        data = np.clip(bias.data / factor, INT32_MIN, INT32_MAX)
        tensors["bias"] = replace(bias, data=data.astype(np.int32))
    graph = replace(made.graph, tensors=tensors)
    return Case(f"{made.name} {dtype.value}", graph, made.inputs)


def extremes(rng: Rng, number: int, dtype: DType) -> Iterator[Case]:
    """Products that are all as large as can be and of one sign, as a matrix product and as a convolution."""
    depth, channels = DEPTHS[number % len(DEPTHS)], int(rng.integers(1, 10))
    low, high = integer_range(dtype.bits)
    data = np.where(rng.random((channels, 1)) < 0.5, low, high) * np.ones((1, depth))
    quantization = Quantization.per_tensor(2.0**-6, int(rng.choice((-128, 0, 127))))
    sums = Quantization.per_tensor(2.0 ** np.ceil(np.log2(depth * -low)), 0)
    more = {"dtype": dtype, "quantization": Quantization.per_tensor(2.0**-1, 0)}
    for shape, operator in (((3, depth), FullyConnected()), ((1, 2, 3, depth), Conv2D())):
        x = tensor("x", shape, rng, quantization=quantization)
        y = tensor("y", (*shape[:-1], channels), rng, quantization=sums)
        form = (channels, depth) if len(shape) == 2 else (channels, 1, 1, depth)
        weights = tensor("weights", form, rng, data=data.astype(np.int8).reshape(form), **more)
        made = case(f"{operator.type_name} extremes {number} {dtype.value}", rng, operator, [x, weights], [y])
        made.inputs[0][...] = rng.choice((-128, 127), (*shape[:-1], 1))
        yield made


FAMILIES: dict[str, tuple[tuple[Maker, int], ...]] = {
    "conv": ((convolutions, 80), (depthwise, 60), (sliding, 60), (transpose_convolutions, 15)),
    "matmul": ((fully_connected, 60), (thresholds, 34)),
}


def cases_of(family: str, dtype: DType) -> list[Case]:
    """The family's cases at one width; each comes from a seed of its own."""
    made = [
        narrowed(one, dtype)
        for maker, count in FAMILIES[family]
        for number in range(count)
        for one in maker(np.random.default_rng([number, *maker.__name__.encode()]), number)
    ]
    for number in range(len(DEPTHS)):
        of_both = extremes(np.random.default_rng([number, dtype.bits]), number, dtype)
        made += [
            one for one in of_both if isinstance(one.node.operator, FullyConnected) == (family == "matmul")
        ]
    return made
