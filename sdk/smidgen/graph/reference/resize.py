"""ResizeNearestNeighbor and ResizeBilinear."""

from __future__ import annotations

import numpy as np

from smidgen.graph.fixed_point import round_half_away
from smidgen.graph.operators import ResizeBilinear, ResizeNearestNeighbor
from smidgen.graph.reference.base import Evaluator, require, tensors_of
from smidgen.graph.types import DType, Graph, Node


def nearest_indices(input_size: int, output_size: int, operator: ResizeNearestNeighbor) -> np.ndarray:
    """Which input row (column) each output row (column) copies: an int32 array of output_size indices.

    Computed in float32, as TensorFlow Lite does.
    """
    if operator.align_corners and output_size > 1:
        scale = np.float32(input_size - 1) / np.float32(output_size - 1)
    else:
        scale = np.float32(input_size) / np.float32(output_size)
    offset = np.float32(0.5 if operator.half_pixel_centers else 0.0)
    positions = (np.arange(output_size, dtype=np.float32) + offset) * scale
    rounded = round_half_away(positions) if operator.align_corners else np.floor(positions)
    return np.clip(rounded, 0, input_size - 1).astype(np.int32)


def resize_nearest_neighbor(graph: Graph, node: Node) -> Evaluator:
    (x, *_), output = tensors_of(graph, node)
    rows = nearest_indices(x.shape[1], output.shape[1], node.operator)
    columns = nearest_indices(x.shape[2], output.shape[2], node.operator)
    return lambda inputs: [inputs[0][:, rows][:, :, columns]]


def resize_bilinear(graph: Graph, node: Node) -> Evaluator:
    (x, *_), output = tensors_of(graph, node)
    require(x.dtype is output.dtype is DType.F32, graph, node)
    rows, columns = (_neighbours(x.shape[axis], output.shape[axis], node.operator) for axis in (1, 2))

    def run(inputs):
        values = inputs[0].astype(np.float64)
        for axis, (lower, upper, fraction) in ((1, rows), (2, columns)):
            weight = fraction.reshape(-1, *[1] * (3 - axis))
            below, above = np.take(values, lower, axis), np.take(values, upper, axis)
            values = below * (1 - weight) + above * weight
        return [values.astype(np.float32)]

    return run


def _neighbours(
    input_size: int, output_size: int, operator: ResizeBilinear
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lower, upper, weight of the upper) input row (column) of each output row (column)."""
    if operator.align_corners and output_size > 1:
        scale = (input_size - 1) / (output_size - 1)
    else:
        scale = input_size / output_size
    offset = 0.5 if operator.half_pixel_centers else 0.0
    positions = np.clip((np.arange(output_size) + offset) * scale - offset, 0, input_size - 1)
    lower = np.floor(positions).astype(np.int64)
    return lower, np.minimum(lower + 1, input_size - 1), positions - lower
