"""FullyConnected and BatchMatMul."""

from __future__ import annotations

import numpy as np

from smidgen.graph.fixed_point import (
    activation_range_float,
    requantize,
    wrap_int32,
)
from smidgen.graph.operators import BatchMatMul
from smidgen.graph.reference.base import (
    WEIGHTS,
    Evaluator,
    optional,
    require,
    tensors_of,
)
from smidgen.graph.reference.conv import ConvParameters, product_parameters
from smidgen.graph.types import DType, Graph, Node


def fully_connected_parameters(graph: Graph, node: Node) -> ConvParameters:
    """Of an int8 FullyConnected; one multiplier and shift per output, all equal when per tensor."""
    (_, weights, *_), _ = tensors_of(graph, node)
    return product_parameters(graph, node, weights.shape[0])


def fully_connected(graph: Graph, node: Node) -> Evaluator:
    (x, weights, *rest), output = tensors_of(graph, node)
    bias = optional(rest, 0)
    is_float = x.dtype is weights.dtype is output.dtype is DType.F32
    is_int8 = x.dtype is output.dtype is DType.I8 and weights.dtype in WEIGHTS
    require(is_float or (is_int8 and (bias is None or bias.dtype is DType.I32)), graph, node)
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

    def run_int8(inputs):
        # int8 products are exact in float64, where the matrix product is ten times faster.
        values = inputs[0].reshape(-1, depth).astype(np.float64) - parameters.input_zero_point
        total = (values @ inputs[1].T.astype(np.float64)).astype(np.int64)
        if optional(inputs, 2) is not None:
            total = total + inputs[2]
        result = requantize(
            wrap_int32(total),
            parameters.multiplier,
            parameters.shift,
            parameters.output_zero_point,
            parameters.clamp,
        )
        return [result.astype(np.int8).reshape(output.shape)]

    return run_int8


def batch_matmul(graph: Graph, node: Node) -> Evaluator:
    operator: BatchMatMul = node.operator
    (a, b), output = tensors_of(graph, node)
    require(a.dtype is b.dtype is output.dtype is DType.F32, graph, node)

    def run(inputs):
        left, right = (values.astype(np.float64) for values in inputs)
        if operator.transpose_a:
            left = left.swapaxes(-1, -2)
        if operator.transpose_b:
            right = right.swapaxes(-1, -2)
        return [(left @ right).astype(np.float32)]

    return run
