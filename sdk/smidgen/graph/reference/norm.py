"""LayerNorm, RmsNorm, InstanceNorm.

On int8 with n elements x to a mean, less the zero point, all sums are exact. With S = sum(x), 0 for RmsNorm,

    d = n x - S,    V = n sum(x^2) - S^2,    d / sqrt(V + n^2 epsilon / scale^2)

is the normalized element (V is n^2 times the variance). V has fraction bits, so that epsilon counts even
where the variance is small; one reciprocal square root in Q2.30 serves all n elements. The result in
Q(30 - b), which no element leaves because it is at most sqrt(n) <= 2^b, is multiplied by gamma, beta is
added, and the sum is requantized. An output is within 0.501 steps of the exact function of the integers,
gamma and beta, unless sqrt(n) gamma can leave the output's range some 10,000 times over
(tests/reference/test_reference_norm.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import (
    integer_range,
    quantize_multiplier,
    requantize,
    wrap_int32,
)
from smidgen.graph.operators import InstanceNorm, RmsNorm
from smidgen.graph.reference.base import Evaluator, optional, require, tensors_of
from smidgen.graph.types import DType, Graph, Node, Tensor

LARGEST_COUNT = 1 << 16  # elements to a mean, so that n x is below 2^24
_LARGEST_SQUARE = 255**2  # of x, less the zero point; n^2 times as much is the largest V
_ROOT_BITS = 30
_GAMMA_BITS = 15  # by which the product of a normalized element and gamma is shifted right
_UNIT_GAMMA = 1 << 14  # stands for 1 where there is no gamma


@dataclass(frozen=True)
class NormParameters:
    """Integers of an int8 normalization; see the module.

    count: n; fraction_bits: of V, an even number; epsilon: what is added to V; largest_root_bits: b; gamma
    (int16) and beta (int32), in their tensors' shapes, or one number where they are absent; multiplier,
    shift: from their sum to the output.
    """

    count: int
    centred: bool
    input_zero_point: int
    output_zero_point: int
    fraction_bits: int
    epsilon: int
    largest_root_bits: int
    gamma: np.ndarray
    beta: np.ndarray
    multiplier: int
    shift: int


def reduced_axes(graph: Graph, node: Node) -> tuple[int, ...]:
    """The axes of x over which the node takes the mean."""
    rank = len(graph.tensor(node.inputs[0]).shape)
    if isinstance(node.operator, InstanceNorm):
        return tuple(range(1, rank - 1))
    return tuple(range(rank - node.operator.axes, rank))


def accumulator_scale(count: int, gamma_scale: float) -> float:
    """What one unit of beta, int32, stands for where gamma has this scale."""
    return gamma_scale * 2.0 ** (_largest_root_bits(count) - 15)


def _largest_root_bits(count: int) -> int:
    return math.ceil(math.log2(count) / 2)


def norm_parameters(graph: Graph, node: Node) -> NormParameters:
    """Of an int8 node with constant gamma (int16) and beta (int32), if any."""
    x, output = graph.tensor(node.inputs[0]), graph.output_tensors(node)[0]
    gamma, beta = _constant(graph, node, 1), _constant(graph, node, 2)
    count = math.prod(x.shape[axis] for axis in reduced_axes(graph, node))
    epsilon = node.operator.epsilon / x.scale**2 * count**2
    largest = math.ceil(math.log2(_LARGEST_SQUARE * count**2 + epsilon))
    fraction_bits = max(62 - largest, 0) // 2 * 2
    gamma_scale = 1 / _UNIT_GAMMA if gamma is None else gamma.scale
    scale = accumulator_scale(count, gamma_scale)
    return NormParameters(
        count,
        not isinstance(node.operator, RmsNorm),
        x.zero_point,
        output.zero_point,
        fraction_bits,
        int(min(epsilon * 2.0**fraction_bits, 2.0**62)),
        _largest_root_bits(count),
        np.array([_UNIT_GAMMA]) if gamma is None else gamma.data.astype(np.int64),
        np.zeros(1, np.int64) if beta is None else beta.data.astype(np.int64),
        *quantize_multiplier(scale / output.scale),
    )


def _constant(graph: Graph, node: Node, index: int) -> Tensor | None:
    name = optional(node.inputs, index)
    return None if name is None else graph.tensor(name)


def norm(graph: Graph, node: Node) -> Evaluator:
    present = [tensor for tensor in graph.input_tensors(node) if tensor is not None]
    _, output = tensors_of(graph, node)
    axes = reduced_axes(graph, node)
    if present[0].dtype is DType.I8:
        require(output.dtype is DType.I8 and refuse_integers(graph, node) is None, graph, node)
        return _norm_int8(norm_parameters(graph, node), axes)
    require(all(tensor.dtype is DType.F32 for tensor in (*present, output)), graph, node)

    def run(inputs):
        x = inputs[0].astype(np.float64)
        if not isinstance(node.operator, RmsNorm):
            x = x - x.mean(axis=axes, keepdims=True)
        result = x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + node.operator.epsilon)
        gamma, beta = optional(inputs, 1), optional(inputs, 2)
        result = result if gamma is None else result * gamma
        return [(result if beta is None else result + beta).astype(np.float32)]

    return run


def refuse_integers(graph: Graph, node: Node) -> str | None:
    """Why there is no int8 meaning of a node on int8, or None when there is."""
    x = graph.tensor(node.inputs[0])
    gamma, beta = _constant(graph, node, 1), _constant(graph, node, 2)
    count = math.prod(x.shape[axis] for axis in reduced_axes(graph, node))
    if count > LARGEST_COUNT:
        return f"it takes the mean of {count} elements, more than {LARGEST_COUNT}"
    if gamma is not None and not (gamma.is_constant and gamma.dtype is DType.I16):
        return f"its gamma '{gamma.name}' is not a constant of type i16"
    if beta is not None and not (beta.is_constant and beta.dtype is DType.I32):
        return f"its beta '{beta.name}' is not a constant of type i32"
    return None


def _norm_int8(p: NormParameters, axes: tuple[int, ...]) -> Evaluator:
    def run(inputs):
        x = inputs[0].astype(np.int64) - p.input_zero_point
        total = x.sum(axis=axes, keepdims=True) if p.centred else 0
        square = p.count * (x * x).sum(axis=axes, keepdims=True) - total * total
        # Where all of V is 0, so is every d, and any root will do.
        variance = np.maximum((square << p.fraction_bits) + p.epsilon, 1 << p.fraction_bits)
        roots, bits = reciprocal_square_root(variance)
        shift = bits - p.fraction_bits // 2 - (30 - p.largest_root_bits)
        normalized = _rounded_shift((p.count * x - total) * roots, shift)
        accumulators = _rounded_shift(normalized * p.gamma, _GAMMA_BITS) + p.beta
        result = requantize(
            wrap_int32(accumulators), p.multiplier, p.shift, p.output_zero_point, integer_range(8)
        )
        return [result.astype(np.int8)]

    return run


def reciprocal_square_root(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(r, b): 1 / sqrt(x) is r / 2**b within 2**-24 of itself, for integers x from 1 to 2**63 - 1.

    x is brought between 1 / 4 and 1 by a power of four, to a in Q0.30. From 2.1327 - 1.2187 a, three
    Newton-Raphson steps r (3 - a r^2) / 2 in Q2.30 follow.
    """
    x = np.asarray(x, np.int64)
    pairs = (_bit_length(x) + 1) // 2
    right = 2 * pairs - _ROOT_BITS
    a = np.where(right > 0, x >> np.maximum(right, 0), x << np.maximum(-right, 0))
    r = (_START - _SLOPE * a) >> _ROOT_BITS
    for _ in range(3):
        square = (r * r) >> _ROOT_BITS
        r = (r * (((3 << _ROOT_BITS) - ((a * square) >> _ROOT_BITS)) >> 1)) >> _ROOT_BITS
    return r, _ROOT_BITS + pairs


_START = round(2.1327 * (1 << _ROOT_BITS)) << _ROOT_BITS
_SLOPE = round(1.2187 * (1 << _ROOT_BITS))


def _bit_length(x: np.ndarray) -> np.ndarray:
    """Of integers from 1 to 2**63 - 1, exactly: float64 rounds up the largest ones."""
    high = x >> 32
    return np.where(
        high > 0, 32 + np.frexp(high.astype(np.float64))[1], np.frexp((x & 0xFFFFFFFF).astype(np.float64))[1]
    )


def _rounded_shift(x: np.ndarray, bits: np.ndarray | int) -> np.ndarray:
    """x / 2**bits to the nearest integer, ties upward; bits from 0."""
    return (x + ((np.int64(1) << bits) >> 1)) >> bits
