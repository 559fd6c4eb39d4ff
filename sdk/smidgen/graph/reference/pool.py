"""AveragePool2D and MaxPool2D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from smidgen.graph.fixed_point import activation_range, activation_range_float
from smidgen.graph.operators import AveragePool2D, MaxPool2D
from smidgen.graph.reference.base import QUANTIZED, Evaluator, require, tensors_of
from smidgen.graph.reference.conv import pad_rows_and_columns
from smidgen.graph.types import DType, Graph, Node


@dataclass(frozen=True)
class PoolParameters:
    """The clamp of a quantized pooling. Input and output share one quantization, so nothing is rescaled."""

    clamp_min: int
    clamp_max: int


def pool_parameters(graph: Graph, node: Node) -> PoolParameters:
    _, output = tensors_of(graph, node)
    return PoolParameters(
        *activation_range(node.operator.activation, output.dtype.bits, output.scale, output.zero_point)
    )


def average_pool2d(graph: Graph, node: Node) -> Evaluator:
    """Integers: the sum over valid positions by their number, rounded to nearest, ties away from zero."""
    operator: AveragePool2D = node.operator
    (x,), output = tensors_of(graph, node)
    low, high, is_float = _clamp(graph, node)
    ones = np.ones((1, *x.shape[1:3], 1), np.int64)
    counts = _windows(pad_rows_and_columns(ones, operator.padding), operator).sum(axis=(4, 5))

    def run(inputs):
        accumulator = np.float64 if is_float else np.int64
        padded = pad_rows_and_columns(inputs[0].astype(accumulator), operator.padding)
        sums = _windows(padded, operator).sum(axis=(4, 5))
        if is_float:
            means = sums / counts
        else:
            means = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
        return [np.clip(means, low, high).astype(output.dtype.numpy)]

    return run


def max_pool2d(graph: Graph, node: Node) -> Evaluator:
    operator: MaxPool2D = node.operator
    _, output = tensors_of(graph, node)
    low, high, is_float = _clamp(graph, node)
    lowest = -np.inf if is_float else np.iinfo(output.dtype.numpy).min

    def run(inputs):
        padded = pad_rows_and_columns(inputs[0], operator.padding, lowest)
        return [np.clip(_windows(padded, operator).max(axis=(4, 5)), low, high).astype(output.dtype.numpy)]

    return run


def _clamp(graph: Graph, node: Node) -> tuple[float, float, bool]:
    """(min, max, whether the node is float)."""
    (x,), output = tensors_of(graph, node)
    is_float = x.dtype is output.dtype is DType.F32
    require(is_float or (x.dtype is output.dtype and x.dtype in QUANTIZED), graph, node)
    if is_float:
        return *activation_range_float(node.operator.activation), True
    parameters = pool_parameters(graph, node)
    return parameters.clamp_min, parameters.clamp_max, False


def _windows(values: np.ndarray, operator: AveragePool2D | MaxPool2D) -> np.ndarray:
    """View of shape (N, output rows, output columns, C, window rows, window columns)."""
    windows = sliding_window_view(values, operator.size, axis=(1, 2))
    return windows[:, :: operator.stride[0], :: operator.stride[1]]
