"""Depthwise windows that go through one tap after the other: any kernel, stride and dilation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.depthwise import Axis
from smidgen.compile.kernels.midge.lanes import LANES
from smidgen.compile.kernels.midge.walk import (
    BLOCK,
    COPY,
    GROUP_ROWS,
    GROUPS,
    IMAGE,
    KERNEL,
    SLOTS,
    WIDEN,
    Part,
    Walk,
)

# Cycles measured on the simulated core, besides those of loads and outputs.
TAP_BATCH, TAP_PASS, TAP_GROUP, TAP_EDGE_GROUP, TAP_PADDING = 60, 45, 47, 12, 2
INSIDE_BLOCK, INSIDE_BATCH, INSIDE_PASS, INSIDE_GROUP = 30, 40, 9, 2  # of windows inside the image


@dataclass(frozen=True)
class TapWalk(Walk):
    """Up to 16 windows at a time go through one tap after the other, whatever stride and dilation."""

    def _kind(self, copies: int) -> str:
        return f"{'inside' if self._is_inside else 'taps'}_{self.groups}"

    @property
    def _is_inside(self) -> bool:
        """Whether all windows lie inside the image."""
        return not any((self.lines.before, self.lines.after, self.windows.before, self.windows.after))

    def _is_short(self, copies: int) -> bool:
        return False

    @property
    def passes(self) -> int:
        return -(-self.kernel_rows // (GROUP_ROWS * (GROUPS - 1)))

    @property
    def groups(self) -> int:
        return -(-self.kernel_rows // (GROUP_ROWS * self.passes))

    @property
    def _taps_at_once(self) -> int:
        return 1

    @property
    def reason(self) -> str | None:
        return None

    @property
    def fields(self) -> dict[str, int]:
        return {**super().fields, "parts": len(self.runs(self.parts[0].first))}

    @property
    def table(self) -> np.ndarray:
        """Of each tap the first window that has it inside the image and the one after the last; the runs."""
        axis = self.windows
        first_taps = np.arange(axis.output) * axis.stride - axis.before
        at = first_taps[None, :] + np.arange(axis.kernel)[:, None] * axis.dilation
        inside = np.stack([(at < 0).sum(axis=1), (at < axis.input).sum(axis=1)], axis=1)
        runs = [word for run in self.runs(self.parts[0].first) for word in run]
        return np.array([*inside.reshape(-1), *runs], np.int32)

    def _ordered(self, blocks: np.ndarray) -> np.ndarray:
        return blocks.transpose(0, 1, 5, 3, 2, 4, 6)

    @property
    def loads(self) -> int:
        return self.lines.output * self.windows.output * self.taps * self.kernel_rows

    def cycles(self, blocks: int, images: int, lanes: float, bits: int, copies: int) -> float:
        lanes += COPY if copies > 1 else 0
        (part,) = self.parts
        batches, passes = -(-part.windows // SLOTS), self.taps * self.passes
        batch, per_pass, group, block = (
            (INSIDE_BATCH, INSIDE_PASS, INSIDE_GROUP, INSIDE_BLOCK)
            if self._is_inside
            else (TAP_BATCH, TAP_PASS, TAP_GROUP, BLOCK + IMAGE)
        )
        weights = LANES * self.groups + per_pass + group * (self.groups - 1)
        line = batches * (batch + passes * weights)
        line += part.windows * (lanes + TAP_PADDING + passes * self.column_cycles)
        edges = self._uneven_lines(part) * part.windows * passes * self.groups * TAP_EDGE_GROUP
        widening = 0 if bits == 8 else WIDEN * LANES * self.groups * passes
        return KERNEL + blocks * (widening + images * (block + self.lines.output * line + edges))


def tap_walks(height: Axis, width: Axis) -> Iterator[Walk]:
    for lines, windows, turned in ((height, width, False), (width, height, True)):
        first = -lines.before * lines.input_step - windows.before * windows.input_step
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
            output_step=windows.output_step,
            parts=(Part(windows.output, 0, 0, first, 0),),
        )
