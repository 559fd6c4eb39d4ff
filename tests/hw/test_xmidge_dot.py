"""lda and mac: packed formats, alignment, pixels, vectors, wrapping; sums against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import xmidge_encoding as x
from midge_runner import Midge

EXTREMES = np.array([-128, 127, 0, 1, -1, 85, -86, 64, -64], np.int8)


def unpacked(weights: np.ndarray, width: int) -> np.ndarray:
    """(channels, 4 bytes) uint8 -> (channels, 4 bytes, planes) signed weights, by arithmetic on each."""
    bits = 8 >> width
    fields = [weights.astype(int) >> bits * plane & (1 << bits) - 1 for plane in range(1 << width)]
    return np.stack([field - ((field >> bits - 1) << bits) for field in fields], axis=2)


def signed_words(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint32).astype(np.int32)


@pytest.mark.parametrize("offset", range(4))
@pytest.mark.parametrize("width", range(3))
def test_sums_of_extremes_in_each_format(xmidge: Midge, width: int, offset: int) -> None:
    """4 pixels x 16 channels, two steps, the extremes of each format among the weights."""
    random = np.random.default_rng(width * 4 + offset)
    words, step = 1 << width, 37
    activations = random.choice(EXTREMES, 3 * step + 64)
    weights = random.choice(EXTREMES.view(np.uint8), (2, 16, 4))
    weights[0, :4] = np.array([[0x80], [0x7F], [0x88], [0xAA]], np.uint8)
    result, _ = xmidge.check_source(f"""
  put SHAPE, {x.shape(width, 4, words, 16)}
  put PIXEL_STEP, {step}
  la a0, activations + {offset}
  la a1, weights
  nn.lda a0
  nn.macf a1
  nn.lda a0
  nn.mac a1
  report_elements ACCUMULATOR, 64
  la a2, activations + {offset + 8 * words}
  sub a0, a0, a2
  report a0
  finish
{x.data("activations", activations.tobytes())}
{x.data("weights", weights.tobytes())}""")
    want = np.zeros((4, 16), int)
    for index in range(2):
        fields = unpacked(weights[index], width)
        for pixel in range(4):
            first = offset + pixel * step + 4 * words * index
            loaded = activations[first : first + 4 * words].astype(int).reshape(words, 4).T
            want[pixel] += (fields * loaded).sum(axis=(1, 2))
    assert signed_words(result.reported[:64]).reshape(4, 16).tolist() == want.tolist()
    assert result.reported[64] == 0, "the pointer after two steps"


@pytest.mark.parametrize("start", [0x7FFFFFFF, -0x80000000])
def test_accumulators_wrap(xmidge: Midge, start: int) -> None:
    weight = 1 if start > 0 else -1
    result, _ = xmidge.check_source(f"""
  put SHAPE, 0
  put ACCUMULATOR, {start}
  la a0, one
  nn.lda a0
  la a0, weight
  nn.mac a0
  report_elements ACCUMULATOR, 1
  finish
{x.data("one", [1])}
{x.data("weight", [weight & 255])}""")
    assert result.reported == [start + weight & 0xFFFFFFFF]


@pytest.mark.parametrize("width, channels", [(0, 64), (1, 33), (2, 17)])
def test_vector_mode(xmidge: Midge, width: int, channels: int) -> None:
    random = np.random.default_rng(channels)
    words = 1 << width
    activations = random.integers(-128, 128, 4 * words).astype(np.int8)
    weights = random.integers(0, 256, (channels, 4)).astype(np.uint8)
    result, _ = xmidge.check_source(f"""
  put SHAPE, {x.shape(width, 1, words, channels, vector=1)}
  la a0, activations
  nn.lda a0
  la a0, weights
  nn.macf a0
  report_elements ACCUMULATOR, {channels}
  finish
{x.data("activations", activations.tobytes())}
{x.data("weights", weights.tobytes())}""")
    want = (unpacked(weights, width) * activations.astype(int).reshape(words, 4).T).sum(axis=(1, 2))
    assert signed_words(result.reported).tolist() == want.tolist()


def test_channels_and_pixels_beyond_the_shape_keep_their_values(xmidge: Midge) -> None:
    """All pixels take part in mac, whatever shape says; channels do not."""
    result, _ = xmidge.check_source(f"""
  put SHAPE, {x.shape(0, 4, 1, 16)}
  put PIXEL_STEP, 0
  la a0, one
  nn.lda a0
  la a1, weights
  nn.macf a1
  put SHAPE, {x.shape(0, 2, 1, 3)}
  la a1, weights
  nn.mac a1
  report_elements ACCUMULATOR, 64
  finish
{x.data("one", [1])}
{x.data("weights", range(1, 17))}""")
    row = [2, 4, 6, *range(4, 17)]
    assert result.reported == row * 4


def test_bytewise_maximum_and_minimum(xmidge: Midge) -> None:
    result, _ = xmidge.check_source("""
  li a0, 0x80FF017F
  li a1, 0x7F00FF80
  nn.max4 a2, a0, a1
  report a2
  nn.min4 a0, a0, a1
  report a0
  finish
""")
    assert result.reported == [0x7F00017F, 0x80FFFF80]
