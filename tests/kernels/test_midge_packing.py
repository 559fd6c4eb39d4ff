"""Weights and parameters for Xmidge lie where its instructions look for them, and nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from smidgen.compile.kernels.channels import Channels
from smidgen.compile.kernels.midge.packing import BLOCK, VECTOR_BLOCK, Steps, pack, pack_weights, steps_of


def _field(word: int, byte: int, index: int, bits: int) -> int:
    value = word >> (8 * byte + bits * index) & ((1 << bits) - 1)
    return value - (1 << bits) if value >> (bits - 1) else value


def _unpacked(words: np.ndarray, channels: int, rows: int, walk: Steps, block: int) -> np.ndarray:
    """Read as mac does: word after word, each a channel's weights of 4 * words inputs."""
    weights = np.zeros((channels, rows, walk.inputs), int)
    stream = iter(words.tolist())
    for first in range(0, channels, block):
        for row in range(rows):
            for step in range(walk.steps):
                for channel in range(first, min(first + block, channels)):
                    word = next(stream)
                    for byte in range(4):
                        for index in range(walk.words):
                            place = (step * walk.words + index) * 4 + byte
                            weights[channel, row, place] = _field(word, byte, index, walk.bits)
    assert next(stream, None) is None
    return weights


def _weights(rng: np.random.Generator, shape: tuple[int, ...], bits: int) -> np.ndarray:
    return rng.integers(-(1 << bits - 1), 1 << bits - 1, shape).astype(np.int8)


@pytest.mark.parametrize("bits", [8, 4, 2])
@pytest.mark.parametrize("block", [BLOCK, VECTOR_BLOCK])
@pytest.mark.parametrize("shape", [(1, 1, 1), (16, 3, 9), (17, 2, 16), (70, 1, 33)])
def test_weights_are_where_mac_reads_them(shape: tuple[int, int, int], block: int, bits: int) -> None:
    weights = _weights(np.random.default_rng(0), shape, bits)
    walk = steps_of(shape[2], bits)
    unpacked = _unpacked(pack_weights(weights, walk, block), shape[0], shape[1], walk, block)
    assert np.array_equal(unpacked[:, :, : shape[2]], weights)
    assert not unpacked[:, :, shape[2] :].any()


@pytest.mark.parametrize(("row", "bits", "words"), [(4, 2, 1), (5, 2, 2), (8, 4, 2), (3, 4, 1), (100, 8, 1)])
def test_steps_load_no_more_words_than_a_row_has(row: int, bits: int, words: int) -> None:
    walk = steps_of(row, bits)
    assert walk.words == words
    assert row <= walk.inputs < row + 4 * words


def test_parameters_come_by_64_channels() -> None:
    """Biases, multipliers and shifts (4 to a word) of 64 channels, then those of the next."""
    count = 70
    bias, multiplier = np.arange(count, dtype=np.int32) - 9, np.arange(count, dtype=np.uint32) + 1000
    channels = Channels(
        np.zeros((count, 4), np.int8), bias, multiplier, np.arange(-1, 69, dtype=np.int8), "wide"
    )
    words = pack(channels, 5, 1, 8).blobs[-1].data
    assert words[:64].view(np.int32).tolist() == bias[:64].tolist()
    assert words[64:128].tolist() == multiplier[:64].tolist()
    assert words[128] == 0x020100FF
    assert words[144:150].view(np.int32).tolist() == bias[64:].tolist()
    assert words.size == 144 + 6 + 6 + 2


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_sparse_weights_keep_exactly_the_groups_that_are_not_zero(bits: int) -> None:
    rng = np.random.default_rng(bits)
    channels, rows, inputs = 40, 2, 50
    weights = _weights(rng, (channels, rows, inputs), bits)
    weights[:16, :, 16:32] = weights[16:32] = weights[32:, 0, 48:] = 0
    data = Channels(
        weights.reshape(channels, -1),
        np.zeros(channels, np.int32),
        np.ones(1, np.uint32),
        np.ones(1, np.int8),
        "wide",
    )
    packed = pack(data, 0, rows, bits, sparse=True)
    words, groups = packed.blobs[0].data, iter(packed.blobs[1].data.tolist())
    found, at = np.zeros((channels, rows, 64), int), 0
    for first in range(0, channels, BLOCK):
        size = min(BLOCK, channels - first)
        for row in range(rows):
            places = [next(groups)] if row == 0 else []
            places += [next(groups) for _ in range(next(groups))]
            for place in places:
                count = packed.walk.steps * size
                group = _unpacked(words[at : at + count], size, 1, packed.walk, BLOCK)
                found[first : first + size, row, place : place + 16] = group[:, 0]
                at += count
    assert at == words.size and next(groups, None) is None
    assert np.array_equal(found[:, :, :inputs], weights)
    assert packed.present is not None
    assert packed.present.tolist() == [[3, 3], [1, 0], [3, 4]]
