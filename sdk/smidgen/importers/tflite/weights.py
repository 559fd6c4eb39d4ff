"""Weights and biases of convolutions and matrix products (TFLite 8-bit quantization specification)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.graph import DType, Quantization, Tensor
from smidgen.graph.reference.base import WEIGHTS
from smidgen.importers.tflite.call import Call
from smidgen.importers.tflite.multiplier import expect_rescalable

# TFLite's own tolerance, in units of the output's scale (kernels/kernel_util.cc).
_BIAS_SCALE_TOLERANCE = 0.02


def check_weights(call: Call, weights: Tensor, dtype: DType, channel_axis: int) -> Tensor:
    """Check constant weights for activations of `dtype`; returns them with the channel axis normalised.

    Integer weights of a float layer (dynamic-range quantization) become the floats that they stand for. Other
    interpreters round such a layer's activations to 8 bits at run time, which no graph says.
    """
    if weights.data is None:
        call.fail("its weights are not constant")
    if dtype is DType.F32 and weights.dtype is DType.I8 and weights.quantization is not None:
        return _as_float(call, weights, weights.quantization, channel_axis)
    allowed = {DType.F32: (DType.F32,), DType.I16: (DType.I8,)}.get(dtype, WEIGHTS)
    if weights.dtype not in allowed:
        call.fail(f"its weights have type {weights.dtype.value}, its input {dtype.value}")
    if dtype is DType.F32:
        return weights
    quantization = weights.quantization
    if quantization is None:
        call.fail("its weights have no quantization", "convert with a representative_dataset")
    if (quantization.zero_point != 0).any():
        call.fail("its weights have a zero point that is not 0", "int8 weights are symmetric: convert again")
    return _with_axis(call, weights, quantization, channel_axis, "weights")


def _as_float(call: Call, weights: Tensor, quantization: Quantization, channel_axis: int) -> Tensor:
    weights = _with_axis(call, weights, quantization, channel_axis, "weights")
    assert weights.data is not None
    shape = [1] * len(weights.shape)
    shape[channel_axis] = quantization.scale.size
    scale, zero_point = quantization.scale.reshape(shape), quantization.zero_point.reshape(shape)
    data = ((weights.data - zero_point) * scale.astype(np.float64)).astype(np.float32)
    return call.new_constant(replace(weights, dtype=DType.F32), data, None)


def check_bias(
    call: Call, bias: Tensor | None, x: Tensor, weights: Tensor, y: Tensor, channel_axis: int
) -> Tensor | None:
    """Check an optional bias; returns it with the channel axis normalised."""
    if bias is None:
        return None
    channels = weights.shape[channel_axis]
    if bias.data is None:
        call.fail("its bias is not constant")
    if bias.elements != channels or bias.shape[-1:] != (channels,):
        call.fail(f"its bias has shape {list(bias.shape)} instead of [{channels}]")
    if len(bias.shape) > 1:
        bias = call.new_constant(bias, bias.data.reshape(channels), bias.quantization)
    if x.dtype is DType.F32:
        if bias.dtype is not DType.F32:
            call.fail(f"its bias has type {bias.dtype.value} instead of f32")
        return bias
    wanted = DType.I64 if x.dtype is DType.I16 else DType.I32
    if bias.dtype is not wanted:
        call.fail(f"its bias has type {bias.dtype.value} instead of {wanted.value}")
    quantization = bias.quantization
    if quantization is None:
        return bias
    if quantization.scale.size not in (1, channels):
        call.fail(f"its bias has {quantization.scale.size} scales for {channels} channels")
    assert weights.quantization is not None
    product = x.scale * weights.quantization.scale.astype(np.float64)
    difference = np.abs(product - quantization.scale.astype(np.float64)) / y.scale
    if not (difference <= _BIAS_SCALE_TOLERANCE).all():
        channel = int(np.argmax(difference))
        call.fail(
            f"its bias's scale in channel {channel} is not that of the input times that of the weights",
            "the integer kernels add the bias to that product: convert again",
        )
    # Files give any dimension here (3 in the wild), but a bias has only one.
    return _with_axis(call, bias, quantization, 0, "bias")


def check_accumulator(
    call: Call, x: Tensor, weights: Tensor, bias: Tensor | None, y: Tensor, channel_axis: int
) -> None:
    """Fail when an accumulator of 32 bits (48 for int16) could overflow for some input, bias and zero point
    included."""
    assert weights.data is not None and weights.quantization is not None
    channels = weights.shape[channel_axis]
    other_axes = tuple(axis for axis in range(weights.data.ndim) if axis != channel_axis)
    largest = (1 << (x.dtype.bits - 1)) + abs(x.zero_point)
    magnitude = np.abs(weights.data.astype(np.int64)).sum(axis=other_axes) * largest
    if bias is not None:
        assert bias.data is not None
        magnitude = magnitude + np.abs(bias.data.astype(np.int64).reshape(channels))
    multipliers = x.scale * weights.quantization.scale.astype(np.float64) / y.scale
    shifts = np.maximum(np.frexp(multipliers)[1], 0)
    worst = int(np.argmax(magnitude * np.exp2(shifts)))
    multiplier = float(np.broadcast_to(multipliers, (channels,))[worst])
    if x.dtype is DType.I16:
        _expect_rescalable_wide(call, multipliers, magnitude)
        return
    expect_rescalable(call, multiplier, int(magnitude[worst]), f"the accumulator of channel {worst}")


def _expect_rescalable_wide(call: Call, multipliers: np.ndarray, magnitude: np.ndarray) -> None:
    """What TensorFlow Lite demands of 64-bit sums and their multipliers (MultiplyByQuantizedMultiplier)."""
    if magnitude.max() >= 1 << 47 or multipliers.max() >= 1 << 7:
        call.fail(
            f"sums of up to {magnitude.max():,} times up to {multipliers.max():g} are more than int16 layers "
            "compute with",
            "the file is likely damaged",
        )


def _with_axis(
    call: Call,
    tensor: Tensor,
    quantization: Quantization,
    channel_axis: int,
    role: str,
) -> Tensor:
    """The tensor with its scales along the channel axis.

    A `quantized_dimension` that cannot be meant (its size is not the number of scales) is corrected, as
    TensorFlow Lite Micro does; one that could be meant is an error.
    """
    count, axis = quantization.scale.size, quantization.axis
    if axis is None or axis == channel_axis:
        if axis is not None and tensor.shape[axis] != count:
            call.fail(f"its {role} have {count} scales for {tensor.shape[axis]} channels")
        return tensor
    if tensor.shape[channel_axis] != count:
        call.fail(f"its {role} have {count} scales for {tensor.shape[channel_axis]} channels")
    if 0 <= axis < len(tensor.shape) and tensor.shape[axis] == count:
        call.fail(
            f"its {role} are quantized along dimension {axis}; only dimension {channel_axis} is supported"
        )
    assert tensor.data is not None
    normalised = Quantization(quantization.scale, quantization.zero_point, channel_axis)
    return call.new_constant(tensor, tensor.data, normalised)
