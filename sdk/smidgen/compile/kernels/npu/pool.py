"""Pooling on the neural engine. An average is a depthwise convolution whose weights are all the same."""

from __future__ import annotations

from functools import cache

import numpy as np

from smidgen.compile.kernels.common import refuse_other_types
from smidgen.compile.kernels.npu.kernel import EngineKernel
from smidgen.compile.kernels.npu.layer import Layer, Numbers
from smidgen.compile.kernels.npu.lowering import lower_layer
from smidgen.compile.kernels.npu.packing import Outputs
from smidgen.compile.kernels.npu.tiling import refuse_tiling
from smidgen.compile.kernels.spec import Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.fixed_point import INT32_MAX, multiply_by_quantized_multiplier, quantize_multiplier
from smidgen.graph.operators import AveragePool2D, MaxPool2D
from smidgen.graph.operators.base import NO_PADDING
from smidgen.graph.reference.pool import pool_parameters
from smidgen.npu.descriptor import Depthwise, Engine, MaxPool, Window

WEIGHTS = (64, 127, 1)  # of every value in a sum: large ones leave digits after the point of the mean
LARGEST_WINDOW = 1 << 10  # positions, of which every sum is tried
LOWEST = -128


@cache
def mean_scale(count: int) -> tuple[int, int, int] | None:
    """(weight, multiplier, shift) with which the requantizer makes the mean of `count` int8 values of their
    weighted sum, as the reference does.

    Every sum is tried; None when each weight makes one of them come out differently.
    """
    sums = np.arange(-128 * count, 127 * count + 1, dtype=np.int64)
    means = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
    for weight in WEIGHTS:
        nearest, shift = quantize_multiplier(1 / (weight * count))
        for multiplier in (nearest, min(nearest + 1, INT32_MAX)):
            if np.array_equal(multiply_by_quantized_multiplier(weight * sums, multiplier, shift), means):
                return weight, multiplier, shift
    return None


def _layer(engine: Engine, graph: Graph, node: Node, kind: type[Window], lowest: int) -> Layer:
    operator: AveragePool2D | MaxPool2D = node.operator
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    p = pool_parameters(graph, node)
    whole = Layer(
        kind,
        *x.shape[1:],
        *output.shape[1:],
        kernel=operator.size,
        stride=operator.stride,
        pad=(operator.padding.top, operator.padding.left),
        bits=8,
        numbers=Numbers(lowest, 0, p.clamp_min, p.clamp_max),
        engine=engine,
    )
    if operator.size != x.shape[1:3] or operator.padding != NO_PADDING:
        return whole
    # Of the whole image each position may be a row, and channels that are computed together one of its
    # columns: all columns have the same weights.
    positions, channels = x.shape[1] * x.shape[2], x.shape[3]
    together = engine.lanes if channels % engine.lanes == 0 else channels
    columns = channels // together
    size, kernel = (positions, columns, together), (positions, 1)
    return Layer(kind, *size, 1, columns, together, kernel, (1, 1), (0, 0), 8, whole.numbers, engine)


def _refuse_images(graph: Graph, node: Node) -> str | None:
    images = graph.tensor(node.inputs[0]).shape[0]
    return refuse_other_types(graph, node) or (f"it has {images} images" if images > 1 else None)


def _refuse_average(engine: Engine, graph: Graph, node: Node) -> str | None:
    reason = _refuse_images(graph, node)
    if reason is not None:
        return reason
    if node.operator.padding != NO_PADDING:
        return "its image is padded"
    count = node.operator.size[0] * node.operator.size[1]
    if count > LARGEST_WINDOW or mean_scale(count) is None:
        return f"it divides by {count}, which is not shown to be exact"
    return refuse_tiling(_layer(engine, graph, node, Depthwise, 0))


def _lower_average(engine: Engine, graph: Graph, node: Node, optimize: str) -> Lowered:
    layer = _layer(engine, graph, node, Depthwise, 0)
    scale = mean_scale(node.operator.size[0] * node.operator.size[1])
    assert scale is not None
    weight, multiplier, shift = scale
    channels = layer.outputs
    outputs = Outputs(
        np.full((channels, *layer.kernel, 1), weight, np.int8),
        np.zeros(channels, np.int32),
        np.full(channels, multiplier, np.int32),
        np.full(channels, shift, np.int32),
    )
    return lower_layer(graph, node, layer, outputs)


def _refuse_maximum(engine: Engine, graph: Graph, node: Node) -> str | None:
    return _refuse_images(graph, node) or refuse_tiling(_layer(engine, graph, node, MaxPool, LOWEST))


def _lower_maximum(engine: Engine, graph: Graph, node: Node, optimize: str) -> Lowered:
    return lower_layer(graph, node, _layer(engine, graph, node, MaxPool, LOWEST), None)


KERNELS = (
    EngineKernel("npu_average_pool", "window", (AveragePool2D,), _refuse_average, _lower_average),
    EngineKernel("npu_max_pool", "window", (MaxPool2D,), _refuse_maximum, _lower_maximum),
)
