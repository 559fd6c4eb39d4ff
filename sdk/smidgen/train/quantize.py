"""Quantize (also from one quantization to another), Dequantize, and the inputs and outputs of a model."""

from __future__ import annotations

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.reference.quantize import requantize_parameters
from smidgen.train.base import Context, Step, centred_range, straight_through
from smidgen.train.fixed_point import requantize, round_half_away
from smidgen.train.tensorflow import tf


def quantize(context: Context) -> Step:
    (x,), y = context.tensors
    if y.dtype is not DType.I8 or x.dtype not in (DType.I8, DType.F32):
        raise context.refuse(f"training has no layer to {y.dtype.value}", "quantize activations to int8")
    if x.dtype is DType.F32:
        return Step(lambda inputs: [quantized(inputs[0], y)])
    p = requantize_parameters(context.graph, context.node)

    def real(inputs):
        return [tf.clip_by_value(inputs[0] * (x.scale / y.scale), *centred_range(y))]

    def exact(inputs):
        clamp = (p.clamp_min, p.clamp_max)
        return [requantize(inputs[0], p.multiplier, p.shift, p.output_zero_point, clamp)]

    return Step(real, exact)


def dequantize(context: Context) -> Step:
    (x,), _ = context.tensors
    if x.dtype is not DType.I8:
        raise context.refuse(f"training has no layer from {x.dtype.value}", "quantize activations to int8")
    return Step(lambda inputs: [dequantized(inputs[0], x)])


def quantized(values, tensor: Tensor):
    """Real values as they travel in this quantization; see `reference.quantize.quantize_array`."""
    quotients = values / np.float32(tensor.scale)
    steps = tf.where(tf.math.is_nan(quotients), tf.zeros_like(quotients), quotients)
    low, high = centred_range(tensor)
    return straight_through(
        tf.clip_by_value(steps, low, high), tf.clip_by_value(round_half_away(steps), low, high)
    )


def dequantized(values, tensor: Tensor):
    """float32 values of what travels; see `reference.quantize.dequantize_array`."""
    return tf.cast(tensor.scale * tf.cast(values, tf.float64), tf.float32)
