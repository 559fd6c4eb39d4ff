"""Operators on two inputs equal TensorFlow Lite Micro byte for byte; in float they agree with LiteRT."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import assert_close_to_litert, assert_equals_tflm, one_operator, tensor
from shapes import Random

from smidgen.graph import DType, Graph
from smidgen.graph.operators import Add, Maximum, Minimum, Mul, Sub

SHAPES = [
    ((3, 4, 5), (3, 4, 5)),
    ((2, 3, 4), (4,)),
    ((1,), (2, 3, 4)),
    ((2, 1, 4), (2, 3, 1)),
    ((1, 2, 3, 4), (1, 1, 1, 4)),
    ((2, 3, 4, 5), (3, 1, 1)),
]
ARITHMETIC = [Add, Sub, Mul]


def case(draw: Random, operator: type, shapes, dtype: DType = DType.I8) -> Graph:
    x, y = draw.quantized(shapes[0], dtype), draw.quantized(shapes[1], dtype)
    shape = np.broadcast_shapes(*shapes)
    zero_point = draw.zero_point() if dtype is DType.I8 else 0
    if operator in (Minimum, Maximum):
        y = tensor(y.shape, dtype, x.scale, x.zero_point)
        return one_operator(operator(), [x, y], [tensor(shape, dtype, x.scale, x.zero_point)])
    if operator is Mul:
        scale = x.scale * y.scale * draw.power_of_ten(0, 3 if dtype is DType.I8 else 5)
    else:
        scale = max(x.scale, y.scale) * draw.power_of_ten(-2, 1)
    return one_operator(operator(draw.activation()), [x, y], [tensor(shape, dtype, scale, zero_point)])


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("operator", [*ARITHMETIC, Minimum, Maximum])
@pytest.mark.parametrize("seed", range(5))
def test_int8_equals_tflm(operator, shapes, seed):
    draw = Random(seed)
    assert_equals_tflm(case(draw, operator, shapes), draw.generator)


@pytest.mark.parametrize("operator", ARITHMETIC)
@pytest.mark.parametrize("seed", range(12))
def test_every_pair_of_int8_values_equals_tflm(operator, seed):
    """65,536 results in a narrow output range, where the last bits of the multipliers show."""
    draw = Random(300 + seed)
    x, y = draw.quantized((256, 1)), draw.quantized((1, 256))
    if operator is Mul:
        scale = x.scale * y.scale * 256
    else:
        y = tensor(y.shape, DType.I8, x.scale * draw.power_of_ten(-0.5, 0.5), y.zero_point)
        scale = 2 * max(x.scale, y.scale)
    output = tensor((256, 256), DType.I8, scale, draw.integer(-20, 20))
    graph = one_operator(operator(), [x, y], [output])
    every = np.arange(-128, 128).astype(np.int8)
    assert_equals_tflm(graph, draw.generator, [every.reshape(256, 1), every.reshape(1, 256)])


@pytest.mark.parametrize("operator", [Add, Sub])
@pytest.mark.parametrize("seed", range(20))
def test_scales_with_many_rounding_ties_equal_tflm(operator, seed):
    draw = Random(400 + seed)
    unit = draw.power_of_ten(-3, 0)
    x = tensor((256, 1), DType.I8, unit * draw.ratio(30), 0)
    y = tensor((1, 256), DType.I8, unit * draw.ratio(30), 0)
    output = tensor((256, 256), DType.I8, unit * draw.ratio(90), 0)
    every = np.arange(-128, 128).astype(np.int8)
    inputs = [every.reshape(256, 1), every.reshape(1, 256)]
    assert_equals_tflm(one_operator(operator(), [x, y], [output]), draw.generator, inputs)


@pytest.mark.parametrize("operator", [Add, Sub])
@pytest.mark.parametrize(
    "scales",
    [
        (0.0021137811709195375, 0.001691024866886437, 0.001691024866886437),
        (0.14969177544116974, 1.796301245689392, 1.197534203529358),
        (0.35697638988494873, 0.7139527797698975, 0.47596853971481323),
    ],
)
def test_scales_where_the_precision_of_quotients_matters_equal_tflm(operator, scales):
    every = np.arange(-128, 128).astype(np.int8)
    shapes = [(256, 1), (1, 256), (256, 256)]
    x, y, output = (tensor(s, DType.I8, scale, 0) for s, scale in zip(shapes, scales, strict=True))
    inputs = [every.reshape(256, 1), every.reshape(1, 256)]
    assert_equals_tflm(one_operator(operator(), [x, y], [output]), np.random.default_rng(0), inputs)


@pytest.mark.parametrize("operator", ARITHMETIC)
@pytest.mark.parametrize("seed", range(10))
def test_int16_equals_tflm(operator, seed):
    draw = Random(seed)
    assert_equals_tflm(case(draw, operator, SHAPES[seed % 2], DType.I16), draw.generator)


@pytest.mark.parametrize("operator", ARITHMETIC)
def test_unquantized_int32_wraps_as_in_tflm(operator):
    draw = Random(5)
    tensors = [tensor((5, 7), DType.I32) for _ in range(3)]
    assert_equals_tflm(one_operator(operator(), tensors[:2], tensors[2:]), draw.generator)


@pytest.mark.parametrize("operator", ARITHMETIC)
def test_a_constant_operand_equals_tflm(operator):
    draw = Random(6)
    x = draw.quantized((2, 5, 4))
    values = draw.generator.integers(-128, 128, 4).astype(np.int8)
    constant = tensor((4,), DType.I8, 0.03, 11, data=values)
    output = tensor((2, 5, 4), DType.I8, x.scale, -3)
    assert_equals_tflm(one_operator(operator(), [x, constant], [output]), draw.generator)


@pytest.mark.parametrize("operator", [*ARITHMETIC, Minimum, Maximum])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_float_agrees_with_litert(operator, shapes):
    draw = Random(8)
    x, y = (tensor(shape, DType.F32) for shape in shapes)
    output = tensor(np.broadcast_shapes(*shapes), DType.F32)
    instance = operator(draw.activation()) if operator in ARITHMETIC else operator()
    assert_close_to_litert(one_operator(instance, [x, y], [output]), draw.generator)
