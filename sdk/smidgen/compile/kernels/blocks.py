"""Weights in the order of firmware/kernels/portable/block.h."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.common import fold_zero_point, largest_accumulator, requantization
from smidgen.compile.schedule import Blob
from smidgen.graph.reference.conv import ConvParameters

BLOCK_CHANNELS = 4


def interleave(weights: np.ndarray) -> np.ndarray:
    """int8 (channels, depth) as blocks [channels / 4][depth][4], then the channels left over row by row."""
    channels, depth = weights.shape
    whole = channels - channels % BLOCK_CHANNELS
    blocks = weights[:whole].reshape(-1, BLOCK_CHANNELS, depth).transpose(0, 2, 1)
    return np.concatenate([blocks.reshape(-1), weights[whole:].reshape(-1)]).astype(np.int8)


def block_blobs(
    weights: np.ndarray, bias: np.ndarray, parameters: ConvParameters, groups: int = 1
) -> tuple[tuple[Blob, ...], bool]:
    """(weights, bias, multiplier and shift, whether the wide kernel is needed) of a matrix product.

    weights: (channels, depth); bias: (channels,); the input's zero point goes into the bias. parameters may
    hold one multiplier and shift for all channels.
    """
    p = parameters
    requantized = requantization(
        p.multiplier, p.shift, largest_accumulator(weights, bias), p.output_zero_point
    )
    rows = weights.reshape(groups, -1, weights.shape[1])
    blobs = (
        Blob("weights", np.concatenate([interleave(group) for group in rows]), "weights"),
        Blob("bias", fold_zero_point(weights, bias, p.input_zero_point), "bias"),
        *requantized.blobs,
    )
    return blobs, requantized.wide
