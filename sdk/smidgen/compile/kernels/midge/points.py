"""Depthwise windows inside the image that share no columns: each is one column by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.depthwise import Axis
from smidgen.compile.kernels.midge.lanes import LANES
from smidgen.compile.kernels.midge.packing import PARAMETERS, WORD
from smidgen.compile.kernels.midge.slide import sliding_walks
from smidgen.compile.kernels.midge.walk import FOUR_GROUPS, SLOTS, WIDEN, Walk

# Cycles measured on the simulated core, besides those of loads and outputs.
KERNEL, BATCH, LINE = 60, 10, 1
BLOCK = {1: 12, 2: 15, 3: 17, 4: 17 + FOUR_GROUPS}  # by groups of rows
LOOP = 4
LOOPED = 8  # columns and groups in a line from which on it is a loop


@dataclass(frozen=True)
class Points:
    """A walk of one run and one part, whose columns are windows, with one output per input channel."""

    walk: Walk

    @property
    def reason(self) -> str | None:
        """Why the kernel cannot walk so, or None."""
        walk = self.walk
        if walk.reason is not None:
            return walk.reason
        is_one_each = walk.taps == walk.stride == len(walk.parts) == 1
        across, along = walk.lines, walk.windows
        if not is_one_each or any((across.before, across.after, along.before, along.after)):
            return "its windows share columns, or lie outside the image"
        return None

    def symbol(self, copies: int, bits: int) -> str:
        """The C function, for weights of so many bits."""
        return f"smidgen_midge_depthwise_points_{self.groups}{'' if bits == 8 else '_narrow'}"

    @property
    def groups(self) -> int:
        return self.walk.groups

    @property
    def fields(self) -> dict[str, int]:
        """Of the kernel's shape."""
        return self.walk.fields

    @property
    def _together(self) -> int:
        """Lines that are finished together: as many as have slots, if their outputs lie side by side."""
        lines, windows = self.walk.lines, self.walk.windows
        follow = lines.output_step == windows.output * self.walk.output_step
        return max(SLOTS // windows.output, 1) if follow else 1

    @property
    def table(self) -> np.ndarray:
        """The kernel's `walk`."""
        (run,) = self.walk.runs(0)
        return np.array([self._together, *run], np.int32)

    def words(self, kernel: np.ndarray, copies: int, bits: int) -> np.ndarray:
        """int8 weights (channels, height, width) in the kernel's order."""
        return self.walk.words(kernel, copies, bits)

    def scratch_bytes(self, channels: int, copies: int, bits: int) -> int:
        """For the narrow weights of as many channels as have parameters at a time."""
        return 0 if bits == 8 else -(-min(channels, PARAMETERS) // LANES) * LANES * self.groups * WORD

    @property
    def loads(self) -> int:
        """Words of one block of channels of an image."""
        return self.walk.loads

    def cycles(self, blocks: int, images: int, lanes: float, bits: int, copies: int) -> float:
        """Of all blocks of channels. lanes: channels of a block, on average."""
        lines, windows = self.walk.lines.output, self.walk.windows.output
        words = LANES * self.groups
        widening = 0 if bits == 8 else WIDEN * words
        batches = -(-lines // self._together) * -(-windows // SLOTS)
        looped = LOOP if windows * self.groups > LOOPED else 0
        line = LINE + looped * -(-windows // SLOTS) + windows * (self.walk.column_cycles + lanes)
        return KERNEL + blocks * images * (
            words + widening + BLOCK[self.groups] + batches * BATCH + lines * line
        )


def point_walks(height: Axis, width: Axis) -> Iterator[Points]:
    for walk in sliding_walks(height, width):
        yield Points(walk)
