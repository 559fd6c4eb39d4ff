"""Moving elements without computing on them, for every element type."""

from __future__ import annotations

import numpy as np

from smidgen.graph.operators import (
    Concatenation,
    DepthToSpace,
    Gather,
    Pack,
    Pad,
    SpaceToDepth,
    Split,
    StridedSlice,
    Tile,
    Transpose,
    Unpack,
)
from smidgen.graph.reference.base import Evaluator, require, tensors_of
from smidgen.graph.types import DType, Graph, Node


def concatenation(graph: Graph, node: Node) -> Evaluator:
    operator: Concatenation = node.operator
    return lambda inputs: [np.concatenate(inputs, axis=operator.axis)]


def pad_value(graph: Graph, node: Node) -> float:
    """What a Pad fills with, in the tensor's own domain."""
    operator: Pad = node.operator
    (x, *_), _ = tensors_of(graph, node)
    if operator.value is not None:
        return operator.value
    return 0 if x.quantization is None else x.zero_point


def pad(graph: Graph, node: Node) -> Evaluator:
    operator: Pad = node.operator
    fill = pad_value(graph, node)
    return lambda inputs: [np.pad(inputs[0], operator.paddings, constant_values=fill)]


def reshape(graph: Graph, node: Node) -> Evaluator:
    _, output = tensors_of(graph, node)
    return lambda inputs: [inputs[0].reshape(output.shape)]


def transpose(graph: Graph, node: Node) -> Evaluator:
    operator: Transpose = node.operator
    return lambda inputs: [np.ascontiguousarray(inputs[0].transpose(operator.permutation))]


def strided_slice(graph: Graph, node: Node) -> Evaluator:
    operator: StridedSlice = node.operator
    _, output = tensors_of(graph, node)
    indices = [
        begin + step * np.arange(size)
        for begin, step, size in zip(operator.begin, operator.step, output.shape, strict=True)
    ]
    return lambda inputs: [inputs[0][np.ix_(*indices)]]


def split(graph: Graph, node: Node) -> Evaluator:
    operator: Split = node.operator
    sizes = [tensor.shape[operator.axis] for tensor in graph.output_tensors(node)]
    ends = np.cumsum(sizes)[:-1]
    return lambda inputs: [np.ascontiguousarray(part) for part in np.split(inputs[0], ends, operator.axis)]


def pack(graph: Graph, node: Node) -> Evaluator:
    operator: Pack = node.operator
    return lambda inputs: [np.stack(inputs, axis=operator.axis)]


def unpack(graph: Graph, node: Node) -> Evaluator:
    operator: Unpack = node.operator
    return lambda inputs: [np.ascontiguousarray(part) for part in np.moveaxis(inputs[0], operator.axis, 0)]


def gather(graph: Graph, node: Node) -> Evaluator:
    operator: Gather = node.operator
    (x, indices), output = tensors_of(graph, node)
    require(indices.dtype is DType.I32 and x.dtype is output.dtype, graph, node)
    size = x.shape[operator.axis]

    def run(inputs):
        values, wanted = inputs
        inside = np.clip(np.where(wanted < 0, wanted.astype(np.int64) + size, wanted), 0, size - 1)
        return [np.take(values, inside, axis=operator.axis)]

    return run


def tile(graph: Graph, node: Node) -> Evaluator:
    operator: Tile = node.operator
    return lambda inputs: [np.tile(inputs[0], operator.multiples)]


def depth_to_space(graph: Graph, node: Node) -> Evaluator:
    operator: DepthToSpace = node.operator
    (x,), output = tensors_of(graph, node)
    n, height, width, _ = x.shape
    split = (n, height, width, operator.block_size, operator.block_size, output.shape[3])
    return lambda inputs: [inputs[0].reshape(split).transpose(0, 1, 3, 2, 4, 5).reshape(output.shape)]


def space_to_depth(graph: Graph, node: Node) -> Evaluator:
    operator: SpaceToDepth = node.operator
    (x,), output = tensors_of(graph, node)
    n, height, width, _ = output.shape
    split = (n, height, operator.block_size, width, operator.block_size, x.shape[3])
    return lambda inputs: [inputs[0].reshape(split).transpose(0, 1, 3, 2, 4, 5).reshape(output.shape)]
