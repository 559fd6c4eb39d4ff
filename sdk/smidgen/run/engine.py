"""What the neural engine did for a layer, from what it recorded of the layer's list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from smidgen.compile.schedule import KernelCall
from smidgen.device import DescriptorRecord, ListRecord


@dataclass(frozen=True)
class EngineUse:
    """Means over inputs. cycles: from the start of the list to its end; full_array_cycles: what the layer's
    MACs need when all of the array works, None without any; bytes_*: on the bus, the list included.

    Where the cycles went, in the unit that computes: array_cycles, in which the array worked; waiting_cycles,
    for other descriptors, which load what it reads or store what it would overwrite; requantizer_cycles, for
    the requantizer; port_cycles, lost to loads and stores at the ports of the activation buffer. What is left
    is starting and ending: `rest_cycles`. bus_cycles: in which loads and stores waited for the bus, at the
    same time. None where the list was longer than what the engine keeps records of.
    """

    descriptors: int
    cycles: float
    full_array_cycles: int | None
    array_cycles: float | None
    waiting_cycles: float | None
    requantizer_cycles: float | None
    port_cycles: float | None
    bus_cycles: float | None
    bytes_read: float
    bytes_written: float

    @property
    def array_use(self) -> float | None:
        """MACs, as a share of those that the array could have done in these cycles."""
        return None if self.full_array_cycles is None else self.full_array_cycles / self.cycles

    @property
    def rest_cycles(self) -> float | None:
        known = (self.array_cycles, self.waiting_cycles, self.requantizer_cycles, self.port_cycles)
        parts = [part for part in known if part is not None]
        return self.cycles - sum(parts) if len(parts) == len(known) else None

    @property
    def bytes_moved(self) -> float:
        return self.bytes_read + self.bytes_written

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"array_use": self.array_use, "rest_cycles": self.rest_cycles}


def engine_use(call: KernelCall, lists: Sequence[ListRecord]) -> EngineUse:
    """Of one call. lists: what was recorded of it, once for each input."""

    def mean(value: Callable[[ListRecord], int]) -> float:
        return fmean(value(one) for one in lists)

    def summed(name: str, is_transfer: bool = False) -> float | None:
        if any(len(one.records) < one.descriptors for one in lists):
            return None
        return mean(lambda one: _sum(one.records, name, is_transfer))

    return EngineUse(
        descriptors=lists[0].descriptors,
        cycles=mean(lambda one: one.cycles),
        full_array_cycles=call.cost.multipliers if call.cost is not None and call.macs else None,
        array_cycles=summed("array"),
        waiting_cycles=summed("waited"),
        requantizer_cycles=summed("starved"),
        port_cycles=summed("port"),
        bus_cycles=summed("starved", is_transfer=True),
        bytes_read=mean(lambda one: one.bytes_read),
        bytes_written=mean(lambda one: one.bytes_written),
    )


def _sum(records: Iterable[DescriptorRecord], name: str, is_transfer: bool) -> int:
    """Only loads and stores move bytes."""
    return sum(getattr(record, name) for record in records if (record.bytes > 0) == is_transfer)
