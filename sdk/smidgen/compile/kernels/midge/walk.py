"""How the depthwise kernels of firmware/kernels/midge walk an image, and what that costs.

Windows follow each other along a line; their rows lie across it. Names as in depthwise.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.depthwise import Axis
from smidgen.compile.kernels.midge.cost import SMALL, misaligned
from smidgen.compile.kernels.midge.lanes import LANES, in_blocks, row_words
from smidgen.compile.kernels.midge.packing import PARAMETERS, WORD

GROUP_ROWS = 4
GROUPS = 4
WEIGHTS = 16  # words of weights for each lane
SLOTS = 16  # windows in flight
STRIDE = 4

# Cycles measured on the simulated core, besides those of loads, taps and outputs.
KERNEL, SMALL_KERNEL = 120, 70
SMALL_SAVES, SMALL_BLOCK_SAVES = 60, 90  # of small calls of the other kernels
BLOCK = 57
IMAGE = 33  # one block of channels of one image
PART = 33
RUN, RUN_OF_GROUPS = 9, 39
SHORT_KERNEL, SHORT_BLOCK, SHORT_RUN, SHORT_LINE = (
    155,
    47,
    15,
    20,
)  # of lines of one batch and one group of rows
PLAIN_SHORT_BLOCK = 26  # where nothing lies in padding
LINE, BATCH = 12, 21
BATCH_OF_GROUPS = 46
PLAIN_BATCH_OF_GROUPS, PLAIN_PART_OF_GROUPS = 12, -66  # where all lines are alike
FOUR_GROUPS = 13  # a block, for which registers run out
EDGE_GROUP = 22  # of a column whose groups have different rows inside the image
PADDING, PADDING_OF_GROUPS = 4, 12  # a column of padding before and between lines
WIDEN = 7.5  # a word of narrow weights
COPY = 14  # a window's outputs that do not lie side by side


@dataclass(frozen=True)
class Part:
    """Windows of every line that share columns: how many in a line, and the columns that they lie in.

    pad_columns of padding come before `columns` inside the image; first and output: bytes to the first of
    these and to the first output.
    """

    windows: int
    pad_columns: int
    columns: int
    first: int
    output: int


@dataclass(frozen=True)
class Walk:
    """Windows that slide along a line, whose columns are loaded once.

    lines, windows: the axes across and along the lines; turned: whether lines are columns of the image.
    kernel_rows, dilation, row_step: the rows of a window. taps, stride, column_step, output_step: its
    columns, and how windows of one part follow each other.
    """

    lines: Axis
    windows: Axis
    turned: bool
    kernel_rows: int
    dilation: int
    row_step: int
    taps: int
    stride: int
    column_step: int
    output_step: int
    parts: tuple[Part, ...]

    def symbol(self, copies: int, bits: int) -> str:
        """The C function. copies: output channels per input channel; bits: of a weight."""
        return f"smidgen_midge_depthwise_{self._kind(copies)}{'' if bits == 8 else '_narrow'}"

    def _kind(self, copies: int) -> str:
        if self._is_short(copies):
            return "short"
        return f"{'copies_' if copies > 1 else ''}{self.groups}"

    def _is_short(self, copies: int) -> bool:
        """Whether all lines are alike and each is finished at once."""
        is_one = self.groups == len(self.parts) == copies == 1
        return is_one and len(self._batches(self.parts[0])) == 1

    def scratch_bytes(self, channels: int, copies: int, bits: int) -> int:
        """For the narrow weights that are widened at a time."""
        blocks = -(-min(channels, PARAMETERS) // LANES) if self._is_short(copies) else 1
        return 0 if bits == 8 else blocks * LANES * self.passes * self.groups * self.taps * WORD

    @property
    def groups(self) -> int:
        return -(-self.kernel_rows // GROUP_ROWS)

    @property
    def passes(self) -> int:
        return 1

    @property
    def _taps_at_once(self) -> int:
        return self.taps

    @property
    def group_rows(self) -> int:
        return -(-self.kernel_rows // (self.passes * self.groups))

    def _used(self, part: Part) -> int:
        """Columns that the windows of a line lie in, with padding."""
        return (part.windows - 1) * self.stride + self.taps

    def _gap(self, part: Part) -> int:
        """Columns of padding from one line to the next, so that windows of both start in step."""
        gap = max(self._used(part) - part.pad_columns - part.columns, 0)
        if self.lines.output == 1 and part.pad_columns == 0:
            return gap
        gap = max(gap, part.pad_columns)
        gap = max(gap, part.windows * self.stride - part.columns)
        return gap + -(part.columns + gap) % self.stride

    def _begun_after(self, part: Part) -> int:
        """Windows that have begun after a line's last one when that is finished."""
        columns = part.pad_columns + part.columns + self._gap(part)
        return (self.taps - 1 + columns - self._used(part)) // self.stride

    def _batch(self, part: Part) -> int:
        """Windows that are finished together: as many as fit beside those begun after them, evenly."""
        most = max(SLOTS - self._begun_after(part), 1)
        return -(-part.windows // -(-part.windows // most))

    @property
    def reason(self) -> str | None:
        """Why the kernel cannot walk so, or None."""
        if self.groups > GROUPS or self.groups * self.taps > WEIGHTS:
            return f"its windows have {self.kernel_rows} rows and {self.taps} columns"
        if self.stride > STRIDE:
            return f"its stride is more than {STRIDE}"
        for part in self.parts:
            if self._begun_after(part) >= SLOTS:
                return "too many of its windows overlap"
            if part.pad_columns > (self._batch(part) - 1) * self.stride + self.taps:
                return "whole windows lie in the padding"
        return None

    @property
    def fields(self) -> dict[str, int]:
        """Of the kernel's shape."""
        return {
            "parts": len(self.parts),
            "passes": self.passes,
            "group_rows": self.group_rows,
            "outputs": self.windows.output,
            "taps": self.taps,
            "tap_step": self.windows.dilation * self.windows.input_step,
            "line_step": self.line_step,
            "row_step": self.row_step,
            "column_step": self.column_step,
            "output_line_step": self.lines.output_step,
            "output_step": self.output_step,
        }

    @property
    def line_step(self) -> int:
        return self.lines.stride * self.lines.input_step

    @property
    def table(self) -> np.ndarray:
        """The kernel's `walk`."""
        words: list[int] = []
        for part in self.parts:
            batches, runs = self._batches(part), self.runs(part.first)
            step = self.line_step - part.columns * self.column_step
            words += [len(batches), len(runs), part.pad_columns, self._gap(part), step, part.output]
            words += [word for record in (*batches, *runs) for word in record]
        return np.array(words, np.int32)

    def _batches(self, part: Part) -> list[list[int]]:
        """Columns, padding after them, windows, slots and bytes of outputs to the next."""
        size, batches, done, columns = self._batch(part), [], 0, -part.pad_columns
        while done < part.windows:
            count = min(size, part.windows - done)
            until = (done + count - 1) * self.stride + self.taps - part.pad_columns
            begun, output_bytes = count, count * self.output_step
            if done + count == part.windows:
                until = part.columns + self._gap(part)
                begun = until // self.stride - done
                output_bytes = self.lines.output_step - done * self.output_step
            inside = min(until, part.columns) - min(max(columns, 0), part.columns)
            batches.append([inside, until - max(columns, 0) - inside, count << 8, begun, output_bytes])
            done, columns = done + count, until
        return batches

    def runs(self, first: int) -> list[list[int]]:
        """Lines with the same rows inside the image: how many, and of each group its offset and window."""
        runs: list[list[int]] = []
        same: list[tuple[int, int]] = []
        for line in range(self.lines.output):
            groups = self._groups_inside(line * self.lines.stride - self.lines.before)
            if groups != same:
                at = first + line * self.line_step
                runs.append([0, *(word for offset, window in groups for word in (at + offset, window))])
                same = groups
            runs[-1][0] += 1
        return runs

    def _uneven_lines(self, part: Part) -> int:
        """Lines whose groups have different rows inside the image."""
        return sum(lines for lines, *groups in self.runs(part.first) if len(set(groups[1::2])) > 1)

    def _groups_inside(self, position: int) -> list[tuple[int, int]]:
        """Of each group of the window at a position: bytes to its first row inside, and `window`."""
        rows = position + self.dilation * np.arange(self.kernel_rows)
        first, end = int((rows < 0).sum()), int((rows < self.lines.input).sum())
        groups = []
        for start in self._starts():
            low = min(max(first - start, 0), self.group_rows)
            count = min(max(end - start, low), self.group_rows) - low
            window = (
                (low if count else 0) | count << 2 | (self._taps_at_once - 1) << 8 | (self.stride - 1) << 12
            )
            groups.append(((start + low) * self.row_step, window))
        return groups

    def _starts(self) -> list[int]:
        """The first row of each group; where the rows do not fit evenly, the last groups overlap."""
        last = self.kernel_rows - self.group_rows
        return [min(group * self.group_rows, last) for group in range(self.passes * self.groups)]

    def words(self, kernel: np.ndarray, copies: int, bits: int) -> np.ndarray:
        """int8 weights (channels, height, width) in the kernel's order."""
        rows = kernel.transpose(0, 2, 1) if self.turned else kernel
        return row_words(np.ascontiguousarray(self._ordered(in_blocks(self._grouped(rows), copies))), bits)

    def _grouped(self, kernel: np.ndarray) -> np.ndarray:
        """(channels, rows, taps) as (channels, passes, groups, taps, rows of a group), overlaps once."""
        kernel = kernel.reshape(kernel.shape[0], self.kernel_rows, -1)
        groups, end = [], 0
        for start in self._starts():
            rows = kernel[:, start : start + self.group_rows].copy()
            rows[:, : end - start] = 0
            end = start + self.group_rows
            groups.append(rows.transpose(0, 2, 1))
        shape = (kernel.shape[0], self.passes, self.groups, *groups[0].shape[1:])
        return np.stack(groups, axis=1).reshape(shape)

    def _ordered(self, blocks: np.ndarray) -> np.ndarray:
        """(block, copy, lane, pass, group, tap, row) in the order in which weights are loaded."""
        return blocks

    @property
    def loads(self) -> int:
        """Words of one block of channels of an image."""
        return self.lines.output * sum(part.columns for part in self.parts) * self.kernel_rows

    def cycles(self, blocks: int, images: int, lanes: float, bits: int, copies: int) -> float:
        """Of all blocks of channels. lanes: channels of a block, on average; copies: of an input."""
        words = LANES * self.groups * self.taps
        widening = 0 if bits == 8 else WIDEN * words
        if self._is_short(copies):
            cycles = blocks * images * (words + widening + self._short_block(lanes))
            return cycles + (SMALL_KERNEL if cycles + SHORT_KERNEL < SMALL else SHORT_KERNEL)
        lanes += COPY if copies > 1 else 0
        image = IMAGE + sum(self._part(part, lanes) for part in self.parts)
        cycles = KERNEL + blocks * (BLOCK + words + widening + images * image)
        is_folded = self.groups == 1 and cycles < SMALL
        return cycles - (SMALL_SAVES + blocks * SMALL_BLOCK_SAVES if is_folded else 0)

    def _short_block(self, lanes: float) -> float:
        """One block of channels of one image, without its weights."""
        (part,) = self.parts
        padding = self._longest(0)
        gap, runs = self._gap(part), len(self.runs(part.first))
        line = SHORT_LINE + part.columns * self.column_cycles + gap * padding + lanes * part.windows
        around = PLAIN_SHORT_BLOCK if runs == 1 and part.pad_columns == gap == 0 else SHORT_BLOCK
        around += part.pad_columns * padding + (runs - 1) * SHORT_RUN
        return around + self.lines.output * line

    def _part(self, part: Part, lanes: float) -> float:
        """One block of channels of one image."""
        padding = self.groups * self._longest(0)
        batches, runs, gap = len(self._batches(part)), self.runs(part.first), self._gap(part)
        line = part.columns * self.column_cycles + gap * padding + lanes * part.windows
        around, edges = PART + len(runs) * RUN, 0.0
        if self.groups == 1:
            line += LINE + batches * BATCH
        elif len(runs) == 1:  # the compiler sees that nothing is at an edge
            around = PLAIN_PART_OF_GROUPS + (FOUR_GROUPS if self.groups == GROUPS else 0)
            line += batches * PLAIN_BATCH_OF_GROUPS
        else:
            around = PART + len(runs) * RUN_OF_GROUPS
            line += batches * BATCH_OF_GROUPS + gap * PADDING_OF_GROUPS
            edges = self._uneven_lines(part) * part.columns * self.groups * EDGE_GROUP
        return around + part.pad_columns * (PADDING + padding) + self.lines.output * line + edges

    @property
    def column_cycles(self) -> float:
        """One column that is loaded, on average: what takes longest, its rows or the windows it goes into."""
        loads = self.group_rows * (1 + misaligned(self.column_step, self.row_step, self.line_step))
        return self.groups * self._longest(loads)

    def _longest(self, loads: float) -> float:
        phases = [
            max(loads, -(-(self._taps_at_once - phase) // self.stride), 2) for phase in range(self.stride)
        ]
        return sum(phases) / self.stride
