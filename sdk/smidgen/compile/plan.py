"""The arena planner: an offset for every buffer, and how far the result is from the lower bound.

Buffers that are live at the same time must not overlap (the dynamic storage allocation problem). Every
placement that cannot be improved by moving one buffer down is reached by placing the buffers one after the
other at the lowest offset that is free, in some order, so the planner searches over orders: a few good
ones, then all of them on small models (branch and bound) or a seeded local search on large ones, until the
lower bound is reached.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from smidgen.compile.schedule import ARENA_ALIGNMENT, Buffer, Role, Schedule

WORD = 4  # the least alignment that every kernel accepts
EXHAUSTIVE_BUFFERS = 9
EXHAUSTIVE_NODES = 50_000
LOCAL_SEARCH_STEPS = 2_000
LOCAL_SEARCH_WORK = 4_000_000  # steps times buffers squared, so that large models do not wait


@dataclass(frozen=True)
class Placement:
    """Offsets by buffer name, and the end of the highest buffer. Both in bytes."""

    offsets: Mapping[str, int]
    bytes: int


def lower_bound(buffers: Iterable[Buffer]) -> int:
    """The largest sum of bytes that are live at one call: no placement can be smaller."""
    buffers = list(buffers)
    calls = {buffer.first for buffer in buffers}  # a sum can only grow where a buffer becomes live
    return max((sum(b.bytes for b in buffers if b.first <= call <= b.last) for call in calls), default=0)


def plan(schedule: Schedule) -> Schedule:
    """The schedule with an offset for every buffer and its three arena sizes, in bytes.

    arena_lower_bound_bytes: lower bound of tensors and states (inputs and outputs counted, no operator in
    place, without scratch); arena_tensors_bytes: the smallest arena found for those alone; arena_bytes:
    the arena with scratch.
    """
    buffers = list(schedule.buffers.values())
    tensors = [buffer for buffer in buffers if buffer.role is not Role.SCRATCH]
    scratch = [buffer for buffer in buffers if buffer.role is Role.SCRATCH]
    alone = place(tensors)
    # Scratch goes round the tensors where they are, or else all are placed anew together.
    whole = _place_each(_by_size(scratch), WORD, tensors, alone.offsets)
    if whole.bytes > max(alone.bytes, lower_bound(buffers)):
        together = place(buffers)
        whole = min(whole, together, key=lambda placement: placement.bytes)
    return replace(
        schedule,
        buffers={b.name: replace(b, offset=whole.offsets[b.name]) for b in buffers},
        arena_bytes=whole.bytes,
        arena_tensors_bytes=alone.bytes,
        arena_lower_bound_bytes=lower_bound(tensors),
    )


def place(buffers: Sequence[Buffer]) -> Placement:
    """The smallest placement found, at 16-byte alignment if that costs nothing, else at 4."""
    coarse = _search(buffers, ARENA_ALIGNMENT)
    if coarse.bytes <= lower_bound(buffers):
        return coarse
    fine = _search(buffers, WORD)
    return fine if fine.bytes < coarse.bytes else coarse


def _search(buffers: Sequence[Buffer], alignment: int) -> Placement:
    bound = lower_bound(buffers)
    best: Placement | None = None
    best_order: list[Buffer] = []
    for order in _orders(buffers):
        placement = _place_each(order, alignment)
        if best is None or placement.bytes < best.bytes:
            best, best_order = placement, order
        if best.bytes <= bound:
            return best
    assert best is not None
    if len(buffers) <= EXHAUSTIVE_BUFFERS:
        return _branch_and_bound(buffers, alignment, best)
    return _local_search(best_order, alignment, best, bound)


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
    ]


def _lowest_free(buffer: Buffer, alignment: int, placed: Iterable[tuple[Buffer, int]]) -> int:
    """The lowest aligned offset at which the buffer meets none that is placed and live with it."""
    taken = sorted(
        (offset, offset + other.bytes)
        for other, offset in placed
        if other.first <= buffer.last and buffer.first <= other.last
    )
    offset = 0
    for start, end in taken:
        if offset + buffer.bytes <= start:
            break
        offset = max(offset, -(-end // alignment) * alignment)
    return offset


def _place_each(
    order: Iterable[Buffer],
    alignment: int,
    fixed: Sequence[Buffer] = (),
    fixed_offsets: Mapping[str, int] | None = None,
) -> Placement:
    """Place buffers in this order, each as low as it goes, round those that are fixed."""
    placed = [(buffer, (fixed_offsets or {})[buffer.name]) for buffer in fixed]
    for buffer in order:
        placed.append((buffer, _lowest_free(buffer, alignment, placed)))
    size = max((offset + buffer.bytes for buffer, offset in placed), default=0)
    return Placement({buffer.name: offset for buffer, offset in placed}, size)


def _branch_and_bound(buffers: Sequence[Buffer], alignment: int, best: Placement) -> Placement:
    """The smallest placement of all orders, unless the node budget ends first.

    Only orders of rising offset are followed: any placement that cannot be improved by moving one buffer
    down comes out of the order of its own offsets.
    """
    bound = lower_bound(buffers)
    nodes = 0

    def descend(placed: list[tuple[Buffer, int]], rest: list[Buffer], floor: int, size: int) -> None:
        nonlocal best, nodes
        if not rest:
            if size < best.bytes:
                best = Placement({buffer.name: offset for buffer, offset in placed}, size)
            return
        for index, buffer in enumerate(rest):
            nodes += 1
            if nodes > EXHAUSTIVE_NODES or best.bytes <= bound:
                return
            offset = _lowest_free(buffer, alignment, placed)
            end = max(size, offset + buffer.bytes)
            if offset >= floor and end < best.bytes:
                descend([*placed, (buffer, offset)], rest[:index] + rest[index + 1 :], offset, end)

    descend([], _by_size(buffers), 0, 0)
    return best


def _local_search(order: list[Buffer], alignment: int, best: Placement, bound: int) -> Placement:
    """Move single buffers to other places in the order, those that end at the top more often."""
    generator = random.Random(len(order))
    current, current_order = best, order
    for _ in range(min(LOCAL_SEARCH_STEPS, LOCAL_SEARCH_WORK // len(order) ** 2)):
        if best.bytes <= bound:
            break
        top = [i for i, b in enumerate(current_order) if current.offsets[b.name] + b.bytes == current.bytes]
        source = generator.choice(top) if generator.random() < 0.5 else generator.randrange(len(order))
        target = generator.randrange(len(order))
        trial_order = [b for i, b in enumerate(current_order) if i != source]
        trial_order.insert(target, current_order[source])
        trial = _place_each(trial_order, alignment)
        if trial.bytes <= current.bytes:
            current, current_order = trial, trial_order
            if trial.bytes < best.bytes:
                best = trial
    return best
