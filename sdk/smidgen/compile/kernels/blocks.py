"""Weights in the order of firmware/kernels/portable/block.h."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.channels import Channels
from smidgen.compile.schedule import Blob

BLOCK_CHANNELS = 4


def interleave(weights: np.ndarray) -> np.ndarray:
    """int8 (channels, depth) as blocks [channels / 4][depth][4], then the channels left over row by row."""
    channels, depth = weights.shape
    whole = channels - channels % BLOCK_CHANNELS
    blocks = weights[:whole].reshape(-1, BLOCK_CHANNELS, depth).transpose(0, 2, 1)
    return np.concatenate([blocks.reshape(-1), weights[whole:].reshape(-1)]).astype(np.int8)


def block_blobs(channels: Channels, input_zero_point: int, groups: int = 1) -> tuple[Blob, ...]:
    """Weights, bias, multiplier and shift; the input's zero point goes into the bias."""
    rows = channels.weights.reshape(groups, -1, channels.weights.shape[1])
    return (
        Blob("weights", np.concatenate([interleave(group) for group in rows]), "weights"),
        Blob("bias", channels.bias_of_inputs(input_zero_point), "bias"),
        *channels.requantization,
    )
