"""Which buffers may share memory although both are live: an output written where its input has been read.

A relation between two buffers says how far beyond the start of the earlier one the later one may start when
they share memory, in bytes. It holds over the whole schedule, so also for a buffer that is read or written in
parts by several calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smidgen.compile.schedule import Buffer, Role, Schedule

Relations = Mapping[tuple[str, str], int]  # by the names of the earlier buffer and the later one


@dataclass(frozen=True)
class _Access:
    """Bytes of a whole buffer that one call reads or writes; overlap: of the call."""

    call: int
    start: int
    end: int
    overlap: int | None


def relations(schedule: Schedule) -> Relations:
    """Every pair of buffers that are live together and may share memory, but not scratch."""
    reads, writes = _accesses(schedule, "reads"), _accesses(schedule, "writes")
    whole = [buffer for buffer in schedule.buffers.values() if buffer.within is None]
    kept = {state.next_buffer for state in schedule.states} | {port.buffer for port in schedule.outputs}
    earlier = [b for b in whole if b.role in (Role.INPUT, Role.INTERMEDIATE) and b.name not in kept]
    later = [b for b in whole if writes.get(b.name)]
    found = {}
    for a in earlier:
        for b in later:
            if a.name != b.name and a.first <= b.last and b.first <= a.last:
                slack = _slack(reads.get(a.name, []), writes.get(a.name, []), writes[b.name])
                if slack is not None and slack > -b.bytes:
                    found[a.name, b.name] = slack
    return found


def _slack(reads: list[_Access], filled: list[_Access], writes: list[_Access]) -> int | None:
    """How far beyond the start of a buffer another may start, or None when they must not share memory.

    reads and filled: what reads and writes the earlier buffer; writes: what writes the later one.
    """
    if max((access.call for access in filled), default=-1) >= writes[0].call:
        return None
    slack = None
    for write in writes:
        for read in reads:
            if read.call < write.call:
                continue
            if read.call > write.call:
                limit = read.start - write.end
            elif write.overlap is not None:
                limit = read.start + write.overlap - write.start
            else:
                return None
            slack = limit if slack is None else min(slack, limit)
    return slack


def _accesses(schedule: Schedule, kind: str) -> dict[str, list[_Access]]:
    """For each whole buffer, what its calls read ("reads") or write ("writes") of it, in order."""
    found: dict[str, list[_Access]] = {}
    for index, call in enumerate(schedule.calls):
        for name in getattr(call, kind):
            buffer = schedule.buffers.get(name)  # a read may be a constant
            if buffer is not None:
                access = _Access(index, buffer.start, buffer.start + buffer.bytes, call.overlap)
                found.setdefault(buffer.within or name, []).append(access)
    return found


def together(a: Buffer, b: Buffer, related: Relations) -> int:
    """The fewest bytes that two buffers occupy that are live together."""
    slack = related.get((a.name, b.name))
    if slack is None:
        a, b = b, a
        slack = related.get((a.name, b.name))
    if slack is None:
        return a.bytes + b.bytes
    return min(a.bytes + b.bytes, max(b.bytes, a.bytes + max(-slack, 0)))
