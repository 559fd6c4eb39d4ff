"""Cycles of what the kernels of firmware/kernels/midge do on Midge with one-cycle memories.

What one instruction costs follows from the hardware (docs/xmidge.md); what the code around the instructions
costs was measured on the simulated core. `smidgen profile` shows the error of every prediction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.midge.packing import BLOCK, PARAMETERS, VECTOR_BLOCK, WORD, Packed, Steps
from smidgen.compile.schedule import Cost

PIXELS = 4  # computed side by side
MACS_PER_CYCLE = {8: 16, 4: 32, 2: 64}  # of all multipliers, by bits of a weight

# Cycles of rqc besides one per output, and of code around the instructions.
REQUANTIZE = 8
LOOP = 6
NEXT_ROW = 10
CHANNEL_BLOCK = 16
PIXEL_BLOCK = 14
MULTIPLY_CALL = 60
PARAMETERS_CALL = 20
KERNEL_CALL = 120
GROUP = 3  # of sparse weights


@dataclass(frozen=True, eq=False)
class Product:
    """What smidgen_midge_multiply does: `pixels` windows of `rows` rows with `channels` output channels.

    vector: whether it works as for a single vector; misaligned: the fraction of the loads of inputs that
    take two cycles; shared: whether one multiplier and shift serve all channels; present: of sparse weights,
    the groups that each row of each block has; walk is then that of a group.
    """

    pixels: int
    channels: int
    rows: int
    walk: Steps
    misaligned: float = 0.0
    shared: bool = False
    vector: bool = False
    present: np.ndarray | None = None

    @staticmethod
    def of(
        packed: Packed, pixels: int, channels: int, rows: int, unaligned: float, vector: bool = False
    ) -> Product:
        return Product(pixels, channels, rows, packed.walk, unaligned, packed.shared, vector, packed.present)

    @property
    def macs(self) -> int:
        """Including those with the zeros that fill up steps."""
        return self.pixels * self.walk.words * WORD * sum(c * steps for c, steps in self._blocks())

    def parameters(self) -> int:
        """Cycles of loading all parameters once."""
        each = self.channels if self.shared else 2 * self.channels + -(-self.channels // 4)
        return each + PARAMETERS_CALL * -(-self.channels // PARAMETERS)

    def cycles(self) -> float:
        """Of one call; parameters that stay where they are, are not loaded in it."""
        total = MULTIPLY_CALL + (self.parameters() if self.channels > PARAMETERS else 0)
        for pixels, pixel_blocks in _parts(self.pixels, PIXELS):
            total += pixel_blocks * PIXEL_BLOCK * -(-self.channels // PARAMETERS)
            load = pixels * (self.walk.words + self.misaligned)
            for channels, steps in self._blocks():
                walking = steps * (load + max(channels, 2)) + self.rows * LOOP + (self.rows - 1) * NEXT_ROW
                if self.present is not None:
                    walking += steps // self.walk.steps * GROUP
                total += pixel_blocks * (walking + pixels * channels + REQUANTIZE + CHANNEL_BLOCK)
        return total

    def words(self) -> int:
        """Words of inputs and weights that are loaded."""
        return sum(
            pixel_blocks * steps * (pixels * self.walk.words + channels)
            for pixels, pixel_blocks in _parts(self.pixels, PIXELS)
            for channels, steps in self._blocks()
        )

    def _blocks(self) -> list[tuple[int, int]]:
        """(channels, steps) of each block."""
        block = VECTOR_BLOCK if self.vector and self.present is None else BLOCK
        sizes = [min(block, self.channels - first) for first in range(0, self.channels, block)]
        if self.present is None:
            return [(size, self.rows * self.walk.steps) for size in sizes]
        steps = self.present.sum(axis=1) * self.walk.steps
        return [(size, int(count)) for size, count in zip(sizes, steps, strict=True)]

    def cost(self, calls: int, more_cycles: float = 0.0, more_words: int = 0) -> Cost:
        """Of a kernel that makes as many calls and, besides, takes so many cycles and moves so many words."""
        return Cost(
            cycles=round(KERNEL_CALL + self.parameters() + calls * self.cycles() + more_cycles),
            multipliers=math.ceil(calls * self.macs / MACS_PER_CYCLE[self.walk.bits]),
            data_port=calls * self.words() + more_words,
            requantizer=calls * self.pixels * self.channels,
        )


def _parts(count: int, size: int) -> Iterator[tuple[int, int]]:
    """(size of a part, number of such parts) of `count` things taken `size` at a time."""
    if count >= size:
        yield size, count // size
    if count % size:
        yield count % size, 1


def copy_cycles(count: int, aligned: bool) -> float:
    """smidgen_midge_copy of `count` bytes, by words or one by one."""
    return 14 + (0.7 * count if aligned else 2.8 * count)


def misaligned(*steps: int) -> float:
    """The fraction of loads of words that take two cycles, where addresses are sums of multiples of these."""
    unit = math.gcd(WORD, *steps)
    return 1 - unit / WORD
