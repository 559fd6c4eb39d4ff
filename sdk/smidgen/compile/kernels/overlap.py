"""How far a kernel's output may reach into its input when both share memory (diagonal memory optimization).

A kernel that has read the first part of its input does not need it any more, so its output may lie there.
With a read at address I and the output at address O, a call is right when O <= I + overlap: every byte that
is written then lies below every byte of the input that is still to be read (Petersson et al., "Diagonal
Memory Optimisation for Machine Learning on Micro-controllers", 2020). Kernels that are called like this must
not declare their pointers `restrict`, nor use one address through two types of which none is a byte.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ANYWHERE = 1 << 30  # the whole input is read before anything is written


def overlap_of_steps(first_read: Sequence[int] | np.ndarray, end_written: Sequence[int] | np.ndarray) -> int:
    """The overlap (bytes, see `Lowered`) of a kernel that works in steps: in each it reads, then it writes.

    first_read: for each step the lowest offset in the input that it reads; end_written: for each step the
    offset in the output behind the last byte that it writes.
    """
    return _least(np.asarray(first_read, np.int64)[1:], np.asarray(end_written, np.int64)[:-1])


def overlap_of_elements(count: int, input_bytes: int = 1, output_bytes: int = 1) -> int:
    """Of a kernel that reads element i, then writes element i, for i from 0 to count - 1."""
    steps = np.arange(count, dtype=np.int64)
    return overlap_of_steps(steps * input_bytes, (steps + 1) * output_bytes)


def overlap_of_rows(input_shape: Sequence[int], output_shape: Sequence[int], stride: int, pad: int) -> int:
    """Of a windowed kernel that finishes a row of its output before the next, in any order within the row.

    Shapes are (batches, height, width, channels) of int8 tensors; stride and pad (rows before the first) are
    those along the height.
    """
    batches, input_height, width, channels = input_shape
    _, output_height, output_width, output_channels = output_shape
    top = np.maximum(np.arange(output_height) * stride - pad, 0)
    rows = (np.arange(batches)[:, None] * input_height + top).reshape(-1)
    ends = np.arange(1, len(rows) + 1) * (output_width * output_channels)
    return _least(rows * (width * channels), ends)


def overlap_of_pixels(
    input_shape: Sequence[int],
    output_shape: Sequence[int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    pixels: int = 1,
) -> int:
    """Of a kernel that copies the windows of `pixels` output positions, then writes all channels of these.

    Positions go along rows, from row to row and from image to image; fewer than `pixels` at the end may be
    done together or one by one. Shapes are (batches, height, width, channels) of int8 tensors; stride and pad
    (before the first) are (rows, columns).
    """
    reads = _windows(input_shape, output_shape, stride, pad)
    ends = np.arange(1, len(reads) + 1) * output_shape[3]
    whole = len(reads) // pixels * pixels
    reads = np.concatenate([reads[:whole].reshape(-1, pixels).min(axis=1), reads[whole:]])
    return overlap_of_steps(reads, np.concatenate([ends[pixels - 1 : whole : pixels], ends[whole:]]))


def overlap_of_channels(
    input_shape: Sequence[int], output_shape: Sequence[int], stride: tuple[int, int], pad: tuple[int, int]
) -> int:
    """Of a windowed kernel that goes from position to position, and at each from channel to channel.

    Input channel c gives output channel c. Otherwise as overlap_of_pixels.
    """
    return overlap_of_runs(_windows(input_shape, output_shape, stride, pad), output_shape[3])


def overlap_of_runs(first_read: np.ndarray, run: int) -> int:
    """Of a kernel that writes runs of `run` bytes, for byte i of which it reads byte i and later ones.

    first_read: for each run the offset in the input that byte 0 begins at.
    """
    return _least(first_read, np.arange(len(first_read)) * run)


def _windows(
    input_shape: Sequence[int], output_shape: Sequence[int], stride: tuple[int, int], pad: tuple[int, int]
) -> np.ndarray:
    """For each output position the offset of the first element that its window has within the image."""
    batches, input_height, width, channels = input_shape
    top = np.maximum(np.arange(output_shape[1]) * stride[0] - pad[0], 0)
    left = np.maximum(np.arange(output_shape[2]) * stride[1] - pad[1], 0)
    image = np.arange(batches) * input_height
    return ((image[:, None, None] + top[:, None]) * width + left).reshape(-1) * channels


def _least(still_to_read: np.ndarray, end_written: np.ndarray) -> int:
    """The overlap when these offsets and those after them are still to be read as each end is written."""
    if not len(end_written):
        return ANYWHERE
    lowest = np.minimum.accumulate(still_to_read[::-1])[::-1]
    return int((lowest - np.maximum.accumulate(end_written)).min())
