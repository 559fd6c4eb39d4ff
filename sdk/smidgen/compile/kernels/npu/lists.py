"""Lists of descriptors whose waits follow from the buffers that each of them reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from smidgen.compile.schedule import KernelCall, Schedule
from smidgen.npu.descriptor import WORDS, Descriptor, Load, Store, decode

LONGEST = 1023  # descriptors that the engine takes in one list
LOAD, COMPUTE, STORE = range(3)


def list_of(schedule: Schedule, call: KernelCall) -> list[Descriptor]:
    """What a call of the engine runs."""
    words = next(schedule.blobs[name].data for name in call.blobs if name.endswith(".list"))
    return [decode(row) for row in words.reshape(-1, WORDS)]


def unit_of(descriptor: Descriptor) -> int:
    """Which of the engine's three units does it."""
    return LOAD if isinstance(descriptor, Load) else STORE if isinstance(descriptor, Store) else COMPUTE


@dataclass(frozen=True)
class Region:
    """Bytes `first` to `end` - 1 of the activation or the weight buffer."""

    is_weights: bool
    first: int
    end: int

    def overlaps(self, other: Region) -> bool:
        return self.is_weights == other.is_weights and self.first < other.end and other.first < self.end

    def covers(self, other: Region) -> bool:
        return self.is_weights == other.is_weights and self.first <= other.first and other.end <= self.end


@dataclass(frozen=True)
class _Access:
    region: Region
    unit: int
    count: int  # of the unit's descriptors up to and with this one
    is_write: bool


class ListBuilder:
    """Descriptors in order; each waits for those that wrote what it reads, or use what it writes."""

    def __init__(self) -> None:
        self.descriptors: list[Descriptor] = []
        self._counts = [0, 0, 0]
        self._accesses: list[_Access] = []

    def add(self, descriptor: Descriptor, reads: Sequence[Region], writes: Sequence[Region]) -> None:
        waits = [0, 0, 0]
        for access in self._accesses:
            conflicts = any(access.region.overlaps(region) for region in writes)
            conflicts |= access.is_write and any(access.region.overlaps(region) for region in reads)
            if conflicts:
                waits[access.unit] = max(waits[access.unit], access.count)
        unit = unit_of(descriptor)
        self._counts[unit] += 1
        # What is written over has been waited for, by whoever waits for this one.
        kept = [one for one in self._accesses if not any(region.covers(one.region) for region in writes)]
        again = [(region, unit, False) for region in reads]
        kept = [one for one in kept if (one.region, one.unit, one.is_write) not in again]
        kept += [_Access(region, unit, self._counts[unit], False) for region in reads]
        kept += [_Access(region, unit, self._counts[unit], True) for region in writes]
        self._accesses = kept
        self.descriptors.append(
            replace(
                descriptor,
                after_loads=waits[LOAD],
                after_computes=waits[COMPUTE],
                after_stores=waits[STORE],
            )
        )
