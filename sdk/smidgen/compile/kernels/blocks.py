"""Weights in the order of firmware/kernels/portable/block.h, and of narrow.h where they have 4 or 2 bits."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.channels import Channels
from smidgen.compile.schedule import Blob
from smidgen.graph import DType
from smidgen.graph.packing import pack

BLOCK_CHANNELS = 4


def interleave(weights: np.ndarray) -> np.ndarray:
    """int8 (channels, depth) as blocks [channels / 4][depth][4], then the channels left over row by row."""
    channels, depth = weights.shape
    whole = channels - channels % BLOCK_CHANNELS
    blocks = weights[:whole].reshape(whole // BLOCK_CHANNELS, BLOCK_CHANNELS, depth).transpose(0, 2, 1)
    return np.concatenate([blocks.reshape(-1), weights[whole:].reshape(-1)]).astype(np.int8)


def interleave_narrow(weights: np.ndarray, dtype: DType) -> np.ndarray:
    """(channels, depth) in the range of `dtype` as the words of narrow.h (uint32)."""
    channels, depth = weights.shape
    whole = channels - channels % BLOCK_CHANNELS
    per_word = 32 // dtype.bits
    depths = per_word // BLOCK_CHANNELS
    padded = np.pad(weights, ((0, 0), (0, -depth % per_word)))
    words = -(-depth // depths)
    # [block][2 of its channels][which of the 2][word][depth], to be [block][word][which][depth][2]
    blocks = (
        padded[:whole, : words * depths]
        .reshape(whole // BLOCK_CHANNELS, 2, 2, words, depths)
        .transpose(0, 3, 2, 4, 1)
    )
    fields = np.concatenate([blocks.reshape(-1), padded[whole:].reshape(-1)])
    # Half the range more than a weight is its two's complement with the sign bit turned over.
    sign_bits = sum(1 << bit for bit in range(dtype.bits - 1, 32, dtype.bits))
    return pack(fields, dtype).view("<u4").astype(np.uint32) ^ np.uint32(sign_bits)


def block_blobs(
    channels: Channels, input_zero_point: int, groups: int = 1, dtype: DType = DType.I8
) -> tuple[Blob, ...]:
    """Weights, bias, multiplier and shift; the input's zero point goes into the bias."""
    rows = np.split(channels.weights, groups)
    packed = [interleave(row) if dtype is DType.I8 else interleave_narrow(row, dtype) for row in rows]
    return (
        Blob("weights", np.concatenate(packed), "weights"),
        Blob("bias", channels.bias_of_inputs(input_zero_point), "bias"),
        *channels.requantization,
    )
