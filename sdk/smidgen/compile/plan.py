"""The arena planner: an offset for every buffer, and how far the result is from the lower bound.

Buffers that are live at the same time must not overlap (the dynamic storage allocation problem), unless one
is written where the other has been read (see compile.relations). Every placement without such relations that
cannot be improved by moving one buffer down is reached by placing the buffers one after the other at the
lowest offset that is free, in some order, so the planner searches over orders: a few good ones, then all of
them on small models (branch and bound) or a seeded local search on large ones, until the lower bound is
reached.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from smidgen.compile.relations import Relations, relations, together
from smidgen.compile.schedule import ARENA_ALIGNMENT, WORD, Buffer, Role, Schedule

EXHAUSTIVE_BUFFERS = 9
EXHAUSTIVE_NODES = 50_000
LOCAL_SEARCH_STEPS = 2_000
LOCAL_SEARCH_WORK = 60_000  # steps times buffers, so that large models do not wait


@dataclass(frozen=True)
class Placement:
    """Offsets by buffer name, and the end of the highest buffer. Both in bytes."""

    offsets: Mapping[str, int]
    bytes: int


def most_live(buffers: Iterable[Buffer]) -> int:
    """The largest sum of bytes that are live at one call: no placement without relations can be smaller."""
    buffers = list(buffers)
    calls = {buffer.first for buffer in buffers}  # a sum can only grow where a buffer becomes live
    return max((sum(b.bytes for b in buffers if b.first <= call <= b.last) for call in calls), default=0)


def lower_bound(buffers: Iterable[Buffer], related: Relations | None = None) -> int:
    """Bytes below which no placement can be.

    At each call, buffers that share no memory with others need their sum, and those that may share some need
    at least what the two of them need that need most.
    """
    buffers, related = list(buffers), related or {}
    bound = 0
    for call in {buffer.first for buffer in buffers}:
        live = {buffer.name: buffer for buffer in buffers if buffer.first <= call <= buffer.last}
        names = {name for pair in related if live.keys() >= set(pair) for name in pair}
        alone = sum(buffer.bytes for buffer in live.values() if buffer.name not in names)
        sharing = [live[name] for name in sorted(names)]
        pairs = (together(*pair, related) for pair in itertools.combinations(sharing, 2))
        bound = max(bound, alone + max([b.bytes for b in sharing] + list(pairs), default=0))
    return bound


def plan(schedule: Schedule) -> Schedule:
    """The schedule with an offset for every buffer and its arena sizes, in bytes.

    arena_bytes: the arena, with scratch; arena_tensors_bytes: the smallest arena found for tensors and states
    alone, inputs and outputs counted; arena_lower_bound_bytes: no arena for those can be smaller;
    arena_live_bytes: what they need when none shares memory with another that is live.
    """
    whole = [buffer for buffer in schedule.buffers.values() if buffer.within is None]
    tensors = [buffer for buffer in whole if buffer.role is not Role.SCRATCH]
    scratch = [buffer for buffer in whole if buffer.role is Role.SCRATCH]
    related = relations(schedule)
    alone = place(tensors, related)
    # Scratch goes round the tensors where they are, or else all are placed anew together.
    best = _place_each(_by_size(scratch), WORD, _Conflicts(whole, related), alone.offsets)
    if best.bytes > max(alone.bytes, lower_bound(whole, related)):
        best = min(best, place(whole, related), key=lambda placement: placement.bytes)
    return replace(
        schedule,
        buffers={b.name: _placed(b, best.offsets) for b in schedule.buffers.values()},
        arena_bytes=best.bytes,
        arena_tensors_bytes=min(alone.bytes, best.bytes),
        arena_lower_bound_bytes=lower_bound(tensors, related),
        arena_live_bytes=most_live(tensors),
    )


def quick_bytes(schedule: Schedule) -> int:
    """Bytes of an arena that is found without much searching."""
    whole = [buffer for buffer in schedule.buffers.values() if buffer.within is None]
    return quick_place(whole, relations(schedule)).bytes


def quick_place(buffers: Sequence[Buffer], related: Relations | None = None) -> Placement:
    """The smallest of a few placements."""
    conflicts = _Conflicts(buffers, related or {})
    placements = (_place_each(order, WORD, conflicts) for order in _orders(conflicts.buffers))
    return min(placements, key=lambda placement: placement.bytes)


def _placed(buffer: Buffer, offsets: Mapping[str, int]) -> Buffer:
    return replace(buffer, offset=offsets[buffer.within or buffer.name] + buffer.start)


def place(buffers: Sequence[Buffer], related: Relations | None = None) -> Placement:
    """The smallest placement found, at 16-byte alignment if that costs nothing, else at 4."""
    conflicts = _Conflicts(buffers, related or {})
    bound = lower_bound(buffers, related)
    coarse = _search(conflicts, ARENA_ALIGNMENT, bound)
    if coarse.bytes <= bound:
        return coarse
    fine = _search(conflicts, WORD, bound)
    return fine if fine.bytes < coarse.bytes else coarse


class _Conflicts:
    """For every buffer, the others that are live with it, and how near to their start it may begin.

    `of` has for each neighbour distances from its start, low and high: a buffer must not begin strictly
    between them.
    """

    def __init__(self, buffers: Sequence[Buffer], related: Relations) -> None:
        self.buffers = list(buffers)
        self.of: dict[str, list[tuple[str, int, int]]] = {buffer.name: [] for buffer in buffers}
        for a, b in itertools.permutations(buffers, 2):
            if a.first <= b.last and b.first <= a.last:
                self.of[a.name] += [(b.name, low, high) for low, high in _forbidden(a, b, related)]

    def lowest_free(self, name: str, alignment: int, offsets: Mapping[str, int]) -> int:
        """The lowest aligned offset at which the buffer gets along with those that are placed."""
        taken = sorted(
            (offsets[other] + low, offsets[other] + high)
            for other, low, high in self.of[name]
            if other in offsets
        )
        offset = 0
        for low, high in taken:
            if offset <= low:
                break
            offset = max(offset, -(-high // alignment) * alignment)
        return offset


def _forbidden(a: Buffer, b: Buffer, related: Relations) -> list[tuple[int, int]]:
    """Distances from the start of `b` strictly between which `a` must not begin; both are live together."""
    low, high, places = -a.bytes, b.bytes, set()
    if after := related.get((b.name, a.name)):
        low = low if after.limit is None else max(low, after.limit)
        places |= {after.exactly} - {None}
    if before := related.get((a.name, b.name)):
        high = high if before.limit is None else min(high, -before.limit)
        places |= set() if before.exactly is None else {-before.exactly}
    ends = [low, *sorted(place for place in places if low < place < high), high]
    return [(start, end) for start, end in itertools.pairwise(ends) if start < end]


def _search(conflicts: _Conflicts, alignment: int, bound: int) -> Placement:
    best: Placement | None = None
    best_order: list[Buffer] = []
    for order in _orders(conflicts.buffers):
        placement = _place_each(order, alignment, conflicts)
        if best is None or placement.bytes < best.bytes:
            best, best_order = placement, order
        if best.bytes <= bound:
            return best
    assert best is not None
    if len(conflicts.buffers) <= EXHAUSTIVE_BUFFERS:
        return _branch_and_bound(conflicts, alignment, best, bound)
    return _local_search(best_order, alignment, conflicts, best, bound)


def _by_size(buffers: Iterable[Buffer]) -> list[Buffer]:
    return sorted(buffers, key=lambda b: (-b.bytes, b.first, b.name))


def _orders(buffers: Sequence[Buffer]) -> list[list[Buffer]]:
    """Orders that often give a good placement."""
    calls = sorted({buffer.first for buffer in buffers})
    live = {call: sum(b.bytes for b in buffers if b.first <= call <= b.last) for call in calls}
    breadth = {b.name: max(live[c] for c in calls if b.first <= c <= b.last) for b in buffers}
    return [
        _by_size(buffers),
        sorted(buffers, key=lambda b: (-breadth[b.name], -b.bytes, b.first, b.name)),
        sorted(buffers, key=lambda b: (-(b.last - b.first), -b.bytes, b.name)),
        sorted(buffers, key=lambda b: (b.first, -b.bytes, b.name)),
        sorted(buffers, key=lambda b: (-b.last, -b.bytes, b.name)),
        # An output that shares memory with its input lies below it, so it is placed first.
        sorted(buffers, key=lambda b: (-b.first, -b.bytes, b.name)),
    ]


def _place_each(
    order: Iterable[Buffer], alignment: int, conflicts: _Conflicts, fixed: Mapping[str, int] | None = None
) -> Placement:
    """Place buffers in this order, each as low as it goes, round those that are fixed."""
    offsets = dict(fixed or {})
    for buffer in order:
        offsets[buffer.name] = conflicts.lowest_free(buffer.name, alignment, offsets)
    size = max((offsets[b.name] + b.bytes for b in conflicts.buffers if b.name in offsets), default=0)
    return Placement(offsets, size)


def _branch_and_bound(conflicts: _Conflicts, alignment: int, best: Placement, bound: int) -> Placement:
    """The smallest placement of all orders, unless the node budget ends first.

    Only orders of rising offset are followed: without relations, any placement that cannot be improved by
    moving one buffer down comes out of the order of its own offsets.
    """
    nodes = 0

    def descend(offsets: dict[str, int], rest: list[Buffer], floor: int, size: int) -> None:
        nonlocal best, nodes
        if not rest:
            if size < best.bytes:
                best = Placement(offsets, size)
            return
        for index, buffer in enumerate(rest):
            nodes += 1
            if nodes > EXHAUSTIVE_NODES or best.bytes <= bound:
                return
            offset = conflicts.lowest_free(buffer.name, alignment, offsets)
            end = max(size, offset + buffer.bytes)
            if offset >= floor and end < best.bytes:
                descend({**offsets, buffer.name: offset}, rest[:index] + rest[index + 1 :], offset, end)

    descend({}, _by_size(conflicts.buffers), 0, 0)
    return best


def _local_search(
    order: list[Buffer], alignment: int, conflicts: _Conflicts, best: Placement, bound: int
) -> Placement:
    """Move single buffers to other places in the order, those that end at the top more often."""
    generator = random.Random(len(order))
    current, current_order = best, order
    for _ in range(min(LOCAL_SEARCH_STEPS, LOCAL_SEARCH_WORK // len(order))):
        if best.bytes <= bound:
            break
        top = [i for i, b in enumerate(current_order) if current.offsets[b.name] + b.bytes == current.bytes]
        source = generator.choice(top) if generator.random() < 0.5 else generator.randrange(len(order))
        target = generator.randrange(len(order))
        trial_order = [b for i, b in enumerate(current_order) if i != source]
        trial_order.insert(target, current_order[source])
        trial = _place_each(trial_order, alignment, conflicts)
        if trial.bytes <= current.bytes:
            current, current_order = trial, trial_order
            if trial.bytes < best.bytes:
                best = trial
    return best
