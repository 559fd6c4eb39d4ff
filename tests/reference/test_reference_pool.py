"""Pooling equals TensorFlow Lite Micro byte for byte; in float it agrees with LiteRT."""

from __future__ import annotations

import pytest
from oracle import as_float, assert_close_to_litert, assert_equals_tflm, one_operator, tensor
from shapes import Random

from smidgen.graph import DType, Graph
from smidgen.graph.operators import Activation, AveragePool2D, MaxPool2D


def case(draw: Random, operator: type, dtype: DType = DType.I8) -> Graph:
    x = draw.quantized((draw.integer(1, 2), *draw.pair(1, 12), draw.integer(1, 7)), dtype)
    size, stride, _, padding, rows_and_columns = draw.windowed(x)
    output = tensor((x.shape[0], *rows_and_columns, x.shape[3]), dtype, x.scale, x.zero_point)
    return one_operator(operator(size, stride, padding, draw.activation()), [x], [output])


@pytest.mark.parametrize("dtype", [DType.I8, DType.I16])
@pytest.mark.parametrize("operator", [AveragePool2D, MaxPool2D])
@pytest.mark.parametrize("seed", range(25))
def test_pooling_equals_tflm(operator, dtype, seed):
    draw = Random(seed)
    assert_equals_tflm(case(draw, operator, dtype), draw.generator)


@pytest.mark.parametrize("scale", [0.5714285969734192, 0.23529411852359772, 0.0794702023267746])
def test_a_fused_relu6_at_scales_where_the_float32_bound_matters_equals_tflm(scale):
    x = tensor((1, 16, 16, 1), DType.I8, scale, -128)
    graph = one_operator(MaxPool2D(activation=Activation.RELU6), [x], [x])
    assert_equals_tflm(graph, Random(0).generator)


@pytest.mark.parametrize("operator", [AveragePool2D, MaxPool2D])
def test_pooling_of_a_whole_image_equals_tflm(operator):
    draw = Random(99)
    x = draw.quantized((1, 25, 5, 64))
    output = tensor((1, 1, 1, 64), DType.I8, x.scale, x.zero_point)
    assert_equals_tflm(one_operator(operator((25, 5), (25, 5)), [x], [output]), draw.generator)


@pytest.mark.parametrize("operator", [AveragePool2D, MaxPool2D])
@pytest.mark.parametrize("seed", range(10))
def test_float_pooling_agrees_with_litert(operator, seed):
    draw = Random(100 + seed)
    graph = as_float(case(draw, operator), draw.generator)
    assert_close_to_litert(graph, draw.generator)
