"""Fixed-point arithmetic against exact rationals and the real functions it approximates."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from smidgen.graph import fixed_point
from smidgen.graph.fixed_point import INT32_MAX, INT32_MIN
from smidgen.graph.operators import Activation

EDGES = [INT32_MIN, INT32_MIN + 1, -(1 << 30), -3, -2, -1, 0, 1, 2, 3, 1 << 30, INT32_MAX - 1, INT32_MAX]


def values(seed: int, count: int = 300) -> np.ndarray:
    generator = np.random.default_rng(seed)
    numbers = 2.0 ** generator.uniform(0, 31, count) * generator.choice([-1, 1], count)
    return np.concatenate([EDGES, np.round(numbers)]).astype(np.int64).clip(INT32_MIN, INT32_MAX)


def round_away(x: Fraction) -> int:
    return math.floor(abs(x) + Fraction(1, 2)) * (1 if x >= 0 else -1)


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (-0.75, (-(3 << 29), 0)),
        (1 - 2.0**-40, (1 << 30, 1)),  # the fraction rounds up to 1 and is halved
        (2.0**-32, (1 << 30, -31)),
        (2.0**-33, (0, 0)),  # a shift below -31 vanishes
        (2.0**35, (1 << 30, 36)),
    ],
)
def test_quantize_multiplier(real, expected):
    assert fixed_point.quantize_multiplier(real) == expected


def test_quantize_multiplier_is_within_half_a_unit_of_31_bits():
    for real in 10 ** np.random.default_rng(1).uniform(-8, 4, 200):
        multiplier, shift = fixed_point.quantize_multiplier(real)
        assert 1 << 30 <= multiplier <= INT32_MAX
        exact = Fraction(real) * Fraction(2) ** (31 - shift)
        assert abs(multiplier - exact) <= Fraction(1, 2)


def test_high_multiply_is_the_rounded_product_and_saturates_once():
    a, b = np.meshgrid(values(2), values(3))
    result = fixed_point.saturating_rounding_doubling_high_multiply(a, b)
    for x, y, r in zip(a.flat[::97], b.flat[::97], result.flat[::97], strict=True):
        exact = Fraction(int(x) * int(y), 1 << 31)
        assert r == min(math.floor(exact + Fraction(1, 2)), INT32_MAX)
    assert fixed_point.saturating_rounding_doubling_high_multiply(INT32_MIN, INT32_MIN) == INT32_MAX


@pytest.mark.parametrize("exponent", [0, 1, 2, 7, 30, 31])
def test_rounding_divide_rounds_ties_away_from_zero(exponent):
    x = np.concatenate([values(4), np.arange(-20, 21)])
    result = fixed_point.rounding_divide_by_power_of_two(x, exponent)
    assert result.tolist() == [round_away(Fraction(int(v), 1 << exponent)) for v in x]


@pytest.mark.parametrize("shift", [-31, -8, -1, 0, 1, 5, 30])
def test_multiply_by_quantized_multiplier_rounds_twice_and_wraps_on_the_left_shift(shift):
    x, multiplier = values(5), 1518500250
    result = fixed_point.multiply_by_quantized_multiplier(x, multiplier, shift)
    for value, r in zip(x.tolist(), result.tolist(), strict=True):
        shifted = ((value << max(shift, 0)) + (1 << 31)) % (1 << 32) - (1 << 31)
        high = math.floor(Fraction(shifted * multiplier, 1 << 31) + Fraction(1, 2))
        assert r == round_away(Fraction(high, 1 << max(-shift, 0)))


def test_requantize_takes_one_multiplier_per_channel():
    accumulators = np.array([[1000, -1000, 1000]])
    multipliers, shifts = fixed_point.quantize_multipliers(np.array([0.01, 0.1, 1.0]))
    result = fixed_point.requantize(accumulators, multipliers, shifts, 5, (-50, 100))
    assert result.tolist() == [[15, -50, 100]]


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (Activation.NONE, (-128, 127)),
        (Activation.RELU, (-10, 127)),
        (Activation.RELU6, (-10, 50)),
        (Activation.RELU_N1_TO_1, (-20, 0)),
    ],
)
def test_activation_range(activation, expected):
    assert fixed_point.activation_range(activation, 8, 0.1, -10) == expected


def test_activation_range_stays_within_the_type():
    assert fixed_point.activation_range(Activation.RELU6, 8, 0.001, -128) == (-128, 127)


@pytest.mark.parametrize("integer_bits", [4, 5])
def test_exponential_and_sigmoids_are_close_to_the_real_functions(integer_bits):
    raw = np.linspace(INT32_MIN, INT32_MAX, 4001).astype(np.int64)
    real = raw / 2.0 ** (31 - integer_bits)
    negative = raw <= 0
    exp = fixed_point.exp_on_negative_values(raw[negative], integer_bits) / 2.0**31
    np.testing.assert_allclose(exp, np.exp(real[negative]), atol=1e-6)
    np.testing.assert_allclose(
        fixed_point.logistic(raw, integer_bits) / 2.0**31, 1 / (1 + np.exp(-real)), atol=1e-6
    )
    if integer_bits == 4:
        np.testing.assert_allclose(fixed_point.tanh(raw, 4) / 2.0**31, np.tanh(real), atol=1e-6)
