"""How the depthwise kernels of firmware/kernels/midge walk an image, and what that costs.

Windows follow each other along a line; their rows lie across it. Names as in depthwise.h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.depthwise import _Axis
from smidgen.compile.kernels.midge.lanes import in_blocks, row_words

GROUP_ROWS = 4
GROUPS = 4
WEIGHTS = 16  # words of weights for each lane
SLOTS = 16  # windows in flight
STRIDE = 4


@dataclass(frozen=True)
class Walk:
    """Windows that slide along a line, whose columns are loaded once.

    lines, windows: the axes across and along the lines; turned: whether lines are columns of the image.
    kernel_rows, dilation, row_step: the rows of a window. taps, stride, column_step, pad_columns, columns:
    the columns of a line that the windows use; first: bytes to the first of them.
    """

    lines: _Axis
    windows: _Axis
    turned: bool
    kernel_rows: int
    dilation: int
    row_step: int
    taps: int
    stride: int
    column_step: int
    pad_columns: int
    columns: int
    first: int

    symbol = "smidgen_midge_depthwise"

    @property
    def groups(self) -> int:
        return -(-self.kernel_rows // GROUP_ROWS)

    @property
    def passes(self) -> int:
        return 1

    @property
    def group_rows(self) -> int:
        return -(-self.kernel_rows // (self.passes * self.groups))

    @property
    def batch(self) -> int:
        """Windows that are finished together: as many as fit beside those in flight, evenly."""
        most = max(SLOTS - (self.taps - 1) // self.stride, 1)
        return -(-self.windows.output // -(-self.windows.output // most))

    @property
    def reason(self) -> str | None:
        """Why the kernel cannot walk so, or None."""
        if self.groups > GROUPS or self.groups * self.taps > WEIGHTS:
            return f"its windows have {self.kernel_rows} rows and {self.taps} columns"
        if self.stride > STRIDE:
            return f"its stride is more than {STRIDE}"
        if self.pad_columns > (self.batch - 1) * self.stride + self.taps:
            return "whole windows lie in the padding"
        return None

    @property
    def inside(self) -> np.ndarray | None:
        """A table for the kernel: of each tap, the windows that have it inside the image."""
        return None

    @property
    def fields(self) -> dict[str, int]:
        """Of the kernel's shape."""
        return {
            "lines": self.lines.output,
            "line_stride": self.lines.stride,
            "kernel_rows": self.kernel_rows,
            "group_rows": self.group_rows,
            "dilation": self.dilation,
            "pad_rows": self.lines.before,
            "image_rows": self.lines.input,
            "outputs": self.windows.output,
            "taps": self.taps,
            "stride": self.stride,
            "batch": self.batch,
            "pad_columns": self.pad_columns,
            "columns": self.columns,
            "tap_step": self.windows.dilation * self.windows.input_step,
            "passes": self.passes,
            "first": self.first,
            "line_step": self.lines.stride * self.lines.input_step,
            "row_step": self.row_step,
            "column_step": self.column_step,
            "output_line_step": self.lines.output_step,
            "output_step": self.windows.output_step,
        }

    def words(self, kernel: np.ndarray, copies: int, bits: int) -> np.ndarray:
        """int8 weights (channels, height, width) in the kernel's order."""
        rows = kernel.transpose(0, 2, 1) if self.turned else kernel
        return row_words(np.ascontiguousarray(self._ordered(in_blocks(self._grouped(rows), copies))), bits)

    def _grouped(self, kernel: np.ndarray) -> np.ndarray:
        """(channels, rows, columns) as (channels, passes, groups, taps, rows of a group).

        Where the rows do not fit evenly, groups overlap, with weights of 0.
        """
        kernel = kernel.reshape(kernel.shape[0], self.kernel_rows, self.taps)
        groups, end = [], 0
        for group in range(self.passes * self.groups):
            start = min(group * self.group_rows, self.kernel_rows - self.group_rows)
            rows = kernel[:, start : start + self.group_rows].copy()
            rows[:, : end - start] = 0
            end = start + self.group_rows
            groups.append(rows.transpose(0, 2, 1))
        shape = (kernel.shape[0], self.passes, self.groups, self.taps, self.group_rows)
        return np.stack(groups, axis=1).reshape(shape)

    def _ordered(self, blocks: np.ndarray) -> np.ndarray:
        """(block, copy, lane, pass, group, tap, row) in the order in which weights are loaded."""
        return blocks

    @property
    def loads(self) -> int:
        """Words of one block of channels of an image."""
        return self.lines.output * self.columns * self.kernel_rows

    def cycles(self, blocks: int, batches: int, bits: int) -> float:
        """Of all blocks of channels."""
        return self.loads


@dataclass(frozen=True)
class TapWalk(Walk):
    """Up to 16 windows at a time go through one tap after the other, whatever stride and dilation."""

    symbol = "smidgen_midge_depthwise_taps"

    @property
    def passes(self) -> int:
        return -(-self.kernel_rows // (GROUP_ROWS * (GROUPS - 1)))

    @property
    def groups(self) -> int:
        return -(-self.kernel_rows // (GROUP_ROWS * self.passes))

    @property
    def reason(self) -> str | None:
        return None

    @property
    def inside(self) -> np.ndarray:
        axis = self.windows
        starts = np.arange(axis.output) * axis.stride - axis.before
        at = starts[None, :] + np.arange(axis.kernel)[:, None] * axis.dilation
        first = (at < 0).sum(axis=1)
        end = (at < axis.input).sum(axis=1)
        return np.stack([first, end], axis=1).astype(np.int32).reshape(-1)

    def _ordered(self, blocks: np.ndarray) -> np.ndarray:
        return blocks.transpose(0, 1, 5, 3, 2, 4, 6)

    @property
    def loads(self) -> int:
        return self.lines.output * self.windows.output * self.taps * self.kernel_rows

    def cycles(self, blocks: int, batches: int, bits: int) -> float:
        return self.loads * 10


def sliding_walks(height: _Axis, width: _Axis) -> Iterator[Walk]:
    """Every way; whether the kernel can do it is another question."""
    for lines, windows, turned in ((height, width, False), (width, height, True)):
        if windows.dilation == 1 or windows.kernel == 1:
            yield _sliding(lines, windows, turned)
        # Windows of one column slide along the other axis as well, with all their weights in it as rows.
        is_padded = lines.before or lines.after or windows.before or windows.after
        if windows.kernel == 1 and not is_padded:
            yield Walk(
                lines=windows,
                windows=lines,
                turned=turned,
                kernel_rows=lines.kernel,
                dilation=0,
                row_step=lines.dilation * lines.input_step,
                taps=1,
                stride=1,
                column_step=lines.stride * lines.input_step,
                pad_columns=0,
                columns=lines.output,
                first=0,
            )


def tap_walks(height: _Axis, width: _Axis) -> Iterator[Walk]:
    for lines, windows, turned in ((height, width, False), (width, height, True)):
        yield TapWalk(
            lines=lines,
            windows=windows,
            turned=turned,
            kernel_rows=lines.kernel,
            dilation=lines.dilation,
            row_step=lines.dilation * lines.input_step,
            taps=windows.kernel,
            stride=1,
            column_step=windows.stride * windows.input_step,
            pad_columns=0,
            columns=0,
            first=-lines.before * lines.input_step - windows.before * windows.input_step,
        )


def _sliding(lines: _Axis, windows: _Axis, turned: bool) -> Walk:
    # Windows of one column need none of the columns between them.
    skip = windows.stride if windows.kernel == 1 else 1
    stride = windows.stride // skip
    used = (windows.output - 1) * stride + windows.kernel
    before = min(-(-windows.before // skip), used)
    start = before * skip - windows.before
    return Walk(
        lines=lines,
        windows=windows,
        turned=turned,
        kernel_rows=lines.kernel,
        dilation=lines.dilation,
        row_step=lines.dilation * lines.input_step,
        taps=windows.kernel,
        stride=stride,
        column_step=skip * windows.input_step,
        pad_columns=before,
        columns=max(min(-(-(windows.input - start) // skip), used - before), 0),
        first=start * windows.input_step - lines.before * lines.input_step,
    )
