"""Convolutions equal TensorFlow Lite Micro byte for byte; in float they agree with LiteRT."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import (
    as_float,
    assert_close_to_litert,
    assert_equals_tflm,
    one_operator,
    random_inputs,
    reference,
    tensor,
)
from shapes import Random

from smidgen.graph import DType, Graph
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, Padding, TransposeConv2D, same_padding
from smidgen.graph.reference.conv import conv_parameters


def conv_case(draw: Random, groups: int = 1) -> Graph:
    x = draw.quantized((draw.integer(1, 2), *draw.pair(1, 12), groups * draw.integer(1, 8)))
    size, stride, dilation, padding, rows_and_columns = draw.windowed(x, dilated=True)
    channels = groups * draw.integer(1, 8)
    weights = draw.weights((channels, *size, x.shape[3] // groups), axis=0)
    bias = None if draw.chance(0.2) else draw.bias(x, weights, channels)
    output = draw.product_output(x, weights, (x.shape[0], *rows_and_columns, channels))
    return one_operator(Conv2D(stride, dilation, padding, draw.activation()), [x, weights, bias], [output])


def depthwise_case(draw: Random, with_bias: bool = True) -> Graph:
    """TensorFlow Lite Micro crashes on a depthwise convolution without bias, so most cases have one."""
    x = draw.quantized((draw.integer(1, 2), *draw.pair(1, 12), draw.integer(1, 8)))
    size, stride, dilation, padding, rows_and_columns = draw.windowed(x, dilated=True)
    channels = x.shape[3] * draw.integer(1, 3)
    weights = draw.weights((1, *size, channels), axis=3)
    bias = draw.bias(x, weights, channels) if with_bias else None
    output = draw.product_output(x, weights, (x.shape[0], *rows_and_columns, channels))
    operator = DepthwiseConv2D(stride, dilation, padding, draw.activation())
    return one_operator(operator, [x, weights, bias], [output])


def transpose_case(draw: Random) -> Graph:
    """TensorFlow Lite Micro has no activation here."""
    x = draw.quantized((draw.integer(1, 2), *draw.pair(1, 6), draw.integer(1, 6)))
    size, stride, channels = draw.pair(1, 5), draw.pair(1, 3), draw.integer(1, 6)
    if draw.chance(0.5):
        sizes = [x.shape[axis + 1] * stride[axis] for axis in (0, 1)]
        before = [same_padding(sizes[axis], size[axis], stride[axis], 1)[0] for axis in (0, 1)]
    else:
        sizes = [(x.shape[axis + 1] - 1) * stride[axis] + size[axis] for axis in (0, 1)]
        before = [0, 0]
    weights = draw.weights((channels, *size, x.shape[3]), axis=0)
    bias = [] if draw.chance(0.2) else [draw.bias(x, weights, channels)]
    output = draw.product_output(x, weights, (x.shape[0], *sizes, channels))
    operator = TransposeConv2D(stride, Padding(top=before[0], left=before[1]))
    return one_operator(operator, [x, weights, *bias], [output])


@pytest.mark.parametrize("seed", range(30))
def test_transpose_conv2d_equals_tflm(seed):
    draw = Random(5000 + seed)
    assert_equals_tflm(transpose_case(draw), draw.generator)


@pytest.mark.parametrize("seed", range(40))
def test_conv2d_equals_tflm(seed):
    draw = Random(seed)
    assert_equals_tflm(conv_case(draw), draw.generator)


@pytest.mark.parametrize("seed", range(15))
def test_conv2d_in_groups_equals_tflm(seed):
    draw = Random(1000 + seed)
    assert_equals_tflm(conv_case(draw, groups=draw.integer(2, 4)), draw.generator)


@pytest.mark.parametrize("seed", range(10))
def test_conv2d_with_accumulators_that_overflow_equals_tflm(seed):
    draw = Random(2000 + seed)
    x, weights = draw.quantized((1, 5, 5, 16)), draw.weights((32, 3, 3, 16), axis=0)
    bias = draw.bias(x, weights, 32, draw.extreme_biases(32))
    scale = x.scale * float(np.mean(weights.quantization.scale)) * 2**24
    output = tensor((1, 3, 3, 32), DType.I8, scale, draw.zero_point())
    assert_equals_tflm(one_operator(Conv2D(), [x, weights, bias], [output]), draw.generator)


@pytest.mark.parametrize("zero_point", [-128, 127])
def test_adding_the_zero_point_wraps_as_in_tflm(zero_point):
    """The multiplier is 2**31 - 2, so the scaled accumulator ends within 127 of the largest int32."""
    x = tensor((1, 1, 1, 1), DType.I8, 1 + 2.0**-15, 0)
    weights = tensor((2, 1, 1, 1), DType.I8, 1 - 2.0**-15, data=np.zeros((2, 1, 1, 1), np.int8))
    bias = tensor((2,), DType.I32, 1.0, data=np.array([2**31 - 1, -(2**31)], np.int32))
    output = tensor((1, 1, 1, 2), DType.I8, 1.0, zero_point)
    graph = one_operator(Conv2D(), [x, weights, bias], [output])
    assert_equals_tflm(graph, np.random.default_rng(0))


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_accumulators_beside_rounding_ties_equal_tflm(seed, per_channel, depthwise):
    draw, channels = Random(2500 + seed), 3000
    x = tensor((1, 1, 1, 1), DType.I8, draw.power_of_ten(-3, 0), draw.zero_point())
    shape = (1, 1, 1, channels) if depthwise else (channels, 1, 1, 1)
    scales = 10 ** draw.generator.uniform(-4, -1, channels if per_channel else 1)
    axis = (3 if depthwise else 0) if per_channel else None
    weights = tensor(shape, DType.I8, scales, axis=axis, data=np.zeros(shape, np.int8))
    output = tensor((1, 1, 1, channels), DType.I8, draw.power_of_ten(2, 3), draw.zero_point())
    real = np.broadcast_to(x.scale * weights.quantization.scale.astype(float) / output.scale, channels)
    bias = draw.bias(x, weights, channels, draw.boundary_biases(real, output.zero_point))
    operator = DepthwiseConv2D() if depthwise else Conv2D()
    assert_equals_tflm(one_operator(operator, [x, weights, bias], [output]), draw.generator)


@pytest.mark.parametrize("seed", range(40))
def test_depthwise_conv2d_equals_tflm(seed):
    draw = Random(3000 + seed)
    assert_equals_tflm(depthwise_case(draw), draw.generator)


@pytest.mark.parametrize("exponent", [-34, -31, -20, -8, 0, 6, 12])
def test_conv2d_with_extreme_multipliers_equals_tflm(exponent):
    """From multipliers that vanish to shifts to the left that saturate every output."""
    draw = Random(exponent + 100)
    x = tensor((1, 4, 5, 3), DType.I8, 0.5, -7)
    weights = draw.weights((4, 2, 2, 3), axis=0)
    bias = draw.bias(x, weights, 4)
    scale = x.scale * float(np.mean(weights.quantization.scale)) / 2.0**exponent
    output = tensor((1, 3, 4, 4), DType.I8, scale, 5)
    assert_equals_tflm(one_operator(Conv2D(), [x, weights, bias], [output]), draw.generator)


def test_depthwise_conv2d_without_bias_is_one_with_a_bias_of_zeros():
    draw = Random(7)
    without = depthwise_case(draw, with_bias=False)
    x, weights, _ = without.input_tensors(without.nodes[0])
    zeros = tensor((weights.shape[3],), DType.I32, 1.0, data=np.zeros(weights.shape[3], np.int32))
    node = without.nodes[0]
    with_zeros = one_operator(node.operator, [x, weights, zeros], without.output_tensors(node))
    inputs = random_inputs(without, draw.generator)
    np.testing.assert_array_equal(reference(without, inputs)[0], reference(with_zeros, inputs)[0])


@pytest.mark.parametrize("case", [conv_case, depthwise_case, transpose_case])
@pytest.mark.parametrize("seed", range(10))
def test_float_convolutions_agree_with_litert(case, seed):
    draw = Random(4000 + seed)
    assert_close_to_litert(as_float(case(draw), draw.generator), draw.generator, 1e-4)


def test_conv_parameters_have_one_multiplier_per_channel():
    graph = conv_case(Random(3))
    parameters = conv_parameters(graph, graph.nodes[0])
    channels = graph.tensors["out0"].shape[3]
    assert parameters.multiplier.shape == parameters.shift.shape == (channels,)
    assert parameters.multiplier.dtype == parameters.shift.dtype == np.int32
