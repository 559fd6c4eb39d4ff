"""LayerNorm, RmsNorm, InstanceNorm. gamma and beta stay what they are."""

from __future__ import annotations

from smidgen.graph import DType
from smidgen.graph.operators import InstanceNorm, LayerNorm, RmsNorm
from smidgen.train.base import Context, Step, by_reference, stepped
from smidgen.train.tensorflow import tf


def layer_or_rms_norm(context: Context) -> Step:
    operator: LayerNorm | RmsNorm = context.node.operator
    return _normalized(context, list(range(-operator.axes, 0)), isinstance(operator, LayerNorm))


def instance_norm(context: Context) -> Step:
    (x, *_), _ = context.tensors
    return _normalized(context, list(range(1, len(x.shape) - 1)), True)


def _normalized(context: Context, axes: list[int], centred: bool) -> Step:
    operator: LayerNorm | RmsNorm | InstanceNorm = context.node.operator
    (x, *constants), y = context.tensors
    if any(one is not None and not one.is_constant for one in constants):
        raise context.refuse("gamma or beta is computed at run time", "make them constants")

    def function(values, gamma=None, beta=None):
        if centred:
            values = values - tf.reduce_mean(values, axes, keepdims=True)
        variance = tf.reduce_mean(tf.square(values), axes, keepdims=True)
        values = values * tf.math.rsqrt(variance + operator.epsilon)
        values = values if gamma is None else values * gamma
        return values if beta is None else values + beta

    if x.dtype is y.dtype is DType.F32:
        return Step(lambda inputs: [function(*inputs)])
    if x.dtype is not DType.I8 or y.dtype is not DType.I8:
        raise context.refuse(f"training has no layer for {x.dtype.value}", "quantize activations to int8")
    return by_reference(context, stepped(function, context))
