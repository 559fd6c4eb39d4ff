"""Output channels of convolutions and matrix products, as the kernels take them.

Works on weights of shape (channels, depth), whatever the operator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.compile.schedule import Blob
from smidgen.graph.fixed_point import INT32_MAX, INT32_MIN, requantize, wrap_int32
from smidgen.graph.reference.conv import ConvParameters

_HALF = 1 << 30  # the multiplier that halves an accumulator


@dataclass(frozen=True, eq=False)
class Channels:
    """weights: int8 (channels, depth); bias: int32 (channels,), for inputs less their zero point.

    multiplier: uint32, twice the reference's; shift: int8, positive to the right; one for each channel, or
    one for all. variant: "clamped", "right" or "wide", see common.h.
    """

    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    variant: str

    @property
    def requantization(self) -> tuple[Blob, Blob]:
        return (
            Blob("multiplier", self.multiplier, "requantization"),
            Blob("shift", self.shift, "requantization"),
        )

    def bias_of_inputs(self, zero_point: int) -> np.ndarray:
        """The bias (int32) for inputs as they are: sum((x - z) * w) + b = sum(x * w) + (b - z * sum(w))."""
        return wrap_int32(self.bias - zero_point * self.weights.astype(np.int64).sum(axis=1)).astype(np.int32)


def prepare(weights: np.ndarray, bias: np.ndarray, parameters: ConvParameters, optimize: str) -> Channels:
    """From the reference's parameters; multiplier and shift are for each channel.

    For size, the variant is the one that serves all layers, so that they share their code.
    """
    p = parameters
    weights, bias = weights.astype(np.int64), bias.astype(np.int64)
    multiplier, right = p.multiplier.astype(np.int64), -p.shift.astype(np.int64)
    low, high = accumulators(weights, bias, p.input_zero_point)
    # A channel that is stuck at one value needs no weights, and has no extreme shift or bias.
    value, is_stuck = _stuck(low, high, p)
    weights = np.where(is_stuck[:, None], 0, weights)
    bias = np.where(is_stuck, 4 * (value - p.output_zero_point), bias)
    multiplier, right = np.where(is_stuck, _HALF, multiplier), np.where(is_stuck, 1, right)
    largest = np.where(is_stuck, np.abs(bias), np.maximum(np.abs(low), np.abs(high)))
    reach = np.abs(2 * p.output_zero_point + 1) << np.clip(right, 0, 31)  # smidgen_scaling's rounding, twice
    if optimize == "size" or np.any(right < 0) or np.any(largest + 1 + reach > INT32_MAX):
        variant = "wide"
    else:
        variant = "clamped" if p.clamp_min >= p.output_zero_point else "right"
    return Channels(
        weights.astype(np.int8),
        bias.astype(np.int32),
        (2 * multiplier).astype(np.uint32),
        right.astype(np.int8),
        variant,
    )


def accumulators(weights: np.ndarray, bias: np.ndarray, zero_point: int) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest accumulator that int8 inputs can give, per channel, if none wraps."""
    positive = np.maximum(weights, 0).sum(axis=1)
    negative = np.minimum(weights, 0).sum(axis=1)
    least, most = -128 - zero_point, 127 - zero_point
    return bias + positive * least + negative * most, bias + positive * most + negative * least


def _stuck(low: np.ndarray, high: np.ndarray, p: ConvParameters) -> tuple[np.ndarray, np.ndarray]:
    """(output for the smallest accumulator, whether every accumulator gives that output), per channel."""
    clamp = (p.clamp_min, p.clamp_max)
    first, last = (
        requantize(wrap_int32(x), p.multiplier, p.shift, p.output_zero_point, clamp) for x in (low, high)
    )
    # Outputs rise with the accumulator where nothing wraps.
    rises = (low >= INT32_MIN) & (high <= INT32_MAX) & (p.shift <= 0)
    return first, rises & (first == last)
