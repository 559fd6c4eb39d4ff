"""Functions of one int8 value: TensorFlow Lite Micro's bytes, or LiteRT's, or what the float rounds to."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import (
    assert_close_to_litert,
    assert_equals_tflm,
    litert,
    one_operator,
    reference,
    tensor,
    tflm,
    to_tflite,
)
from shapes import Random

from smidgen.graph import DType, Graph
from smidgen.graph import operators as op
from smidgen.graph.operators import Operator
from smidgen.graph.reference.table import FLOAT_FUNCTIONS

EVERY_INT8 = np.arange(-128, 128).astype(np.int8)
# TensorFlow Lite Micro and LiteRT round once here, or look up a table of their own.
ROUNDED_ELSEWHERE = (
    op.Relu, op.Relu6, op.LeakyRelu, op.Logistic, op.Tanh, op.HardSwish, op.Abs, op.Rsqrt,
)  # fmt: skip
# The argument's rounding to float32 may lie on the other side of one.
STEPS = (op.Floor, op.Ceil, op.Round, op.Sign)
POSITIVE = (op.Log, op.Sqrt, op.Rsqrt)


def case(draw: Random, operator: Operator) -> Graph:
    zero_point = -128 if isinstance(operator, POSITIVE) else draw.zero_point()
    x = tensor((256,), DType.I8, draw.power_of_ten(-3, 1), zero_point)
    if isinstance(operator, (op.Abs, op.HardSwish)):
        scale = x.scale * draw.power_of_ten(-1, 1)
    else:
        scale = draw.power_of_ten(-3, 0)
    return one_operator(operator, [x], [tensor((256,), DType.I8, scale, draw.zero_point())])


@pytest.mark.parametrize("operator", [op.Abs(), op.Elu(), op.HardSwish()], ids=str)
@pytest.mark.parametrize("seed", range(20))
def test_every_int8_input_equals_tflm(operator: Operator, seed: int) -> None:
    draw = Random(seed)
    assert_equals_tflm(case(draw, operator), draw.generator, [EVERY_INT8])


@pytest.mark.parametrize("seed", range(20))
def test_rsqrt_equals_tflm_which_refuses_inputs_below_zero(seed: int) -> None:
    draw = Random(seed)
    assert_equals_tflm(case(draw, op.Rsqrt()), draw.generator, [EVERY_INT8])


def test_rsqrt_of_nothing_and_less_is_the_largest_output() -> None:
    x, y = tensor((256,), DType.I8, 0.1, 5), tensor((256,), DType.I8, 0.05, -7)
    outputs = reference(one_operator(op.Rsqrt(), [x], [y]), [EVERY_INT8])[0]
    assert (outputs[EVERY_INT8 <= 5] == 127).all()


@pytest.mark.parametrize("operator", [op.Exp(), op.Log(), op.Gelu(), op.Gelu(approximate=True)], ids=str)
@pytest.mark.parametrize("seed", range(8))
def test_tables_that_only_litert_has_equal_its_own(operator: Operator, seed: int) -> None:
    graph = case(Random(seed), operator)
    given = (
        EVERY_INT8[1:] if isinstance(operator, op.Log) else EVERY_INT8
    )  # LiteRT refuses the logarithm of 0
    inputs = [np.resize(given, 256)]
    np.testing.assert_array_equal(reference(graph, inputs)[0], litert(to_tflite(graph), inputs)[0])


@pytest.mark.parametrize(
    "kind",
    [kind for kind in FLOAT_FUNCTIONS if kind not in ROUNDED_ELSEWHERE],
    ids=lambda kind: kind.type_name,
)
@pytest.mark.parametrize("seed", range(8))
def test_tables_are_within_half_a_step_and_a_thousandth(kind: type[Operator], seed: int) -> None:
    graph = case(Random(seed), kind())
    x, y = graph.tensor("in0"), graph.tensor("out0")
    with np.errstate(all="ignore"):
        exact = FLOAT_FUNCTIONS[kind](kind(), x.scale * (EVERY_INT8.astype(np.float64) - x.zero_point))
        steps = np.clip(exact / y.scale + y.zero_point, -128, 127)
    defined = np.isfinite(exact)
    errors = np.abs(reference(graph, [EVERY_INT8])[0] - steps)[defined]
    assert errors.size == 0 or errors.max() <= 0.501


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.type_name)
def test_functions_with_steps_take_them_where_the_float_does(kind: type[Operator]) -> None:
    x, y = tensor((256,), DType.I8, 0.125, -9), tensor((256,), DType.I8, 0.25, 3)
    exact = FLOAT_FUNCTIONS[kind](kind(), 0.125 * (EVERY_INT8.astype(np.float64) + 9))
    outputs = reference(one_operator(kind(), [x], [y]), [EVERY_INT8])[0]
    np.testing.assert_array_equal(outputs, np.clip(exact / 0.25 + 3, -128, 127))


@pytest.mark.parametrize(
    "operator",
    [
        op.Abs(), op.Neg(), op.Sign(), op.Exp(), op.Square(), op.Sin(), op.Cos(), op.Floor(),
        op.HardSwish(), op.Gelu(), op.Gelu(approximate=True), op.Clip(0, 1), op.Clip(-1, 1),
    ],
    ids=str,
)  # fmt: skip
def test_float_agrees_with_litert(operator: Operator) -> None:
    graph = one_operator(operator, [tensor((4, 33), DType.F32)], [tensor((4, 33), DType.F32)])
    assert_close_to_litert(graph, Random(2).generator)


@pytest.mark.parametrize("operator", [op.Ceil(), op.Round(), op.Elu()], ids=str)
def test_float_agrees_with_tflm(operator: Operator) -> None:
    """LiteRT has no reference kernel for these."""
    graph = one_operator(operator, [tensor((9,), DType.F32)], [tensor((9,), DType.F32)])
    x = np.array([-2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 0.1, -3.9], np.float32)
    np.testing.assert_allclose(reference(graph, [x])[0], tflm(to_tflite(graph), [x])[0], 1e-6)


@pytest.mark.parametrize("operator", [op.Log(), op.Sqrt(), op.Rsqrt()], ids=str)
def test_float_of_positive_numbers_agrees_with_litert(operator: Operator) -> None:
    graph = one_operator(operator, [tensor((4, 33), DType.F32)], [tensor((4, 33), DType.F32)])
    x = np.abs(Random(3).generator.normal(0, 2, (4, 33))).astype(np.float32) + np.float32(0.01)
    np.testing.assert_allclose(reference(graph, [x])[0], litert(to_tflite(graph), [x])[0], 1e-5)


@pytest.mark.parametrize(
    ("operator", "x", "y"),
    [
        (op.Silu(), [-20, 0, 1, 20], [-4.122307e-8, 0, 0.7310586, 20]),
        (op.HardSigmoid(0.2, 0.5), [-9, 0, 1, 9], [0, 0.5, 0.7, 1]),
        (op.Softplus(), [-90, 0, 90], [0, np.log(2), 90]),
        (op.Softsign(), [-3, 0, 1], [-0.75, 0, 0.5]),
        (op.Erf(), [-5, 0, 0.5], [-1, 0, 0.5204999]),
        (op.Reciprocal(), [-4, 0.5, 8], [-0.25, 2, 0.125]),
        (op.Elu(0.5), [-1000, -1, 2], [-0.5, -0.3160603, 2]),
        (op.Clip(-0.5), [-3, 0, 9], [-0.5, 0, 9]),
    ],
    ids=str,
)
def test_float_values_of_what_tensorflow_lite_lacks(operator: Operator, x: list, y: list) -> None:
    graph = one_operator(operator, [tensor((len(x),), DType.F32)], [tensor((len(x),), DType.F32)])
    np.testing.assert_allclose(reference(graph, [np.array(x, np.float32)])[0], y, rtol=1e-6, atol=1e-7)
