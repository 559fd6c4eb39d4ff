"""Layers with int16 activations and int8 weights equal TensorFlow Lite Micro byte for byte."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from oracle import assert_equals_tflm, one_operator, random_values, tensor
from shapes import Random

from smidgen.graph import DType, Graph, Tensor
from smidgen.graph.operators import (
    BatchMatMul,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Logistic,
    Operator,
    Softmax,
    Tanh,
    TransposeConv2D,
)

EVERY = np.arange(-(2**15), 2**15).astype(np.int16).reshape(1, -1)
UNIT = 2.0**-15  # the scale that Logistic, Tanh and Softmax write


def activations(draw: Random, shape: tuple[int, ...]) -> Tensor:
    return tensor(shape, DType.I16, draw.power_of_ten(-5, -1))


def bias(draw: Random, x: Tensor, weights: Tensor, channels: int) -> list[Tensor]:
    if draw.chance(0.2):
        return []
    values = draw.generator.integers(-(10**9), 10**9, channels)
    scales = np.float32(x.scale) * weights.quantization.scale
    return [tensor((channels,), DType.I64, scales, axis=weights.quantization.axis and 0, data=values)]


def output(draw: Random, x: Tensor, weights: Tensor, shape: tuple[int, ...]) -> Tensor:
    scale = x.scale * float(np.mean(weights.quantization.scale)) * draw.power_of_ten(2, 4)
    return tensor(shape, DType.I16, scale)


def conv(draw: Random) -> Graph:
    x = activations(draw, (draw.integer(1, 2), *draw.pair(1, 9), draw.integer(1, 8)))
    size, stride, dilation, padding, rows_and_columns = draw.windowed(x, dilated=True)
    channels = draw.integer(1, 8)
    weights = draw.weights((channels, *size, x.shape[3]), axis=0)
    y = output(draw, x, weights, (x.shape[0], *rows_and_columns, channels))
    operator = Conv2D(stride, dilation, padding, draw.activation())
    return one_operator(operator, [x, weights, *bias(draw, x, weights, channels)], [y])


def depthwise(draw: Random) -> Graph:
    x = activations(draw, (draw.integer(1, 2), *draw.pair(1, 9), draw.integer(1, 5)))
    size, stride, dilation, padding, rows_and_columns = draw.windowed(x, dilated=True)
    channels = x.shape[3] * draw.integer(1, 3)
    weights = draw.weights((1, *size, channels), axis=3)
    y = output(draw, x, weights, (x.shape[0], *rows_and_columns, channels))
    operator = DepthwiseConv2D(stride, dilation, padding, draw.activation())
    zeros = tensor((channels,), DType.I64, 1.0, data=np.zeros(channels, np.int64))
    return one_operator(operator, [x, weights, *(bias(draw, x, weights, channels) or [zeros])], [y])


def transpose_conv(draw: Random) -> Graph:
    x = activations(draw, (1, *draw.pair(1, 5), draw.integer(1, 5)))
    size, stride, channels = draw.pair(1, 4), draw.pair(1, 3), draw.integer(1, 6)
    shape = [(x.shape[axis + 1] - 1) * stride[axis] + size[axis] for axis in (0, 1)]
    weights = draw.weights((channels, *size, x.shape[3]), axis=0)
    y = output(draw, x, weights, (1, *shape, channels))
    return one_operator(TransposeConv2D(stride), [x, weights, *bias(draw, x, weights, channels)], [y])


def fully_connected(draw: Random) -> Graph:
    rows, depth, channels = draw.integer(1, 3), draw.integer(1, 200), draw.integer(1, 20)
    x = activations(draw, (rows, depth))
    weights = draw.weights((channels, depth), axis=0)
    y = output(draw, x, weights, (rows, channels))
    operator = FullyConnected(draw.activation())
    return one_operator(operator, [x, weights, *bias(draw, x, weights, channels)], [y])


def batch_matmul(draw: Random) -> Graph:
    rows, depth, columns = draw.integer(1, 9), draw.integer(1, 60), draw.integer(1, 9)
    a, b = activations(draw, (2, rows, depth)), activations(draw, (2, depth, columns))
    y = tensor((2, rows, columns), DType.I16, a.scale * b.scale * draw.power_of_ten(3, 5))
    return one_operator(BatchMatMul(), [a, b], [y])


LAYERS = (conv, depthwise, transpose_conv, fully_connected, batch_matmul)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("seed", range(10))
def test_layers_equal_tflm(layer: Callable[[Random], Graph], seed: int) -> None:
    draw = Random(seed)
    assert_equals_tflm(layer(draw), draw.generator)


@pytest.mark.parametrize("operator", [Logistic(), Tanh()])
@pytest.mark.parametrize("scale", [2.0**-13, 2.0**-12, 2.0**-11, 1e-6, 0.00011, 0.0007, 0.03, 2.6])
def test_every_argument_of_sigmoids_equals_tflm(operator: Operator, scale: float) -> None:
    x, y = tensor(EVERY.shape, DType.I16, scale), tensor(EVERY.shape, DType.I16, UNIT)
    assert_equals_tflm(one_operator(operator, [x], [y]), np.random.default_rng(0), [EVERY])


@pytest.mark.parametrize("seed", range(20))
def test_softmax_equals_tflm(seed: int) -> None:
    draw = Random(seed)
    x = activations(draw, (40, draw.integer(1, 30)))
    values = random_values(draw.generator, x.shape, DType.I16)
    if seed % 2:  # small differences, which the table does not cut off
        values = (values // draw.integer(1, 300)).astype(np.int16)
    graph = one_operator(Softmax(float(draw.integer(1, 3))), [x], [tensor(x.shape, DType.I16, UNIT)])
    assert_equals_tflm(graph, draw.generator, [values])
