"""Depthwise windows whose columns are loaded once: the ways to slide them along lines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from smidgen.compile.kernels.depthwise import Axis
from smidgen.compile.kernels.midge.walk import GROUP_ROWS, SLOTS, Part, Walk


@dataclass(frozen=True)
class WindowWalk(Walk):
    """Windows that share nothing: each is a column by itself, and its rows are groups of rows."""

    @property
    def groups(self) -> int:
        return self.lines.kernel

    @property
    def group_rows(self) -> int:
        return self.windows.kernel

    @property
    def reason(self) -> str | None:
        if self.group_rows > GROUP_ROWS or self.lines.before or self.lines.after:
            return f"its windows have {self.group_rows} columns, or rows outside the image"
        return super().reason

    def _groups_inside(self, position: int) -> list[tuple[int, int]]:
        row = self.lines.dilation * self.lines.input_step
        return [(group * row, self.group_rows << 2) for group in range(self.groups)]

    def _grouped(self, kernel: np.ndarray) -> np.ndarray:
        return kernel.reshape(kernel.shape[0], 1, self.groups, 1, self.group_rows)


def sliding_walks(height: Axis, width: Axis) -> Iterator[Walk]:
    """Every way; whether the kernel can do it is another question."""
    for lines, windows in _reshaped(height, width):
        yield _sliding(lines, windows, turned=False)
    for lines, windows, turned in ((height, width, False), (width, height, True)):
        if turned:
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
                output_step=lines.output_step,
                parts=(Part(lines.output, 0, lines.output, 0, 0),),
            )
        if not (windows.before or windows.after):
            yield _apart(lines, windows, turned)


def _apart(lines: Axis, windows: Axis, turned: bool) -> Walk:
    return WindowWalk(
        lines=lines,
        windows=windows,
        turned=turned,
        kernel_rows=lines.kernel * windows.kernel,
        dilation=0,
        row_step=windows.dilation * windows.input_step,
        taps=1,
        stride=1,
        column_step=windows.stride * windows.input_step,
        output_step=windows.output_step,
        parts=(Part(windows.output, 0, windows.output, 0, 0),),
    )


def _reshaped(height: Axis, width: Axis) -> Iterator[tuple[Axis, Axis]]:
    """The axes, and where every position is a window, those of images with longer or shorter rows."""
    yield height, width
    if all(
        axis.kernel == axis.stride == 1 and not axis.before and not axis.after for axis in (height, width)
    ):
        positions = height.output * width.output
        for row in range(2, SLOTS + 1):
            if positions % row == 0:
                steps = [step * row for step in (width.input_step, width.output_step)]
                rows = positions // row
                yield (
                    replace(height, input=rows, output=rows, input_step=steps[0], output_step=steps[1]),
                    replace(width, input=row, output=row),
                )


def _sliding(lines: Axis, windows: Axis, turned: bool) -> Walk:
    # Windows share columns whose distance is a multiple of the dilation. Those of one column share none.
    apart = windows.stride if windows.kernel == 1 else windows.dilation
    common = math.gcd(windows.stride, apart)
    stride, every = windows.stride // common, apart // common
    parts = []
    for window in range(min(every, windows.output)):
        count = -(-(windows.output - window) // every)
        used = (count - 1) * stride + windows.kernel
        start = window * windows.stride - windows.before
        before = min(max(-(start // apart), 0), used)
        inside = max(-(-(windows.input - start) // apart) - before, 0)
        first = (start + before * apart) * windows.input_step - lines.before * lines.input_step
        parts.append(Part(count, before, min(inside, used - before), first, window * windows.output_step))
    return Walk(
        lines=lines,
        windows=windows,
        turned=turned,
        kernel_rows=lines.kernel,
        dilation=lines.dilation,
        row_step=lines.dilation * lines.input_step,
        taps=windows.kernel,
        stride=stride,
        column_step=apart * windows.input_step,
        output_step=every * windows.output_step,
        parts=tuple(parts),
    )
