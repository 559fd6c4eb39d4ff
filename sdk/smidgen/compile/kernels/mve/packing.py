"""Weights and parameters in the order of firmware/kernels/mve/product.h."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.channels import Channels
from smidgen.compile.schedule import Blob

LANES = 16  # bytes in a vector
PATCHES = 4  # that are multiplied together
MOST_INPUTS = 1 << 16  # of an output, so that no sum of products with whole bytes wraps


def variant_of(channels: Channels) -> str:
    """Of vectors.h, where outputs that are not clamped need a shift to the right in every channel."""
    if channels.variant == "right" and channels.shift.min() < 1:
        return "wide"
    return channels.variant


def symbol(kernel: str, channels: Channels, bits: int) -> str:
    """The C function of a kernel that takes weights of so many bits."""
    width = "" if bits == 8 else f"i{bits}_"
    return f"smidgen_mve_{kernel}_{width}{variant_of(channels)}"


def requantization(channels: Channels, input_zero_point: int) -> tuple[Blob, ...]:
    """Bias, multiplier (31 bits) and shift (positive to the left), one for each channel."""
    return (
        Blob("bias", channels.bias_of_inputs(input_zero_point), "bias"),
        Blob("multiplier", (channels.multiplier >> 1).astype(np.int32), "requantization"),
        Blob("shift", (-channels.shift.astype(np.int16)).astype(np.int8), "requantization"),
    )


def pack_rows(weights: np.ndarray, bits: int) -> np.ndarray:
    """Weights (channels, depth) as rows of bytes; narrow ones share a row, the first in the lowest bits.

    Every field but the highest holds its weight plus half the range.
    """
    if bits == 8:
        return weights.astype(np.int8)
    fields = 8 // bits
    channels, depth = weights.shape
    padded = np.zeros((-(-channels // fields), fields, depth), np.int64)
    padded.reshape(-1, depth)[:channels] = weights
    padded[:, :-1] += 1 << (bits - 1)
    scale = 1 << (bits * np.arange(fields))
    return (padded * scale[:, None]).sum(axis=1).astype(np.int8)


def product_blobs(channels: Channels, input_zero_point: int, bits: int, groups: int = 1) -> tuple[Blob, ...]:
    """Weights, bias, multiplier and shift; after the weights, what is loaded with the last vector."""
    depth = channels.weights.shape[1]
    rows = [pack_rows(group, bits).reshape(-1) for group in channels.weights.reshape(groups, -1, depth)]
    weights = np.concatenate([*rows, np.zeros(-depth % LANES, np.int8)])
    return Blob("weights", weights, "weights"), *requantization(channels, input_zero_point)
