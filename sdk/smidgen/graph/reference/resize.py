"""ResizeNearestNeighbor and ResizeBilinear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import round_half_away
from smidgen.graph.operators import ResizeBilinear, ResizeNearestNeighbor
from smidgen.graph.reference.base import Evaluator, require, tensors_of
from smidgen.graph.types import DType, Graph, Node

BILINEAR_ONE = 1 << 10  # the weight of a whole pixel


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


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Between which input rows (columns) each output row (column) lies: int32 arrays of the output's size.

    The value is lower * (BILINEAR_ONE - weight) + upper * weight, over BILINEAR_ONE.
    """

    lower: np.ndarray
    upper: np.ndarray
    weight: np.ndarray


def integer_neighbours(input_size: int, output_size: int, operator: ResizeBilinear) -> Neighbours:
    """With positions in steps of 1 / BILINEAR_ONE, as TensorFlow Lite's integer kernel has them."""
    spaces, steps = input_size, output_size
    if operator.align_corners and output_size > 1:
        spaces, steps = input_size - 1, output_size - 1
    scale = (BILINEAR_ONE * spaces + steps // 2) // steps
    positions = np.arange(output_size, dtype=np.int64) * scale
    if operator.half_pixel_centers:
        positions += scale // 2 - BILINEAR_ONE // 2
    # C divides towards zero, so the largest negative quotients are 0 as well.
    lower = np.maximum(positions // BILINEAR_ONE, 0)
    upper = np.minimum(np.maximum(-(-positions // BILINEAR_ONE), 0), input_size - 1)
    weight = positions - lower * BILINEAR_ONE
    return Neighbours(*(part.astype(np.int32) for part in (lower, upper, weight)))


def resize_bilinear(graph: Graph, node: Node) -> Evaluator:
    (x, *_), output = tensors_of(graph, node)
    require(x.dtype is output.dtype and x.dtype in (DType.F32, DType.I8), graph, node)
    is_float = x.dtype is DType.F32
    place = _float_neighbours if is_float else integer_neighbours
    rows, columns = (place(x.shape[axis], output.shape[axis], node.operator) for axis in (1, 2))
    one = 1 if is_float else BILINEAR_ONE

    def between(values: np.ndarray, at: Neighbours, axis: int) -> np.ndarray:
        weight = at.weight.reshape(-1, *[1] * (3 - axis))
        return np.take(values, at.lower, axis) * (one - weight) + np.take(values, at.upper, axis) * weight

    def run(inputs):
        values = inputs[0].astype(np.float64 if is_float else np.int64)
        total = between(between(values, rows, 1), columns, 2)
        if is_float:
            return [total.astype(np.float32)]
        # Rounded to nearest, ties away from zero.
        half = BILINEAR_ONE * BILINEAR_ONE // 2
        return [(np.sign(total) * ((np.abs(total) + half) // (2 * half))).astype(output.dtype.numpy)]

    return run


def _float_neighbours(input_size: int, output_size: int, operator: ResizeBilinear) -> Neighbours:
    if operator.align_corners and output_size > 1:
        scale = (input_size - 1) / (output_size - 1)
    else:
        scale = input_size / output_size
    offset = 0.5 if operator.half_pixel_centers else 0.0
    positions = np.clip((np.arange(output_size) + offset) * scale - offset, 0, input_size - 1)
    lower = np.floor(positions).astype(np.int64)
    return Neighbours(lower, np.minimum(lower + 1, input_size - 1), positions - lower)
