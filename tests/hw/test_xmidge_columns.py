"""col and its kin: depthwise convolutions of every stride and kernel width against their definition."""

from __future__ import annotations

import numpy as np
import pytest
import xmidge_encoding as x
from midge_runner import Midge

PITCH = 4 * 27 + 1  # bytes from one row of the image to the next: every row is aligned in another way


def accumulators(
    xmidge: Midge, image: np.ndarray, weights: np.ndarray, stride: int, first: int, padding: bool
) -> list[list[int]]:
    """[lane][slot] after one pass of col over the image (rows, columns, 4) with weights (rows, taps, 4).

    Rows are worked on in groups of 4 - first, which col loads into column rows first to 3.
    """
    rows, columns = image.shape[:2]
    taps, height = weights.shape[1], 4 - first
    groups = [range(row, min(row + height, rows)) for row in range(0, rows, height)]
    memory = np.zeros((rows, PITCH), np.int8)
    memory[:, : 4 * columns] = image.reshape(rows, -1)
    words = np.zeros((4, 16, 4), np.int8)
    for group, members in enumerate(groups):
        for index, row in enumerate(members):
            words[:, group * taps : (group + 1) * taps, first + index] = weights[row].T
    body = []
    for group, members in enumerate(groups):
        last = group == len(groups) - 1
        name = "cola" if last else "col"
        body.append(f"  put WINDOW, {x.window(first, len(members), taps, stride)}")
        body.append(f"  la a0, image + {PITCH * members[0]}\n  add a0, a0, s0\n  nn.{name} a0, {group}")
    pad = f"  li a1, 0\n  nn.colv{'a' if len(groups) == 1 else ''} a1\n"
    result, _ = xmidge.check_source(f"""
  put PIXEL_STEP, {PITCH}
  put COLUMN_STEP, 4
  put POSITION, 0
  put WINDOW, {x.window(0, 0, taps, stride)}
  fill WEIGHT, weights, 64
  fill COLUMN, weights + 256, 4
{pad if padding else ""}
  li s0, 0
  li s1, {4 * columns}
again:
{chr(10).join(body)}
  addi s0, s0, 4
  bne s0, s1, again
  report_elements ACCUMULATOR, 64
  nn.get POSITION, a0
  report a0
  finish
{x.data("weights", words.tobytes() + bytes(16))}
{x.data("image", memory.tobytes())}""")
    moved = columns + (1 if padding else 0)
    assert result.reported[64] == (moved // stride % 16 | moved % stride << 4)
    return np.array(result.reported[:64]).reshape(4, 16).tolist()


def check(xmidge: Midge, rows: int, taps: int, stride: int, first: int = 0, padding: bool = False) -> None:
    random = np.random.default_rng(100 * rows + 10 * taps + stride)
    image = random.integers(-128, 128, (rows, 26, 4)).astype(np.int8)
    weights = random.integers(-128, 128, (rows, taps, 4)).astype(np.int8)
    got = accumulators(xmidge, image, weights, stride, first, padding)
    if padding:
        image = np.concatenate([np.zeros((rows, 1, 4), np.int8), image], axis=1)
    columns = image.shape[1]
    starts = (columns - 1) // stride + 1
    complete = [w for w in range(max(0, starts - 16), starts) if w * stride + taps <= columns]
    assert len(complete) >= 3
    for window in complete:
        part = image[:, window * stride : window * stride + taps].astype(int) * weights
        want = part.sum(axis=(0, 1)) & 0xFFFFFFFF
        assert [got[lane][window % 16] for lane in range(4)] == want.tolist(), f"window {window}"


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("taps", [1, 2, 3, 5, 8, 10])
def test_strides_and_widths(xmidge: Midge, taps: int, stride: int) -> None:
    """More than 16 windows at stride 1: the slots come round."""
    check(xmidge, 3, taps, stride)


@pytest.mark.parametrize("rows, taps", [(5, 5), (8, 8), (10, 4), (16, 4)])
def test_groups_of_rows(xmidge: Midge, rows: int, taps: int) -> None:
    check(xmidge, rows, taps, 2)


@pytest.mark.parametrize("first", [1, 2, 3])
def test_rows_of_the_column_that_are_not_loaded_keep_their_values(xmidge: Midge, first: int) -> None:
    """They are zero here, and their weights too."""
    check(xmidge, 4 - first, 3, 1, first)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_column_of_padding(xmidge: Midge, stride: int) -> None:
    check(xmidge, 4, 3, stride, padding=True)


def test_a_column_becomes_activations(xmidge: Midge) -> None:
    """Lane l is pixel l; rows are its bytes, in all planes."""
    result, _ = xmidge.check_source(f"""
  put WINDOW, {x.window(0, 4, 1)}
  put PIXEL_STEP, 4
  la a0, column
  nn.col a0
  put SHAPE, {x.shape(2, channels=4)}
  la a0, one_hot
  nn.macf a0
  report_elements ACCUMULATOR, 4
  report_elements ACCUMULATOR, 4, 48
  finish
{x.data("column", range(0x04030201, 0x14131211, 0x04040404))}
{x.data("one_hot", [1, 1 << 2 + 8, 1 << 4 + 16, 1 << 6 + 24])}""")
    assert result.reported == [1, 5, 9, 13, 4, 8, 12, 16]
