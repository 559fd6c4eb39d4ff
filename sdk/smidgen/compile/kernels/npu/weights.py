"""Weights on their way to the weight buffer, and their places there."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from smidgen.compile.kernels.npu import WEIGHTS
from smidgen.compile.kernels.npu.lists import Region
from smidgen.npu.descriptor import MOST_BYTES, Load


class WeightRing:
    """Parts of the buffer by name, one after the other, over the oldest ones when it is full."""

    def __init__(self, size: int) -> None:
        self.places: dict[Hashable, Region] = {}
        self._size = size
        self._next = 0

    def take(self, name: Hashable, count: int) -> Region:
        """The next so many bytes, at most all."""
        if self._next + count > self._size:
            self._next = 0
        region = Region(True, self._next, self._next + count)
        self._next += count
        self.places = {other: place for other, place in self.places.items() if not place.overlaps(region)}
        self.places[name] = region
        return region


def weight_loads(offset: int, end: int, region: Region) -> Iterator[tuple[Load, Region]]:
    """Loads of the weights from `offset` on, each with what it writes of their region. end: of what is
    stored; the last words of a region may be for no output."""
    stored = min(region.end - region.first, end - offset)
    for first in range(0, stored, MOST_BYTES):
        size, place = min(stored - first, MOST_BYTES), region.first + first
        load = Load(base=WEIGHTS, memory_offset=offset + first, buffer=1, buffer_address=place, bytes=size)
        yield load, Region(True, place, place + size)
