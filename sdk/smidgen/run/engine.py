"""What the neural engine did for a layer, from what it recorded of the layer's list."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from smidgen.compile.kernels.npu.lists import list_of
from smidgen.compile.schedule import KernelCall, Part, Schedule
from smidgen.device import DescriptorRecord, ListRecord
from smidgen.npu.descriptor import BYTES, Store

_FROM_RECORDS = ("array_cycles", "waiting_cycles", "requantizer_cycles", "port_cycles", "bus_cycles")


@dataclass(frozen=True)
class EngineUse:
    """Means over inputs. cycles: from the start of the list to its end; full_array_cycles: what the layer's
    MACs need when all of the array works, None without any; bytes_*: on the bus, the list included.

    Where the cycles went, in the unit that computes: array_cycles, in which the array worked; waiting_cycles,
    for other descriptors, which load what it reads or store what it would overwrite; requantizer_cycles, for
    the requantizer; port_cycles, lost to loads and stores at the ports of the activation buffer. What is left
    is starting and ending: `rest_cycles`. bus_cycles: in which loads and stores waited for the bus, at the
    same time. None where the list was longer than what the engine keeps records of.

    parts: of a list for several nodes, each of them. Their cycles are those of the unit that computes.
    """

    name: str
    type: str
    shape: str
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
    parts: tuple[EngineUse, ...] = ()

    @property
    def array_use(self) -> float | None:
        """MACs, as a share of those that the array could have done in these cycles."""
        return self.full_array_cycles / self.cycles if self.full_array_cycles and self.cycles else None

    @property
    def rest_cycles(self) -> float | None:
        known = (self.array_cycles, self.waiting_cycles, self.requantizer_cycles, self.port_cycles)
        parts = [part for part in known if part is not None]
        return self.cycles - sum(parts) if len(parts) == len(known) else None

    def to_json(self) -> dict[str, Any]:
        parts = [part.to_json() for part in self.parts]
        return asdict(self) | {"parts": parts, "array_use": self.array_use, "rest_cycles": self.rest_cycles}


def engine_use(schedule: Schedule, call: KernelCall, lists: Sequence[ListRecord]) -> EngineUse:
    """Of one call. lists: what was recorded of its list, once for each input."""
    stores = _stores(schedule, call) if call.parts else set()
    multipliers = call.cost.multipliers if call.cost is not None else 0
    count = lists[0].descriptors
    is_complete = all(len(one.records) == count for one in lists)
    recorded = tuple(range(count)) if is_complete else ()
    whole = Part(call.id, call.type_name, call.detail, call.macs, multipliers, recorded)
    unknown = {} if is_complete else dict.fromkeys(_FROM_RECORDS)
    return replace(
        _part(whole, stores, lists),
        descriptors=count,
        cycles=fmean(one.cycles for one in lists),
        bytes_read=fmean(one.bytes_read for one in lists),
        bytes_written=fmean(one.bytes_written for one in lists),
        parts=tuple(_part(part, stores, lists) for part in call.parts if is_complete),
        **unknown,
    )


def _stores(schedule: Schedule, call: KernelCall) -> set[int]:
    """Which descriptors of the call's list are stores."""
    return {index for index, one in enumerate(list_of(schedule, call)) if isinstance(one, Store)}


def _part(part: Part, stores: Collection[int], lists: Sequence[ListRecord]) -> EngineUse:
    """What the records of one node's descriptors add up to."""

    def summed(value: Callable[[DescriptorRecord], int], which: Sequence[int]) -> float:
        return fmean(sum(value(one.records[index]) for index in which) for one in lists)

    moves = [index for index in part.descriptors if lists[0].records[index].bytes]  # loads and stores
    computes = [index for index in part.descriptors if index not in moves]
    written = [index for index in moves if index in stores]
    read = [index for index in moves if index not in stores]
    return EngineUse(
        name=part.node,
        type=part.type_name,
        shape=part.detail,
        descriptors=len(part.descriptors),
        cycles=summed(lambda one: one.waited + one.cycles, computes),
        full_array_cycles=part.multipliers if part.macs else None,
        array_cycles=summed(lambda one: one.array, computes),
        waiting_cycles=summed(lambda one: one.waited, computes),
        requantizer_cycles=summed(lambda one: one.starved, computes),
        port_cycles=summed(lambda one: one.port, computes),
        bus_cycles=summed(lambda one: one.starved, moves),
        bytes_read=BYTES * len(part.descriptors) + summed(lambda one: one.bytes, read),
        bytes_written=summed(lambda one: one.bytes, written),
    )
