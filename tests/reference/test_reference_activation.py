"""Activations equal TensorFlow Lite Micro over all 256 inputs; in float they agree with LiteRT."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import (
    assert_close_to_litert,
    assert_equals_tflm,
    one_operator,
    reference,
    tensor,
    tflm,
    to_tflite,
)
from shapes import Random

from smidgen.graph import DType, Graph
from smidgen.graph.operators import LeakyRelu, Logistic, Relu, Relu6, Softmax, Tanh
from smidgen.graph.reference.table import unary_table

EVERY_INT8 = np.arange(-128, 128).astype(np.int8)
UNARY = [Logistic, Tanh, Relu, Relu6, LeakyRelu]


def unary_case(draw: Random, operator: type) -> Graph:
    x = tensor((256,), DType.I8, draw.power_of_ten(-3, 1.5), draw.zero_point())
    if operator is Logistic:
        output = tensor((256,), DType.I8, 1 / 256, -128)
    elif operator is Tanh:
        output = tensor((256,), DType.I8, 1 / 128, 0)
    elif operator is Relu6:
        output = tensor((256,), DType.I8, x.scale, x.zero_point)
    else:
        output = tensor((256,), DType.I8, x.scale * draw.power_of_ten(-1, 1), draw.zero_point())
    instance = LeakyRelu(draw.generator.uniform(-0.5, 1.5)) if operator is LeakyRelu else operator()
    return one_operator(instance, [x], [output])


@pytest.mark.parametrize("operator", UNARY)
@pytest.mark.parametrize("seed", range(30))
def test_every_int8_input_equals_tflm(operator, seed):
    graph = unary_case(Random(seed), operator)
    theirs = tflm(to_tflite(graph), [EVERY_INT8])[0]
    np.testing.assert_array_equal(reference(graph, [EVERY_INT8])[0], theirs)


@pytest.mark.parametrize(("operator", "scale", "zero_point"), [(Logistic, 1 / 256, -128), (Tanh, 1 / 128, 0)])
@pytest.mark.parametrize("input_scale", [4.0, 8.0, 30.0])
def test_sigmoids_of_so_large_a_scale_that_every_input_saturates_equal_tflm(
    operator, scale, zero_point, input_scale
):
    x, output = tensor((256,), DType.I8, input_scale, 5), tensor((256,), DType.I8, scale, zero_point)
    assert_equals_tflm(one_operator(operator(), [x], [output]), Random(0).generator, [EVERY_INT8])


@pytest.mark.parametrize(
    ("input_scale", "output_scale", "alpha"),
    [
        (0.007542275357991457, 0.008619743399322033, 1.0),
        (0.09456882625818253, 0.2618829011917114, 0.5600000023841858),
        (0.17832361161708832, 0.08279310166835785, 0.53125),
        (0.04349172115325928, 0.03774753212928772, 3.0),
    ],
)
def test_leaky_relu_where_the_precision_of_quotients_matters_equals_tflm(input_scale, output_scale, alpha):
    x, output = tensor((256,), DType.I8, input_scale, 0), tensor((256,), DType.I8, output_scale, 0)
    graph = one_operator(LeakyRelu(alpha), [x], [output])
    np.testing.assert_array_equal(reference(graph, [EVERY_INT8])[0], tflm(to_tflite(graph), [EVERY_INT8])[0])


@pytest.mark.parametrize("operator", [Relu, LeakyRelu])
@pytest.mark.parametrize("seed", range(30))
def test_scales_with_many_rounding_ties_equal_tflm(operator, seed):
    draw = Random(100 + seed)
    unit = draw.power_of_ten(-3, 0)
    x = tensor((256,), DType.I8, unit * draw.ratio(60), draw.zero_point())
    output = tensor((256,), DType.I8, unit * draw.ratio(60), draw.zero_point())
    instance = LeakyRelu(draw.ratio(20)) if operator is LeakyRelu else operator()
    assert_equals_tflm(one_operator(instance, [x], [output]), draw.generator, [EVERY_INT8])


@pytest.mark.parametrize(
    ("input_scale", "output_scale"),
    [(0.03720960021018982, 0.049612801522016525), (0.28481167554855347, 0.18987445533275604)],
)
def test_relu_where_the_precision_of_quotients_matters_equals_tflm(input_scale, output_scale):
    x, output = tensor((256,), DType.I8, input_scale, -128), tensor((256,), DType.I8, output_scale, -128)
    assert_equals_tflm(one_operator(Relu(), [x], [output]), Random(0).generator, [EVERY_INT8])


@pytest.mark.parametrize("scale", [0.5714285969734192, 0.23529411852359772, 0.0794702023267746])
def test_relu6_at_scales_where_the_float32_bound_matters_equals_tflm(scale):
    x = tensor((256,), DType.I8, scale, -128)
    graph = one_operator(Relu6(), [x], [x])
    np.testing.assert_array_equal(reference(graph, [EVERY_INT8])[0], tflm(to_tflite(graph), [EVERY_INT8])[0])


@pytest.mark.parametrize("operator", UNARY)
def test_table_is_indexed_by_the_input_byte(operator):
    graph = unary_case(Random(3), operator)
    table = unary_table(graph, graph.nodes[0])
    outputs = reference(graph, [EVERY_INT8])[0]
    assert table.shape == (256,)
    np.testing.assert_array_equal(table[EVERY_INT8.view(np.uint8)], outputs)


@pytest.mark.parametrize("seed", range(60))
def test_softmax_equals_tflm(seed):
    draw = Random(seed)
    shape = [(1, draw.integer(1, 40)), (3, 10), (2, 3, 5), (1, 300)][draw.integer(0, 3)]
    x = tensor(shape, DType.I8, draw.power_of_ten(-4, 1.5), draw.zero_point())
    output = tensor(shape, DType.I8, 1 / 256, -128)
    graph = one_operator(Softmax(draw.power_of_ten(-1, 0.5)), [x], [output])
    assert_equals_tflm(graph, draw.generator)


@pytest.mark.parametrize("seed", range(10))
def test_softmax_to_int16_equals_tflm(seed):
    draw = Random(seed)
    x = tensor((3, 17), DType.I8, draw.power_of_ten(-3, 1), draw.zero_point())
    output = tensor((3, 17), DType.I16, 1 / 65536, -32768)
    assert_equals_tflm(one_operator(Softmax(), [x], [output]), draw.generator)


@pytest.mark.parametrize("value", [-128, 0, 127])
def test_softmax_of_equal_values_equals_tflm(value):
    graph = one_operator(
        Softmax(), [tensor((2, 12), DType.I8, 0.1, 4)], [tensor((2, 12), DType.I8, 1 / 256, -128)]
    )
    inputs = [np.full((2, 12), value, np.int8)]
    np.testing.assert_array_equal(reference(graph, inputs)[0], tflm(to_tflite(graph), inputs)[0])


@pytest.mark.parametrize("operator", [*UNARY, Softmax])
def test_float_agrees_with_litert(operator):
    draw = Random(2)
    graph = one_operator(operator(), [tensor((4, 33), DType.F32)], [tensor((4, 33), DType.F32)])
    assert_close_to_litert(graph, draw.generator)
