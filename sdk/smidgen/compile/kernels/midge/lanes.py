"""Constants in the order in which Xmidge's lanes take them: four channels at a time."""

from __future__ import annotations

import numpy as np

LANES = 4


def in_blocks(values: np.ndarray, copies: int = 1) -> np.ndarray:
    """(channels * copies, ...) as (blocks, copies, lanes, ...), zeros where the last block is not full."""
    channels = values.shape[0] // copies
    padding = -channels % LANES
    by_channel = values.reshape(channels, copies, *values.shape[1:])
    padded = np.concatenate([by_channel, np.zeros((padding, *by_channel.shape[1:]), values.dtype)])
    return np.moveaxis(padded.reshape(-1, LANES, copies, *values.shape[1:]), 2, 1)


def row_words(rows: np.ndarray, bits: int) -> np.ndarray:
    """int8 (..., up to 4 rows) as uint32 words, each with one byte of each row; packed when narrow.

    Narrow words are packed in order, 8 / bits in one: each byte holds bits of them, the first word's lowest,
    as weights plus 2**(bits - 1).
    """
    padded = np.zeros((*rows.shape[:-1], LANES), np.int8)
    padded[..., : rows.shape[-1]] = rows
    if bits == 8:
        return padded.view("<u4").reshape(-1).astype(np.uint32)
    fields = (padded.astype(np.int16) + (1 << (bits - 1))).astype(np.uint8).view("<u4").reshape(-1, 8 // bits)
    shifts = bits * np.arange(8 // bits, dtype=np.uint32)
    return np.bitwise_or.reduce(fields << shifts, axis=1).astype(np.uint32)
