"""Weights as symmetric integers of 8, 4 or 2 bits with a scale per output channel, and biases as int32."""

from __future__ import annotations

import numpy as np

from smidgen.compress.layers import CHANNEL_AXIS
from smidgen.compress.requantize import BITS
from smidgen.graph import DType, Node, Quantization, Tensor
from smidgen.graph.fixed_point import INT32_MAX, integer_range

# Of the range that clips no weight.
_CLIPS = np.linspace(0.3, 1.0, 71)

# A bias may take so much of the 32 bits; the rest is for the sum of products.
_LARGEST_BIAS = 1 << 30


def weight_range(bits: int) -> tuple[int, int]:
    """int8 weights leave -128 out (TFLite 8-bit specification); narrow ones use every value."""
    return (-127, 127) if bits == 8 else integer_range(bits)


def rows_of(node: Node, weights: np.ndarray) -> np.ndarray:
    """Float64 weights with output channels first, the rest flat."""
    axis = CHANNEL_AXIS[type(node.operator)]
    return np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1).astype(np.float64)


def round_to(rows: np.ndarray, scale: np.ndarray, bits: int) -> np.ndarray:
    """The nearest integers, channel by channel, as float64."""
    return np.clip(np.rint(rows / scale[:, None]), *weight_range(bits))


def search_scale(rows: np.ndarray, bits: int) -> np.ndarray:
    """The scale of each channel whose rounded weights have the least squared error; float32 values.

    8 bits clip nothing: their error is small whatever the scale.
    """
    low, high = weight_range(bits)
    unclipped = np.maximum(rows.max(axis=1) / high, rows.min(axis=1) / low)
    best = unclipped.astype(np.float32).astype(np.float64)
    if bits < 8:
        least = np.full(len(rows), np.inf)
        for clip in _CLIPS:
            scale = (unclipped * clip).astype(np.float32).astype(np.float64)
            used = np.where(scale > 0, scale, 1.0)
            error = np.square(round_to(rows, used, bits) * used[:, None] - rows).sum(axis=1)
            best, least = np.where(error < least, scale, best), np.minimum(error, least)
    return best


def usable_scale(scale: np.ndarray, bias: np.ndarray, x_scale: float, y_scale: float) -> np.ndarray:
    """The scale, raised where weights are all zero or where the bias would leave 32 bits at it."""
    smallest = np.abs(bias) / (x_scale * _LARGEST_BIAS)
    # A channel of zeros is its bias alone, which 1/256 of the output's step holds well enough.
    smallest = np.where(scale > 0, smallest, np.maximum(smallest, y_scale / (256 * x_scale)))
    return np.maximum(scale, smallest * (1 + 1e-6)).astype(np.float32).astype(np.float64)


def weight_tensor(node: Node, weights: Tensor, integers: np.ndarray, scale: np.ndarray, bits: int) -> Tensor:
    """The quantized constant; integers (channels, inputs) and one scale per channel."""
    axis = CHANNEL_AXIS[type(node.operator)]
    moved = [weights.shape[axis], *(size for i, size in enumerate(weights.shape) if i != axis)]
    data = np.ascontiguousarray(np.moveaxis(integers.reshape(moved), 0, axis)).astype(np.int8)
    zero_point = np.zeros(len(scale), np.int32)
    channel_axis = axis if len(scale) > 1 else None
    quantization = Quantization(scale.astype(np.float32), zero_point, channel_axis)
    return Tensor(weights.name, weights.shape, BITS[bits], quantization, data)


def bias_tensor(name: str, values: np.ndarray, scale: np.ndarray) -> Tensor:
    """int32 at the scale of the products, which is one per channel."""
    data = np.clip(np.rint(values / scale), -INT32_MAX, INT32_MAX).astype(np.int32)
    axis = 0 if len(scale) > 1 else None
    quantization = Quantization(scale.astype(np.float32), np.zeros(len(scale), np.int32), axis)
    return Tensor(name, (len(scale),), DType.I32, quantization, data)
