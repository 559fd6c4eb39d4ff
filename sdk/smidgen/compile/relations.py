"""Which buffers may share memory although both are live: an output written where its input has been read.

A relation between two buffers holds over the whole schedule, so also for a buffer that is read or written in
parts by several calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smidgen.compile.schedule import Buffer, KernelCall, Role, Schedule


@dataclass(frozen=True)
class Relation:
    """Where the later of two buffers may start, in bytes from the start of the earlier one.

    limit: as far as this, or anywhere below, None when there is no such limit; exactly: just there.
    """

    limit: int | None
    exactly: int | None = None

    def lets_share(self, later_bytes: int) -> bool:
        """Whether it allows more than what is clear of the earlier buffer anyway."""
        return self.exactly is not None or (self.limit is not None and self.limit > -later_bytes)


# By the names of the earlier buffer and the later one; two that are used in turns may be related both ways.
Relations = Mapping[tuple[str, str], Relation]


@dataclass(frozen=True)
class _Access:
    """Bytes of a whole buffer that a call reads or writes; index: of the call."""

    index: int
    call: KernelCall
    start: int
    end: int


def relations(schedule: Schedule) -> Relations:
    """Every pair of buffers that are live together and may share memory; none is scratch."""
    reads, writes = _accesses(schedule, "reads"), _accesses(schedule, "writes")
    whole = [buffer for buffer in schedule.buffers.values() if buffer.within is None]
    kept = {state.next_buffer for state in schedule.states} | {port.buffer for port in schedule.outputs}
    earlier = [b for b in whole if b.role in (Role.INPUT, Role.INTERMEDIATE) and b.name not in kept]
    later = [b for b in whole if writes.get(b.name)]
    found = {}
    for a in earlier:
        for b in later:
            if a.name != b.name and a.first <= b.last and b.first <= a.last:
                relation = _relation(reads.get(a.name, []), writes.get(a.name, []), writes[b.name])
                if relation is not None and relation.lets_share(b.bytes):
                    found[a.name, b.name] = relation
    return found


def _relation(reads: list[_Access], filled: list[_Access], writes: list[_Access]) -> Relation | None:
    """How two buffers may share memory, None when they must not.

    reads and filled: what reads and writes the earlier buffer; writes: what writes the later one.
    """
    limits: list[int | None] = []
    exact_limits: list[int | None] = []
    places = set()
    for write in writes:
        # What the later buffer holds must end below all that the earlier one is still used for.
        clear = [read.start - write.end for read in reads if read.index > write.index]
        clear += [fill.start - write.end for fill in filled if fill.index >= write.index]
        limits += clear
        exact_limits += clear
        for read in reads:
            if read.index == write.index:
                place, overlap = read.start - write.start, write.call.overlap
                limits.append(None if overlap is None else place + overlap)
                if write.call.in_place:
                    places.add(place)
                else:
                    exact_limits.append(limits[-1])
    known = [limit for limit in limits if limit is not None]
    limit = min(known) if known and len(known) == len(limits) else None
    exactly = None
    if len(places) == 1 and all(bound is not None and min(places) <= bound for bound in exact_limits):
        exactly = min(places)
    return None if limit is None and exactly is None else Relation(limit, exactly)


def _accesses(schedule: Schedule, kind: str) -> dict[str, list[_Access]]:
    """For each whole buffer, what its calls read ("reads") or write ("writes") of it, in order."""
    found: dict[str, list[_Access]] = {}
    for index, call in enumerate(schedule.calls):
        for name in getattr(call, kind):
            buffer = schedule.buffers.get(name)  # a read may be a constant
            if buffer is not None:
                access = _Access(index, call, buffer.start, buffer.start + buffer.bytes)
                found.setdefault(buffer.within or name, []).append(access)
    return found


def together(one: Buffer, other: Buffer, related: Relations) -> int:
    """The fewest bytes that two buffers occupy that are live together."""
    least = one.bytes + other.bytes
    for a, b in ((one, other), (other, one)):
        relation = related.get((a.name, b.name))
        if relation is not None and relation.limit is not None:
            least = min(least, max(b.bytes, a.bytes + max(-relation.limit, 0)))
        if relation is not None and relation.exactly is not None:
            place = relation.exactly
            least = min(least, max(a.bytes, place + b.bytes) - min(place, 0))
    return least
