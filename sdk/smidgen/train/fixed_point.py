"""`graph.fixed_point` on TensorFlow's int64 tensors: the same integers, inside a Keras model."""

from __future__ import annotations

from smidgen.graph.fixed_point import INT32_MAX, INT32_MIN
from smidgen.train.tensorflow import tf

_FRACTION_BITS = 52  # of a float64
_FRACTION_MASK = (1 << _FRACTION_BITS) - 1
_EXPONENT_OF_HALF = 1022


def wrap_int32(x):
    """x modulo 2**32 as a signed 32-bit value, in int64."""
    return tf.bitwise.bitwise_and(x - INT32_MIN, _int64((1 << 32) - 1)) + INT32_MIN


def round_half_away(x):
    """To the nearest integer, ties away from zero, in x's own floating type."""
    truncated = tf.sign(x) * tf.floor(tf.abs(x))
    return truncated + tf.sign(x) * tf.cast(tf.abs(x - truncated) >= 0.5, x.dtype)


def quantize_multipliers(reals):
    """int64 multipliers and shifts of positive float64 numbers; see `graph.fixed_point`."""
    bits = tf.bitcast(reals, tf.int64)
    exponents = tf.bitwise.right_shift(bits, _int64(_FRACTION_BITS)) - _EXPONENT_OF_HALF
    fractions = tf.bitcast(
        tf.bitwise.bitwise_and(bits, _int64(_FRACTION_MASK)) + _int64(_EXPONENT_OF_HALF << _FRACTION_BITS),
        tf.float64,
    )
    multipliers = tf.cast(tf.floor(fractions * 2.0**31 + 0.5), tf.int64)
    rounded_up = multipliers == 1 << 31
    multipliers = tf.where(rounded_up, multipliers // 2, multipliers)
    shifts = tf.where(rounded_up, exponents + 1, exponents)
    vanishes = shifts < -31
    zero = tf.zeros_like(shifts)
    return tf.where(vanishes, zero, multipliers), tf.where(vanishes, zero, shifts)


def saturating_rounding_doubling_high_multiply(a, b):
    product = a * b + (1 << 30)
    return tf.minimum(tf.bitwise.right_shift(product, _int64(31)), INT32_MAX)


def rounding_divide_by_power_of_two(x, exponent):
    mask = tf.bitwise.left_shift(tf.ones_like(exponent), exponent) - 1
    threshold = tf.bitwise.right_shift(mask, tf.ones_like(mask)) + tf.cast(x < 0, tf.int64)
    rest = tf.bitwise.bitwise_and(x, mask)
    return tf.bitwise.right_shift(x, exponent) + tf.cast(rest > threshold, tf.int64)


def saturating_left_shift(x, exponent: int):
    return tf.clip_by_value(x * (1 << exponent), INT32_MIN, INT32_MAX)


def multiply_by_quantized_multiplier(x, multiplier, shift):
    """Twice rounded, as in `graph.fixed_point`; multiplier and shift are int64 tensors that broadcast."""
    multiplier, shift = _int64(multiplier), _int64(shift)
    shifted = wrap_int32(x * tf.bitwise.left_shift(tf.ones_like(shift), tf.maximum(shift, 0)))
    high = saturating_rounding_doubling_high_multiply(shifted, multiplier)
    return rounding_divide_by_power_of_two(high, tf.maximum(-shift, 0))


def requantize(accumulator, multiplier, shift, zero_point: int, clamp: tuple[int, int]):
    """Output values less their zero point."""
    scaled = multiply_by_quantized_multiplier(accumulator, multiplier, shift)
    return tf.clip_by_value(wrap_int32(scaled + zero_point), *clamp) - zero_point


def one_over_one_plus(a):
    """1 / (1 + a) in Q0.31 for a in Q0.31 between 0 and 1: three Newton-Raphson steps."""
    multiply = saturating_rounding_doubling_high_multiply
    half_denominator = (a + INT32_MAX + 1) // 2
    x = round(48 / 17 * (1 << 29)) + multiply(half_denominator, _int64(round(-32 / 17 * (1 << 29))))
    for _ in range(3):
        error = (1 << 29) - multiply(half_denominator, x)
        x = x + saturating_left_shift(multiply(x, error), 2)
    return saturating_left_shift(x, 1)


def _int64(value):
    return tf.convert_to_tensor(value, tf.int64)
