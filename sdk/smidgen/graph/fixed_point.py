"""Fixed-point arithmetic on int32, as TensorFlow Lite Micro's reference kernels compute it.

All functions are vectorised over NumPy arrays. Values that are int32 on the device are carried in int64
arrays here, so that products are exact; where the device's addition or left shift would overflow, results
wrap as two's complement does (`wrap_int32`).

Sources: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", arXiv 1712.05877, section 2.2 (multipliers) and the fixed-point notation Qm.n of gemmlowp, in
which a raw int32 r with m integer bits stands for r / 2**(31 - m).
"""

from __future__ import annotations

import math

import numpy as np

from smidgen.graph.operators.base import Activation

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1


def wrap_int32(x: np.ndarray) -> np.ndarray:
    """x modulo 2**32 as a signed 32-bit value, in int64."""
    return np.asarray(x, np.int64).astype(np.int32).astype(np.int64)


def round_half_away(x: np.ndarray) -> np.ndarray:
    """To the nearest integer, ties away from zero (C's `round`), in x's own floating type."""
    truncated = np.trunc(x)
    with np.errstate(invalid="ignore"):  # an infinity stays what it is
        return truncated + np.sign(x) * (np.abs(x - truncated) >= 0.5)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) such that real = multiplier / 2**31 * 2**shift, the multiplier with 31 bits.

    A shift below -31 would leave nothing, so the multiplier is then 0.
    """
    multiplier, shift = quantize_multipliers(np.array([real], np.float64))
    return int(multiplier[0]), int(shift[0])


def quantize_multipliers(reals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`quantize_multiplier` of every element: int32 arrays of multipliers and shifts."""
    fractions, exponents = np.frexp(np.asarray(reals, np.float64))
    multipliers = round_half_away(fractions * (1 << 31)).astype(np.int64)
    shifts = exponents.astype(np.int64)
    rounded_up = multipliers == 1 << 31
    multipliers = np.where(rounded_up, multipliers // 2, multipliers)
    shifts = np.where(rounded_up, shifts + 1, shifts)
    vanishes = (shifts < -31) | (multipliers == 0)
    return np.where(vanishes, 0, multipliers).astype(np.int32), np.where(vanishes, 0, shifts).astype(np.int32)


def can_be_rescaled(magnitude: int, multiplier: float) -> bool:
    """Whether integers up to `magnitude` can be multiplied by `multiplier` in 32 bits.

    A multiplier is a 31-bit fraction and a power of two; a left shift is applied before the product
    (gemmlowp's doc/quantization.md), so the shifted value must still fit.
    """
    shift = max(math.frexp(multiplier)[1], 0)
    return math.isfinite(multiplier) and magnitude << min(shift, 64) < 1 << 31


def saturating_rounding_doubling_high_multiply(a: np.ndarray, b: np.ndarray | int) -> np.ndarray:
    """The high 32 bits of 2 * a * b, rounded to nearest with ties upward; only -2**31 squared saturates."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.minimum((product + (1 << 30)) >> 31, INT32_MAX)


def saturating_rounding_doubling_high_multiply_int16(a: np.ndarray, b: np.ndarray | int) -> np.ndarray:
    """The high 16 bits of 2 * a * b, as for 32 bits."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.minimum((product + (1 << 14)) >> 15, (1 << 15) - 1)


def rounding_divide_by_power_of_two(x: np.ndarray, exponent: np.ndarray | int) -> np.ndarray:
    """x / 2**exponent, rounded to nearest with ties away from zero. 0 <= exponent <= 31."""
    x = np.asarray(x, np.int64)
    exponent = np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def multiply_by_quantized_multiplier(
    x: np.ndarray, multiplier: np.ndarray | int, shift: np.ndarray | int
) -> np.ndarray:
    """x * multiplier / 2**31 * 2**shift, rounded twice: after the high multiply and after the right shift.

    A positive shift is applied first and may wrap. Arguments broadcast; the result is int64 in int32's range.
    """
    shift = np.asarray(shift, np.int64)
    shifted = wrap_int32(np.asarray(x, np.int64) << np.maximum(shift, 0))
    high = saturating_rounding_doubling_high_multiply(shifted, multiplier)
    return rounding_divide_by_power_of_two(high, np.maximum(-shift, 0))


def requantize(
    accumulator: np.ndarray,
    multiplier: np.ndarray | int,
    shift: np.ndarray | int,
    zero_point: int,
    clamp: tuple[int, int],
) -> np.ndarray:
    """Accumulators (int32) to output values: scale, add the zero point (wrapping), clamp. int64 result."""
    scaled = multiply_by_quantized_multiplier(accumulator, multiplier, shift)
    return np.clip(wrap_int32(scaled + zero_point), *clamp)


def requantize_wide(
    accumulator: np.ndarray, multiplier: np.ndarray | int, shift: np.ndarray | int, clamp: tuple[int, int]
) -> np.ndarray:
    """64-bit accumulators, at most 2**47 in magnitude, to output values with a zero point of 0.

    Layers with int16 activations keep 15 bits of the multiplier, and round once, upward on ties.
    """
    multiplier = np.asarray(multiplier, np.int64)
    reduced = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    total_shift = 15 - np.asarray(shift, np.int64)
    rounded = accumulator * reduced + (np.int64(1) << (total_shift - 1))
    return np.clip(wrap_int32(rounded >> total_shift), *clamp)


def integer_range(bits: int) -> tuple[int, int]:
    """Smallest and largest signed integer of that many bits."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def activation_range(activation: Activation, bits: int, scale: float, zero_point: int) -> tuple[int, int]:
    """(min, max) to which a fused activation clamps an output quantized with `scale` and `zero_point`.

    The bounds are divided by the scale in float32, as TensorFlow Lite does.
    """
    low, high = integer_range(bits)

    def quantized(real: float) -> int:
        return zero_point + int(round_half_away(np.float32(real) / np.float32(scale)))

    if activation is Activation.RELU:
        return max(low, quantized(0.0)), high
    if activation is Activation.RELU6:
        return max(low, quantized(0.0)), min(high, quantized(6.0))
    if activation is Activation.RELU_N1_TO_1:
        return max(low, quantized(-1.0)), min(high, quantized(1.0))
    return low, high


def activation_range_float(activation: Activation) -> tuple[float, float]:
    """(min, max) to which a fused activation clamps a float output."""
    return {
        Activation.NONE: (-math.inf, math.inf),
        Activation.RELU: (0.0, math.inf),
        Activation.RELU6: (0.0, 6.0),
        Activation.RELU_N1_TO_1: (-1.0, 1.0),
    }[activation]


def input_radius(integer_bits: int, left_shift: int) -> int:
    """The largest |input| that, shifted left, still lies within 2**integer_bits - 1 in Q(integer_bits)."""
    return math.floor(((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / 2.0**left_shift)


def exp_on_negative_values(a: np.ndarray, integer_bits: int) -> np.ndarray:
    """exp(a) in Q0.31 for raw a <= 0 with `integer_bits` (at most 5) integer bits.

    a is split into a multiple of 1/4 and a remainder in [-1/4, 0): the remainder goes through a polynomial,
    each bit of the multiple through a multiplication with a constant.
    """
    a = np.asarray(a, np.int64)
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    remainder = (a & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(remainder << integer_bits)
    multiple = remainder - a
    for exponent in range(-2, integer_bits):
        factor = round(math.exp(-(2.0**exponent)) * (1 << 31))
        bit = multiple & (1 << (fractional_bits + exponent))
        result = np.where(bit != 0, saturating_rounding_doubling_high_multiply(result, factor), result)
    return np.where(a == 0, INT32_MAX, result)


def _exp_between_minus_quarter_and_zero(a: np.ndarray) -> np.ndarray:
    """exp(a) in Q0.31 for -1/4 <= a < 0: Taylor's polynomial of the fourth degree around -1/8."""
    multiply = saturating_rounding_doubling_high_multiply
    exp_of_centre = round(math.exp(-1 / 8) * (1 << 31))
    one_third = round((1 << 31) / 3)
    x = a + (1 << 28)
    x2 = multiply(x, x)
    x3 = multiply(x2, x)
    x4_over_4 = rounding_divide_by_power_of_two(multiply(x2, x2), 2)
    higher_terms = rounding_divide_by_power_of_two(multiply(x4_over_4 + x3, one_third) + x2, 1)
    return exp_of_centre + multiply(x + higher_terms, exp_of_centre)


def _newton_reciprocal(a: np.ndarray) -> np.ndarray:
    """2 / (1 + a) in Q2.29 for a in Q0.31 between 0 and 1: three Newton-Raphson steps."""
    multiply = saturating_rounding_doubling_high_multiply
    half_denominator = (np.asarray(a, np.int64) + INT32_MAX + 1) // 2
    x = round(48 / 17 * (1 << 29)) + multiply(half_denominator, round(-32 / 17 * (1 << 29)))
    for _ in range(3):
        error = (1 << 29) - multiply(half_denominator, x)
        x = x + saturating_left_shift(multiply(x, error), 2)
    return x


def one_over_one_plus(a: np.ndarray) -> np.ndarray:
    """1 / (1 + a) in Q0.31 for a in Q0.31 between 0 and 1."""
    return saturating_left_shift(_newton_reciprocal(a), 1)


def one_minus_over_one_plus(a: np.ndarray) -> np.ndarray:
    """(1 - a) / (1 + a) in Q0.31 for a in Q0.31 between 0 and 1."""
    return saturating_left_shift(_newton_reciprocal(a) - (1 << 29), 2)


def saturating_left_shift(x: np.ndarray, exponent: int) -> np.ndarray:
    return np.clip(np.asarray(x, np.int64) << exponent, INT32_MIN, INT32_MAX)


def inverse_square_root_multipliers(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(multipliers, shifts) of 1 / sqrt(x) for integers x from 1 to 2**29 - 1.

    x is brought between 1 / 4 and 1 by a power of four; five Newton-Raphson steps from 1 in Q3.28 follow.
    """
    x = np.asarray(x, np.int64)
    pairs = (31 - np.frexp(x.astype(np.float64))[1]) // 2 - 1  # of the bits that x is shifted left by
    value = (x << 2 * pairs) >> 1
    half = rounding_divide_by_power_of_two(value, 1)
    three_halves = (1 << 28) + (1 << 27)
    multiply = saturating_rounding_doubling_high_multiply
    root = np.full_like(value, 1 << 28)
    for _ in range(5):
        cube = saturating_left_shift(multiply(multiply(root, root), root), 6)
        root = saturating_left_shift(multiply(three_halves, root) - multiply(half, cube), 3)
    root = multiply(root, 1518500250)  # sqrt(2) / 2 in Q0.31
    shifts = 11 - pairs
    root = root << np.maximum(-shifts, 0)
    one = x == 1
    return np.where(one, INT32_MAX, root), np.where(one, 0, -np.maximum(shifts, 0))


def logistic(a: np.ndarray, integer_bits: int) -> np.ndarray:
    """1 / (1 + exp(-a)) in Q0.31 for raw a with `integer_bits` integer bits."""
    a = np.asarray(a, np.int64)
    of_magnitude = one_over_one_plus(exp_on_negative_values(-np.abs(a), integer_bits))
    return np.where(a == 0, 1 << 30, np.where(a > 0, of_magnitude, INT32_MAX - of_magnitude))


def tanh(a: np.ndarray, integer_bits: int) -> np.ndarray:
    """tanh(a) in Q0.31 for raw a with `integer_bits` integer bits."""
    a = np.asarray(a, np.int64)
    # Doubling a is reading the same raw value with one more integer bit.
    of_magnitude = one_minus_over_one_plus(exp_on_negative_values(-np.abs(a), integer_bits + 1))
    return np.where(a == 0, 0, np.where(a > 0, of_magnitude, -of_magnitude))
