"""How a Reshape goes together with another order of axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smidgen.importers.layout.writer import Axes


@dataclass(frozen=True)
class Block:
    """Neighbouring axes of the old shape that become neighbouring axes of the new one (none of size 1)."""

    before: tuple[int, ...]
    after: tuple[int, ...]


def blocks(before: Sequence[int], after: Sequence[int]) -> list[Block]:
    """The smallest groups of axes with as many elements on both sides, in order. Axes of size 1 are in
    none."""
    result: list[Block] = []
    old = [axis for axis, size in enumerate(before) if size != 1]
    new = [axis for axis, size in enumerate(after) if size != 1]
    while old:
        left, right = [old.pop(0)], [new.pop(0)]
        elements, others = before[left[0]], after[right[0]]
        while elements != others:
            if elements < others:
                left.append(old.pop(0))
                elements *= before[left[-1]]
            else:
                right.append(new.pop(0))
                others *= after[right[-1]]
        result.append(Block(tuple(left), tuple(right)))
    return result


@dataclass(frozen=True)
class Plan:
    """axes: how to transpose the base first (often not at all); shape: what to reshape that to; view: the old
    output's axis i is axis view[i] of the result; blocks: in the result's order."""

    axes: Axes
    shape: tuple[int, ...]
    view: Axes
    blocks: tuple[Block, ...]


def plan(view: Axes, before: Sequence[int], after: Sequence[int]) -> Plan:
    """For a Reshape from `before` to `after` of a tensor whose axis i is axis view[i] of its base.

    Blocks stay in the order that their last axes have in the base; inside of a block axes must come as they
    do in `before`.
    """
    ordered = sorted(blocks(before, after), key=lambda block: max(view[axis] for axis in block.before))
    ones_before = [axis for axis, size in enumerate(before) if size == 1]
    axes = tuple(view[axis] for axis in (*ones_before, *(axis for block in ordered for axis in block.before)))
    ones = [axis for axis, size in enumerate(after) if size == 1]
    places = [*ones, *(axis for block in ordered for axis in block.after)]
    result = tuple(places.index(axis) for axis in range(len(after)))
    return Plan(axes, tuple(after[axis] for axis in places), result, tuple(ordered))
