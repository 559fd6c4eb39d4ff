"""ResizeNearestNeighbor."""

from __future__ import annotations

import numpy as np

from smidgen.graph.fixed_point import round_half_away
from smidgen.graph.operators import ResizeNearestNeighbor
from smidgen.graph.reference.base import Evaluator, tensors_of
from smidgen.graph.types import Graph, Node


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
