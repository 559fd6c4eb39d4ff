"""Add, Sub, Mul, Div, SquaredDifference, Minimum, Maximum on broadcast inputs."""

from __future__ import annotations

from smidgen.graph.operators import Minimum, Sub
from smidgen.graph.reference.elementwise import add_parameters, mul_parameters
from smidgen.train.base import Context, Step, by_reference, clamp_of, clip, stepped
from smidgen.train.fixed_point import multiply_by_quantized_multiplier, requantize
from smidgen.train.tensorflow import tf


def add_or_sub(context: Context) -> Step:
    (a, b), y = context.tensors
    combine = tf.subtract if isinstance(context.node.operator, Sub) else tf.add
    quantized, bounds = context.require_types(), clamp_of(y, context.node.operator.activation)
    if not quantized:
        return Step(lambda inputs: [clip(combine(*inputs), bounds)])
    p = add_parameters(context.graph, context.node)

    def real(inputs):
        total = combine(inputs[0] * (a.scale / y.scale), inputs[1] * (b.scale / y.scale))
        return [tf.clip_by_value(total, *bounds)]

    def exact(inputs):
        shifted = [value * (1 << p.left_shift) for value in inputs]
        total = combine(
            multiply_by_quantized_multiplier(shifted[0], p.input1_multiplier, p.input1_shift),
            multiply_by_quantized_multiplier(shifted[1], p.input2_multiplier, p.input2_shift),
        )
        clamp = (p.clamp_min, p.clamp_max)
        return [requantize(total, p.output_multiplier, p.output_shift, p.output_zero_point, clamp)]

    return Step(real, exact)


def mul(context: Context) -> Step:
    (a, b), y = context.tensors
    quantized, bounds = context.require_types(), clamp_of(y, context.node.operator.activation)
    if not quantized:
        return Step(lambda inputs: [clip(tf.multiply(*inputs), bounds)])
    p = mul_parameters(context.graph, context.node)

    def real(inputs):
        return [tf.clip_by_value(tf.multiply(*inputs) * (a.scale * b.scale / y.scale), *bounds)]

    def exact(inputs):
        clamp = (p.clamp_min, p.clamp_max)
        return [requantize(tf.multiply(*inputs), p.multiplier, p.shift, p.output_zero_point, clamp)]

    return Step(real, exact)


def minimum_or_maximum(context: Context) -> Step:
    context.require_types()
    choose = tf.minimum if isinstance(context.node.operator, Minimum) else tf.maximum
    return Step(lambda inputs: [choose(*inputs)])


def div(context: Context) -> Step:
    _, y = context.tensors
    quantized, bounds = context.require_types(), clamp_of(y, context.node.operator.activation)
    if not quantized:
        return Step(lambda inputs: [clip(tf.divide(*inputs), bounds)])
    quotient = stepped(lambda a, b: a / tf.where(b == 0, tf.ones_like(b), b), context)
    return by_reference(context, lambda inputs: [clip(quotient(inputs)[0], bounds)])


def squared_difference(context: Context) -> Step:
    if not context.require_types():
        return Step(lambda inputs: [tf.math.squared_difference(*inputs)])
    return by_reference(context, stepped(tf.math.squared_difference, context))
