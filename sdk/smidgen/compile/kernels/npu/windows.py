"""Tensors in the activation buffer while a list of several nodes runs: whole, or only the rows in use.

A consumer asks for rows, and what is not there yet is computed or loaded first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from smidgen.compile.kernels.npu.lists import Region
from smidgen.compile.kernels.npu.pixels import copy_pixels
from smidgen.npu.descriptor import MOST_BYTES, QUAD, Descriptor, Engine, Load, round_up


class Recorder(Protocol):
    """Takes the descriptors of a list in order, with what each of them reads and writes."""

    def __call__(self, descriptor: Descriptor, reads: Iterable[Region], writes: Iterable[Region]) -> None: ...


@dataclass
class Whole:
    """A tensor that is there, all of it."""

    address: int
    row_bytes: int

    def need(self, consumer: int, first: int, end: int) -> int:
        return self.address + first * self.row_bytes


@dataclass
class Computed:
    """Rows of a tensor, as `produce` makes them: one after the other until the window is full, then those
    that are still needed are copied to its start.

    used: for each consumer the first row that it still needs; most: rows that had to be there at once.
    """

    engine: Engine
    address: int
    capacity: int | None  # bytes, None: no end
    row_bytes: int
    produce: Callable[[int, int], None]
    record: Recorder
    used: dict[int, int]
    first: int = 0
    end: int = 0
    most: int = 0

    def need(self, consumer: int, first: int, end: int) -> int:
        """The address of row `first`, with all up to `end` - 1 there."""
        self.used[consumer] = first
        if end > self.end:
            low = min(min(self.used.values()), self.end)
            self.most = max(self.most, end - low)
            if self.capacity is not None and (end - self.first) * self.row_bytes > self.capacity:
                self._restart(low)
            self.produce(self.end, end)
            self.end = end
        return self.at(first)

    def at(self, row: int) -> int:
        return self.address + (row - self.first) * self.row_bytes

    def region(self, first: int, end: int) -> Region:
        return Region(False, self.at(first), self.at(end))

    def _restart(self, low: int) -> None:
        source = self.region(low, self.end)
        self.first = low
        if low < self.end:
            count = source.end - source.first
            size = (1, count // QUAD, QUAD)  # any bytes, word by word
            copy = copy_pixels(self.engine, source.first, size, self.address, QUAD, count)
            self.record(copy, [source], [self.region(low, self.end)])


@dataclass
class Loaded:
    """Rows of a tensor in memory: one after the other until the window is full, then from its start again,
    with those of before that are still needed. most: bytes that had to be there at once."""

    address: int
    capacity: int | None
    row_bytes: int
    base: int
    record: Recorder
    origin: int = 0  # bytes of the tensor: at the start of the window, after the last
    loaded: int = 0
    most: int = field(default=0)

    def need(self, consumer: int, first: int, end: int) -> int:
        start, stop = first * self.row_bytes // QUAD * QUAD, round_up(end * self.row_bytes, QUAD)
        self.most = max(self.most, stop - start)
        fits = self.capacity is None or stop - self.origin <= self.capacity
        if not (self.origin <= start <= self.loaded and fits):
            self.origin = self.loaded = start
        while self.loaded < stop:
            count = min(stop - self.loaded, MOST_BYTES)
            place = self.address + self.loaded - self.origin
            load = Load(
                base=self.base, memory_offset=self.loaded, buffer=0, buffer_address=place, bytes=count
            )
            self.record(load, [], [Region(False, place, place + count)])
            self.loaded += count
        return self.address + first * self.row_bytes - self.origin
