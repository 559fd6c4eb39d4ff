"""Kernels of firmware/kernels/midge/pool.h."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from smidgen.compile.kernels.common import constant_operands, refuse_other_types
from smidgen.compile.kernels.midge import MIDGE
from smidgen.compile.kernels.midge.lanes import LANES
from smidgen.compile.kernels.midge.reduce import mean_cost
from smidgen.compile.kernels.pool import pool_fields
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob, Cost
from smidgen.graph import Graph, Node
from smidgen.graph.fixed_point import rounding_divide_by_power_of_two
from smidgen.graph.operators import AveragePool2D, MaxPool2D
from smidgen.graph.operators.base import NO_PADDING
from smidgen.graph.reference.pool import pool_parameters

WEIGHT = 64  # of every value in a sum, for digits after the point of the mean
LARGEST_WINDOW = 1 << 13  # positions, of which every sum is tried

# Measured on the simulated core.
KERNEL = 90
WINDOW = 50
AVERAGE_BLOCK = 44
AVERAGE_ROWS = 16
MAXIMUM_BLOCK = 16
MAXIMUM_ROW = 7
MAXIMUM_WORD = 6


@cache
def mean_scale(count: int) -> tuple[int, int] | None:
    """(multiplier, shift) with which the requantizer divides WEIGHT * sum by count, as the reference does.

    Every sum of `count` int8 values is tried; None when one comes out differently.
    """
    shift = (WEIGHT * count - 1).bit_length() - 1
    multiplier = ((1 << (33 + shift)) // (WEIGHT * count) + 1) // 2
    sums = np.arange(-128 * count, 127 * count + 1, dtype=np.int64)
    scaled = rounding_divide_by_power_of_two((WEIGHT * sums * multiplier + (1 << 31)) >> 32, shift)
    means = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
    return (multiplier, shift) if np.array_equal(scaled, means) else None


@dataclass(frozen=True)
class _Extent:
    """Along one axis: a window's positions inside the image, of every window."""

    inside: tuple[int, ...]

    @property
    def counts(self) -> range:
        return range(min(self.inside), max(self.inside) + 1)


def _extents(graph: Graph, node: Node) -> tuple[_Extent, _Extent]:
    """(rows, columns)"""
    operator: AveragePool2D | MaxPool2D = node.operator
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    before = (operator.padding.top, operator.padding.left)
    extents = []
    for axis in range(2):
        first = np.arange(output.shape[1 + axis]) * operator.stride[axis] - before[axis]
        end = np.clip(first + operator.size[axis], 0, x.shape[1 + axis])
        inside = np.maximum(end - np.maximum(first, 0), 0)
        extents.append(_Extent(tuple(int(count) for count in inside)))
    return extents[0], extents[1]


def _refuse_average(graph: Graph, node: Node) -> str | None:
    rows, columns = _extents(graph, node)
    if 0 in (*rows.counts, *columns.counts):
        return "whole windows lie in the padding"
    for count in {i * j for i in rows.counts for j in columns.counts}:
        if count > LARGEST_WINDOW or mean_scale(count) is None:
            return f"it divides by {count}, which is not shown to be exact"
    return refuse_other_types(graph, node)


def _refuse_rows(graph: Graph, node: Node) -> str | None:
    """Windows of whole rows of the image, side by side, are runs of neighbouring positions."""
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    height, width = node.operator.size
    is_whole = node.operator.padding == NO_PADDING and width == x.shape[2]
    follows = output.shape[1] == 1 or node.operator.stride[0] == height
    if not is_whole or not follows or x.shape[1] != height * output.shape[1]:
        return "its windows are not whole rows of the image"
    return _refuse_average(graph, node)


def _lower_rows(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    p = pool_parameters(graph, node)
    count = node.operator.size[0] * node.operator.size[1]
    scale = mean_scale(count)
    assert scale is not None
    shape = {
        "kept_0": x.shape[0] * output.shape[1],
        "reduced_0": 1,
        "kept_1": 1,
        "reduced_1": count,
        "kept_2": x.shape[3],
        "weight": WEIGHT,
        "multiplier": scale[0],
        "offset": 0,
        "shift": scale[1],
        "output_zero_point": 0,
        "activation_min": p.clamp_min,
        "activation_max": p.clamp_max,
    }
    return Lowered(
        symbol="smidgen_midge_mean",
        shape_type="struct smidgen_midge_mean_shape",
        shape=shape,
        reads=node.inputs[:1],
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        cost=mean_cost(shape),
    )


def _refuse_maximum(graph: Graph, node: Node) -> str | None:
    channels = graph.tensor(node.inputs[0]).shape[3]
    if channels % LANES:
        return f"its {channels} channels are not whole words"
    return refuse_other_types(graph, node)


def _lower_average(graph: Graph, node: Node, optimize: str) -> Lowered:
    rows, columns = _extents(graph, node)
    scales = [mean_scale(i * j) or (0, 0) for i in rows.counts for j in columns.counts]
    more = {
        "weight": WEIGHT,
        "least_rows": rows.counts[0],
        "least_columns": columns.counts[0],
        "column_counts": len(columns.counts),
    }
    blob = Blob("scales", np.array(scales, np.uint32).reshape(-1), "table")
    return _pool(graph, node, "smidgen_midge_average_pool", more, (blob,), _average_cost(graph, node))


def _lower_maximum(graph: Graph, node: Node, optimize: str) -> Lowered:
    return _pool(graph, node, "smidgen_midge_max_pool", {}, (), _maximum_cost(graph, node))


def _pool(
    graph: Graph, node: Node, symbol: str, more: dict[str, int], blobs: tuple[Blob, ...], cost: Cost
) -> Lowered:
    return Lowered(
        symbol=symbol,
        shape_type="struct smidgen_midge_pool_shape",
        shape={**pool_fields(graph, node), **more},
        reads=node.inputs[:1],
        blobs=blobs,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        cost=cost,
    )


def _words(graph: Graph, node: Node) -> tuple[int, int, int]:
    """(windows, blocks of channels, positions inside the image in all windows together)"""
    x = graph.tensor(node.inputs[0])
    rows, columns = _extents(graph, node)
    windows = x.shape[0] * len(rows.inside) * len(columns.inside)
    return windows, -(-x.shape[3] // LANES), x.shape[0] * sum(rows.inside) * sum(columns.inside)


def _average_cost(graph: Graph, node: Node) -> Cost:
    windows, blocks, positions = _words(graph, node)
    rows, columns = _extents(graph, node)
    groups = sum(-(-count // LANES) for count in rows.inside) * len(columns.inside)
    words = blocks * positions * (1.75 if graph.tensor(node.inputs[0]).shape[3] % LANES else 1)
    outputs = graph.tensor(node.outputs[0]).elements
    cycles = KERNEL + windows * (WINDOW + blocks * AVERAGE_BLOCK) + blocks * groups * AVERAGE_ROWS + words
    return Cost(cycles=round(cycles), data_port=round(words) + outputs, requantizer=outputs)


def _maximum_cost(graph: Graph, node: Node) -> Cost:
    windows, blocks, positions = _words(graph, node)
    rows, columns = _extents(graph, node)
    row_starts = graph.tensor(node.inputs[0]).shape[0] * sum(rows.inside) * len(columns.inside)
    cycles = KERNEL + windows * (WINDOW + blocks * MAXIMUM_BLOCK)
    cycles += blocks * (row_starts * MAXIMUM_ROW + positions * MAXIMUM_WORD)
    return Cost(cycles=cycles, data_port=blocks * (positions + windows))


KERNELS = (
    KernelSpec("midge_average_pool_of_rows", "reduce", MIDGE, (AveragePool2D,), _refuse_rows, _lower_rows),
    KernelSpec("midge_average_pool", "pool", MIDGE, (AveragePool2D,), _refuse_average, _lower_average),
    KernelSpec("midge_max_pool", "pool", MIDGE, (MaxPool2D,), _refuse_maximum, _lower_maximum),
)
