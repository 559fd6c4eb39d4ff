"""Mean."""

from __future__ import annotations

from smidgen.graph.operators import Mean
from smidgen.graph.reference.reduce import mean_parameters
from smidgen.train.base import Context, Step, centred_range
from smidgen.train.fixed_point import requantize, wrap_int32
from smidgen.train.tensorflow import tf


def mean(context: Context) -> Step:
    operator: Mean = context.node.operator
    (x,), y = context.tensors
    if not context.require_types():
        return Step(lambda inputs: [tf.reshape(tf.reduce_mean(inputs[0], operator.axes), context.shape(y))])
    p = mean_parameters(context.graph, context.node)
    low, high = centred_range(y)

    def real(inputs):
        means = tf.reduce_mean(inputs[0], operator.axes) * (x.scale / y.scale)
        return [tf.reshape(tf.clip_by_value(means, low, high), context.shape(y))]

    def exact(inputs):
        sums = wrap_int32(tf.reduce_sum(inputs[0], operator.axes))
        clamp = (low + y.zero_point, high + y.zero_point)
        result = requantize(sums, p.multiplier, p.shift, p.output_zero_point, clamp)
        return [tf.reshape(result, context.shape(y))]

    return Step(real, exact)
