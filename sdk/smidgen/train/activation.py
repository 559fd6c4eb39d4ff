"""Softmax and Prelu; activations of one value are in `unary`."""

from __future__ import annotations

import numpy as np

from smidgen.graph import DType
from smidgen.graph.fixed_point import (
    exp_on_negative_values,
    integer_range,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_multiply,
    wrap_int32,
)
from smidgen.graph.operators import Softmax
from smidgen.graph.reference.activation import (
    SOFTMAX_INTEGER_BITS,
    SOFTMAX_SUM_INTEGER_BITS,
    softmax_parameters,
)
from smidgen.train import fixed_point
from smidgen.train.base import Context, Step, by_reference, stepped
from smidgen.train.tensorflow import tf


def prelu(context: Context) -> Step:
    def function(x, alpha):
        return tf.where(x >= 0, x, alpha * x)

    if not context.require_types():
        return Step(lambda inputs: [function(*inputs)])
    return by_reference(context, stepped(function, context))


def softmax(context: Context) -> Step:
    operator: Softmax = context.node.operator
    (x,), y = context.tensors
    if x.dtype is y.dtype is DType.F32:
        return Step(lambda inputs: [tf.nn.softmax(inputs[0] * operator.beta)])
    context.require_types()
    low, high = integer_range(y.dtype.bits)

    def real(inputs):
        powers = tf.nn.softmax(inputs[0] * (operator.beta * x.scale)) / y.scale
        return [tf.clip_by_value(powers, low - y.zero_point, high - y.zero_point)]

    p = softmax_parameters(context.graph, context.node)
    # Of every difference to the row's maximum, from 0 down to -255.
    differences = -np.arange(256, dtype=np.int64)
    counts = differences >= p.diff_min
    shifted = wrap_int32(np.where(counts, differences, 0) << p.left_shift)
    scaled = saturating_rounding_doubling_high_multiply(shifted, p.multiplier)
    powers = exp_on_negative_values(scaled, SOFTMAX_INTEGER_BITS)
    terms = np.where(counts, rounding_divide_by_power_of_two(powers, SOFTMAX_SUM_INTEGER_BITS), 0)

    def exact(inputs):
        index = tf.reduce_max(inputs[0], -1, keepdims=True) - inputs[0]
        sums = fixed_point.wrap_int32(tf.reduce_sum(tf.gather(terms, index), -1, keepdims=True))
        unsigned = tf.bitwise.bitwise_and(sums, tf.constant((1 << 32) - 1, tf.int64))
        # How many powers of two are not above it is how many bits it has.
        bits = tf.reduce_sum(tf.cast(unsigned >= 2 ** np.arange(32, dtype=np.int64), tf.int64), -1, True)
        zeros = 32 - bits
        fraction = fixed_point.wrap_int32(tf.bitwise.left_shift(sums, zeros) - (1 << 31))
        factor = fixed_point.one_over_one_plus(fraction)
        exponent = SOFTMAX_SUM_INTEGER_BITS - zeros + 31 - y.dtype.bits
        product = fixed_point.saturating_rounding_doubling_high_multiply(tf.gather(powers, index), factor)
        quotients = fixed_point.rounding_divide_by_power_of_two(product, exponent)
        result = tf.where(tf.gather(counts, index), tf.clip_by_value(quotients + low, low, high), low)
        return [result - y.zero_point]

    return Step(real, exact)
