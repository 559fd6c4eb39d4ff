"""Div, SquaredDifference, Prelu and Pow on int8: TensorFlow Lite Micro's bytes, or the float meaning."""

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
from smidgen.graph.operators import Activation, Operator

EVERY_INT8 = np.arange(-128, 128).astype(np.int8)
EVERY_PAIR = [EVERY_INT8.reshape(256, 1), EVERY_INT8.reshape(1, 256)]


def pair(draw: Random, operator: Operator) -> Graph:
    a, b = draw.quantized((256, 1)), draw.quantized((1, 256))
    match operator:
        case op.Div():
            scale = a.scale / b.scale * draw.power_of_ten(-2, 1)
        case op.SquaredDifference():
            scale = max(a.scale, b.scale) ** 2 * draw.power_of_ten(0, 2.5)
        case _:
            scale = a.scale * draw.power_of_ten(-1, 1)
    return one_operator(operator, [a, b], [tensor((256, 256), DType.I8, scale, draw.zero_point())])


@pytest.mark.parametrize("operator", [op.SquaredDifference(), op.Prelu()], ids=str)
@pytest.mark.parametrize("seed", range(12))
def test_every_pair_of_int8_values_equals_tflm(operator: Operator, seed: int) -> None:
    draw = Random(seed)
    assert_equals_tflm(pair(draw, operator), draw.generator, EVERY_PAIR)


def exact_quotient(graph: Graph) -> np.ndarray:
    """In steps of the output, saturated; 0 / 0 is the zero point."""
    a, b, y = (graph.tensor(name) for name in ("in0", "in1", "out0"))
    dividend, divisor = (
        t.scale * (x.astype(np.float64) - t.zero_point) for t, x in zip((a, b), EVERY_PAIR, strict=True)
    )
    with np.errstate(all="ignore"):
        return np.clip(np.nan_to_num(dividend / divisor / y.scale, nan=0.0) + y.zero_point, -128, 127)


@pytest.mark.parametrize("seed", range(12))
def test_every_quotient_is_rounded_to_nearest(seed: int) -> None:
    graph = pair(Random(seed), op.Div())
    assert np.abs(reference(graph, EVERY_PAIR)[0] - exact_quotient(graph)).max() <= 0.501


@pytest.mark.parametrize("seed", range(12))
def test_quotients_equal_tflm_where_c_defines_its_shift(seed: int) -> None:
    """It shifts right by the bits that it has brought the dividend and the divisor up by, which are 31
    or more where a quotient is well below one step, and none where a sum with the zero point can overflow."""
    graph = pair(Random(seed), op.Div())
    a, b, y = (graph.tensor(name) for name in ("in0", "in1", "out0"))
    ours, theirs = reference(graph, EVERY_PAIR)[0], tflm(to_tflite(graph), EVERY_PAIR)[0]
    dividend, divisor = (x.astype(int) - t.zero_point for t, x in zip((a, b), EVERY_PAIR, strict=True))
    up = 31 - np.frexp(np.where(dividend < 0, ~dividend, dividend).astype(float))[1]
    shift = up + np.frexp(np.abs(divisor).astype(float))[1] - 1 - np.frexp(a.scale / (b.scale * y.scale))[1]
    defined = (divisor != 0) & (shift > 0) & (shift < 31)
    assert defined.any()
    np.testing.assert_array_equal(ours[defined], theirs[defined])


def test_a_quotient_is_clamped_by_its_activation() -> None:
    a, b = tensor((256, 1), DType.I8, 0.1, 3), tensor((1, 256), DType.I8, 0.1, -2)
    y = tensor((256, 256), DType.I8, 0.1, 5)
    outputs = reference(one_operator(op.Div(Activation.RELU6), [a, b], [y]), EVERY_PAIR)[0]
    assert (outputs.min(), outputs.max()) == (5, 65)


@pytest.mark.parametrize(("base", "exponent"), [(None, 2.0), (None, -0.5), (2.0, None), (None, 3.0)])
def test_powers_of_one_constant_are_rounded_to_nearest(base: float | None, exponent: float | None) -> None:
    x, y = tensor((256,), DType.I8, 0.03, -128), tensor((256,), DType.I8, 0.11, -100)
    number = base if base is not None else exponent
    constant = tensor((1,), DType.I8, abs(number), 0, data=np.array([np.sign(number)], np.int8))
    graph = one_operator(op.Pow(), [constant, x] if exponent is None else [x, constant], [y])
    real = 0.03 * (EVERY_INT8.astype(np.float64) + 128)
    with np.errstate(divide="ignore"):
        exact = np.power(real, exponent) if base is None else np.power(base, real)
    steps = np.clip(exact / y.scale + y.zero_point, -128, 127)
    assert np.abs(reference(graph, [EVERY_INT8])[0] - steps).max() <= 0.501


@pytest.mark.parametrize("operator", [op.SquaredDifference(), op.Prelu()], ids=str)
def test_float_agrees_with_litert(operator: Operator) -> None:
    tensors = [tensor((2, 3, 4), DType.F32), tensor((4,), DType.F32), tensor((2, 3, 4), DType.F32)]
    assert_close_to_litert(one_operator(operator, tensors[:2], tensors[2:]), Random(1).generator)


@pytest.mark.parametrize("operator", [op.Div(), op.Div(Activation.RELU), op.Pow()], ids=str)
def test_float_of_positive_numbers_agrees_with_litert(operator: Operator) -> None:
    tensors = [tensor((2, 3, 4), DType.F32), tensor((3, 1), DType.F32), tensor((2, 3, 4), DType.F32)]
    graph = one_operator(operator, tensors[:2], tensors[2:])
    random = Random(2).generator
    inputs = [random.uniform(0.1, 3, t.shape).astype(np.float32) for t in tensors[:2]]
    np.testing.assert_allclose(reference(graph, inputs)[0], litert(to_tflite(graph), inputs)[0], 1e-5)
