"""Mean, Sum, ReduceMax, ReduceMin."""

from __future__ import annotations

from smidgen.graph.operators import Mean, ReduceMax, ReduceMin, Sum
from smidgen.graph.reference.reduce import mean_parameters, sum_parameters
from smidgen.train.base import Context, Step, centred_range
from smidgen.train.fixed_point import requantize, wrap_int32
from smidgen.train.tensorflow import tf


def mean_or_sum(context: Context) -> Step:
    operator: Mean | Sum = context.node.operator
    (x,), y = context.tensors
    is_mean, shape = isinstance(operator, Mean), context.shape(y)
    reduced = tf.reduce_mean if is_mean else tf.reduce_sum
    if not context.require_types():
        return Step(lambda inputs: [tf.reshape(reduced(inputs[0], operator.axes), shape)])
    p = (mean_parameters if is_mean else sum_parameters)(context.graph, context.node)
    low, high = centred_range(y)

    def real(inputs):
        result = reduced(inputs[0], operator.axes) * (x.scale / y.scale)
        return [tf.reshape(tf.clip_by_value(result, low, high), shape)]

    def exact(inputs):
        sums = wrap_int32(tf.reduce_sum(inputs[0], operator.axes))
        clamp = (low + y.zero_point, high + y.zero_point)
        result = requantize(sums, p.multiplier, p.shift, p.output_zero_point, clamp)
        return [tf.reshape(result, shape)]

    return Step(real, exact)


def extremum(context: Context) -> Step:
    operator: ReduceMax | ReduceMin = context.node.operator
    _, y = context.tensors
    context.require_types()
    choose = tf.reduce_max if isinstance(operator, ReduceMax) else tf.reduce_min
    return Step(lambda inputs: [tf.reshape(choose(inputs[0], operator.axes), context.shape(y))])
