"""Which of a file's scales 32-bit integer kernels can compute with."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.fixed_point import can_be_rescaled
from smidgen.graph.operators import (
    Add,
    BatchMatMul,
    LeakyRelu,
    Mean,
    Mul,
    Prelu,
    Quantize,
    Relu,
    SquaredDifference,
    Sub,
    Sum,
)
from smidgen.importers.onnx.qdq_layers import CHANNEL_AXIS

_LARGEST = 255  # difference of an int8 value and a zero point
# Inputs are scaled up by so many bits before they are rescaled.
_ADD_BITS, _SQUARE_BITS = 20, 7


def overflows(graph: Graph, node: Node) -> bool:
    """Whether an int8 operator could leave 32 bits on some input."""
    return any(not can_be_rescaled(magnitude, real) for magnitude, real in _rescalings(graph, node))


def _rescalings(graph: Graph, node: Node) -> Iterator[tuple[int, float]]:
    """The largest integers and what they are multiplied by."""
    x, *others = (tensor for tensor in graph.input_tensors(node) if tensor is not None)
    y = graph.output_tensors(node)[0]
    if x.quantization is None or y.quantization is None:
        return
    operator = node.operator
    if type(operator) in CHANNEL_AXIS:
        yield from _of_layer(x, others, y, CHANNEL_AXIS[type(operator)])
        return
    match operator:
        case Quantize() | Relu():
            yield _LARGEST, x.scale / y.scale
        case LeakyRelu(alpha=alpha):
            yield _LARGEST, max(abs(alpha), 1.0) * x.scale / y.scale
        case Prelu():
            yield _LARGEST, x.scale / y.scale
            yield _LARGEST**2, x.scale * others[0].scale / y.scale
        case Mean(axes=axes) | Sum(axes=axes):
            yield _LARGEST * math.prod(x.shape[axis] for axis in axes), x.scale / y.scale
        case Mul():
            yield _LARGEST**2, x.scale * others[0].scale / y.scale
        case BatchMatMul(transpose_a=transposed):
            depth = x.shape[-2 if transposed else -1]
            yield _LARGEST**2 * depth, x.scale * others[0].scale / y.scale
        case Add() | Sub():
            unit = 2 * max(x.scale, others[0].scale) / (1 << _ADD_BITS)
            yield _LARGEST << _ADD_BITS, unit / y.scale
        case SquaredDifference():
            unit = 2 * max(x.scale, others[0].scale) / (1 << _SQUARE_BITS)
            yield (_LARGEST << _SQUARE_BITS) ** 2, unit**2 / y.scale


def _of_layer(x: Tensor, others: list[Tensor], y: Tensor, channel_axis: int) -> Iterator[tuple[int, float]]:
    """The accumulator of every output channel, bias and zero point included."""
    weights = others[0]
    assert weights.data is not None and weights.quantization is not None
    inner = tuple(axis for axis in range(len(weights.shape)) if axis != channel_axis)
    sums = np.abs(weights.data.astype(np.int64)).sum(axis=inner) * (128 + abs(x.zero_point))
    if len(others) > 1 and others[1].data is not None:
        sums = sums + np.abs(others[1].data.astype(np.int64))
    scales = x.scale * weights.quantization.scale.astype(np.float64) / y.scale
    for magnitude, real in zip(sums, np.broadcast_to(scales, sums.shape), strict=True):
        yield int(magnitude), float(real)
