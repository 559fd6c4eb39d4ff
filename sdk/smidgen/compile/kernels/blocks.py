"""Weights in the order of firmware/kernels/portable/block.h."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.common import Requantization, largest_accumulator, requantization
from smidgen.compile.schedule import Blob
from smidgen.graph.fixed_point import wrap_int32

BLOCK_CHANNELS = 4


def interleave(weights: np.ndarray) -> np.ndarray:
    """int8 (channels, depth) as blocks [channels / 4][depth][4], then the channels left over row by row."""
    channels, depth = weights.shape
    whole = channels - channels % BLOCK_CHANNELS
    blocks = weights[:whole].reshape(-1, BLOCK_CHANNELS, depth).transpose(0, 2, 1)
    return np.concatenate([blocks.reshape(-1), weights[whole:].reshape(-1)]).astype(np.int8)


def block_blobs(
    weights: np.ndarray,
    bias: np.ndarray,
    input_zero_point: int,
    multiplier: np.ndarray,
    shift: np.ndarray,
    groups: int = 1,
) -> tuple[tuple[Blob, Blob], Requantization]:
    """(weights and bias, requantization) of a matrix product of weights (channels, depth) with int8 vectors.

    The input's zero point goes into the bias: sum((x - z) * w) + b = sum(x * w) + (b - z * sum(w)).
    """
    folded = wrap_int32(bias - input_zero_point * weights.astype(np.int64).sum(axis=1))
    rows = weights.reshape(groups, -1, weights.shape[1])
    blobs = (
        Blob("weights", np.concatenate([interleave(group) for group in rows]), "weights"),
        Blob("bias", folded.astype(np.int32), "bias"),
    )
    return blobs, requantization(multiplier, shift, largest_accumulator(weights, folded))
