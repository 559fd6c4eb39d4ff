"""Moving elements without computing on them, for every element type."""

from __future__ import annotations

import numpy as np

from smidgen.graph.operators import Concatenation, Pack, Pad, Split, StridedSlice, Transpose, Unpack
from smidgen.graph.reference.base import Evaluator, tensors_of
from smidgen.graph.types import Graph, Node


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
