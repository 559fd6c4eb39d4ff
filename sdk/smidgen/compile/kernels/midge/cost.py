"""Cycles of what the kernels of firmware/kernels/midge do on Midge with one-cycle memories.

What one instruction costs follows from the hardware (docs/xmidge.md); what the code around the instructions
costs was measured on the simulated core. `smidgen profile` shows the error of every prediction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from smidgen.compile.kernels.midge.packing import BLOCK, PARAMETERS, VECTOR_BLOCK, WORD, Packed, Steps
from smidgen.compile.schedule import Cost

PIXELS = 4  # computed side by side
MACS_PER_CYCLE = {8: 16, 4: 32, 2: 64}  # of all multipliers, by bits of a weight; depthwise ones have 8
LEAST_MACS_PER_CYCLE = 0.5  # that a layer should reach, even at the cost of flash

SMALL = 2000  # cycles of a call that deserves a function of its own, in which the compiler folds constants

LEAST = 2  # cycles of mac
REQUANTIZE = 9  # cycles of rqc after a mac, besides one per output

# Cycles of the code around the instructions.
LOOP = 6
MORE_ROWS = 26
NEXT_ROW = 7
GROUP = 3  # of sparse weights
CHANNEL_BLOCK = 8
PIXEL_BLOCK = 14
MULTIPLY_CALL = 60
PARAMETERS_CALL = 6
KERNEL_CALL = 120
VECTOR_CALL = 30
# The same of small calls.
SMALL_CALL = 22
SMALL_BLOCK = 4
VECTOR_BLOCK_CALL = 6
RING_ROW = 60  # of windows
COPY = 20  # of a row
WINDOW = 50  # gathering it
PIECE = 2
PIECE_WORD = 7.2
PIECE_SHIFTED_WORD = 11.0
PIECE_BYTE = 7.4


@dataclass(frozen=True, eq=False)
class Product:
    """What smidgen_midge_multiply does: `pixels` windows of `rows` rows with `channels` output channels.

    vector: whether it works as for a single vector; misaligned: the fraction of the loads of inputs that
    take two cycles; shared: whether one multiplier and shift serve all channels; present: of sparse weights,
    the groups that each row of each block has; walk is then that of a group. is_small: whether the compiler
    knows the numbers of this call.
    """

    pixels: int
    channels: int
    rows: int
    walk: Steps
    misaligned: float = 0.0
    shared: bool = False
    vector: bool = False
    present: np.ndarray | None = None
    is_small: bool = False

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
        if self.vector:
            call = 0 if self.is_small else VECTOR_CALL
            return call + sum(VECTOR_BLOCK_CALL + self._block(1, *block) for block in self._blocks())
        total = 0 if self.is_small else MULTIPLY_CALL
        total += self.parameters() if self.channels > PARAMETERS else 0
        for pixels, pixel_blocks in _parts(self.pixels, PIXELS):
            total += (
                pixel_blocks
                * (SMALL_BLOCK if self.is_small else PIXEL_BLOCK)
                * -(-self.channels // PARAMETERS)
            )
            total += pixel_blocks * sum(self._block(pixels, *block) for block in self._blocks())
        return total

    def _block(self, pixels: int, channels: int, steps: int) -> float:
        load = pixels * (self.walk.words + self.misaligned)
        total = steps * (load + max(channels, LEAST)) + pixels * channels + REQUANTIZE
        if self.is_small and not self.vector:
            return total
        total += self.rows * LOOP + CHANNEL_BLOCK
        if self.rows > 1:
            total += MORE_ROWS + (self.rows - 1) * NEXT_ROW
        if self.present is not None:
            total += steps // self.walk.steps * GROUP
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

    def small(self, calls: int) -> Product | None:
        """The same as a small call, or None where that many calls are not small."""
        if self.present is not None or self.cost(calls).cycles >= SMALL:
            return None
        return replace(self, is_small=True)

    def cost(self, calls: int, more_cycles: float = 0.0, more_words: int = 0) -> Cost:
        """Of a kernel that makes as many calls and, besides, takes so many cycles and moves so many words."""
        kernel = SMALL_CALL if self.is_small else KERNEL_CALL
        return Cost(
            cycles=round(
                (0 if self.vector else kernel) + self.parameters() + calls * self.cycles() + more_cycles
            ),
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
    """Of a row of `count` bytes, by words or one by one."""
    return COPY + (0.8 * count if aligned else 2.8 * count)


def gather_cycles(rows: int, pieces: int, count: int, shifted: float) -> float:
    """Of a window of so many rows, pieces in a row and bytes in a piece, a fraction of them between words."""
    if count % WORD:
        piece = PIECE_BYTE * count
    else:
        piece = count / WORD * (shifted * PIECE_SHIFTED_WORD + (1 - shifted) * PIECE_WORD)
    return WINDOW + rows * PIECE + rows * pieces * (PIECE + piece)


def misaligned(*steps: int) -> float:
    """The fraction of loads of words that take two cycles, where addresses are sums of multiples of these."""
    unit = math.gcd(WORD, *steps)
    return 1 - unit / WORD
