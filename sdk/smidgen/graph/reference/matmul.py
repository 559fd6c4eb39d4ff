"""FullyConnected and BatchMatMul."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import (
    activation_range_float,
    integer_range,
    quantize_multiplier,
    requantize,
    requantize_wide,
    wrap_int32,
)
from smidgen.graph.operators import BatchMatMul
from smidgen.graph.reference.base import (
    QUANTIZED,
    Evaluator,
    optional,
    require,
    tensors_of,
)
from smidgen.graph.reference.conv import ConvParameters, finish_layer, product_parameters, require_layer
from smidgen.graph.types import DType, Graph, Node


def fully_connected_parameters(graph: Graph, node: Node) -> ConvParameters:
    """Of a quantized FullyConnected; one multiplier and shift per output, all equal when per tensor."""
    (_, weights, *_), _ = tensors_of(graph, node)
    return product_parameters(graph, node, weights.shape[0])


def fully_connected(graph: Graph, node: Node) -> Evaluator:
    (x, weights, *rest), output = tensors_of(graph, node)
    is_float = require_layer(x, weights, optional(rest, 0), output, graph, node)
    depth = weights.shape[1]

    if is_float:
        low, high = activation_range_float(node.operator.activation)

        def run_float(inputs):
            total = inputs[0].reshape(-1, depth).astype(np.float64) @ inputs[1].T.astype(np.float64)
            if optional(inputs, 2) is not None:
                total = total + inputs[2]
            return [np.clip(total, low, high).astype(np.float32).reshape(output.shape)]

        return run_float

    parameters = fully_connected_parameters(graph, node)

    def run_integer(inputs):
        # Products are exact in float64, where the matrix product is ten times faster.
        values = inputs[0].reshape(-1, depth).astype(np.float64) - parameters.input_zero_point
        total = (values @ inputs[1].T.astype(np.float64)).astype(np.int64)
        result = finish_layer(total, optional(inputs, 2), parameters, output.dtype)
        return [result.reshape(output.shape)]

    return run_integer


@dataclass(frozen=True)
class BatchMatMulParameters:
    """Integers of a quantized BatchMatMul: sums of products of inputs less their zero points, requantized."""

    a_zero_point: int
    b_zero_point: int
    output_zero_point: int
    multiplier: int
    shift: int
    clamp_min: int
    clamp_max: int


def batch_matmul_parameters(graph: Graph, node: Node) -> BatchMatMulParameters:
    (a, b), output = tensors_of(graph, node)
    multiplier, shift = quantize_multiplier(a.scale * b.scale / output.scale)
    clamp = integer_range(output.dtype.bits)
    return BatchMatMulParameters(a.zero_point, b.zero_point, output.zero_point, multiplier, shift, *clamp)


def batch_matmul(graph: Graph, node: Node) -> Evaluator:
    operator: BatchMatMul = node.operator
    (a, b), output = tensors_of(graph, node)
    require(a.dtype is b.dtype is output.dtype and a.dtype in (DType.F32, *QUANTIZED), graph, node)

    def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        left = left.swapaxes(-1, -2) if operator.transpose_a else left
        return left @ (right.swapaxes(-1, -2) if operator.transpose_b else right)

    if output.dtype is DType.F32:
        return lambda inputs: [product(*(i.astype(np.float64) for i in inputs)).astype(np.float32)]

    p = batch_matmul_parameters(graph, node)

    def run_integer(inputs):
        # Exact in float64: no sum of products reaches 2**53.
        centred = [
            inputs[0].astype(np.float64) - p.a_zero_point,
            inputs[1].astype(np.float64) - p.b_zero_point,
        ]
        total, clamp = product(*centred).astype(np.int64), (p.clamp_min, p.clamp_max)
        if output.dtype is DType.I16:
            return [requantize_wide(total, p.multiplier, p.shift, clamp).astype(np.int16)]
        result = requantize(wrap_int32(total), p.multiplier, p.shift, p.output_zero_point, clamp)
        return [result.astype(np.int8)]

    return run_integer
