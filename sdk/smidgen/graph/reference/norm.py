"""LayerNorm, RmsNorm, InstanceNorm."""

from __future__ import annotations

import numpy as np

from smidgen.graph.operators import InstanceNorm, RmsNorm
from smidgen.graph.reference.base import Evaluator, optional, require, tensors_of
from smidgen.graph.types import DType, Graph, Node


def reduced_axes(graph: Graph, node: Node) -> tuple[int, ...]:
    """The axes of x over which the node takes the mean."""
    rank = len(graph.tensor(node.inputs[0]).shape)
    if isinstance(node.operator, InstanceNorm):
        return tuple(range(1, rank - 1))
    return tuple(range(rank - node.operator.axes, rank))


def norm(graph: Graph, node: Node) -> Evaluator:
    present = [tensor for tensor in graph.input_tensors(node) if tensor is not None]
    _, output = tensors_of(graph, node)
    require(all(tensor.dtype is DType.F32 for tensor in (*present, output)), graph, node)
    axes = reduced_axes(graph, node)

    def run(inputs):
        x = inputs[0].astype(np.float64)
        if not isinstance(node.operator, RmsNorm):
            x = x - x.mean(axis=axes, keepdims=True)
        result = x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + node.operator.epsilon)
        gamma, beta = optional(inputs, 1), optional(inputs, 2)
        result = result if gamma is None else result * gamma
        return [(result if beta is None else result + beta).astype(np.float32)]

    return run
