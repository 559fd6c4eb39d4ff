"""From the operations of a chain to its list: loads of weights, each load as early as the buffers allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from smidgen.compile.kernels.npu.chain import Chain, Operation
from smidgen.compile.kernels.npu.lists import LOAD, ListBuilder, unit_of
from smidgen.compile.kernels.npu.weights import WeightRing, weight_loads
from smidgen.npu.descriptor import Descriptor, Window

AHEAD = 8  # loads in the list before they are needed: more than the engine's queue has would hold up others


@dataclass(frozen=True)
class DescriptorList:
    """A list, and for each descriptor the member of the chain that it is for."""

    descriptors: tuple[Descriptor, ...]
    members: tuple[int, ...]


def sequence(chain: Chain, operations: Sequence[Operation]) -> DescriptorList:
    ordered = _early(_with_weights(chain, operations))
    builder = ListBuilder()
    for one in ordered:
        builder.add(one.descriptor, one.reads, one.writes)
    return DescriptorList(tuple(builder.descriptors), tuple(one.member for one in ordered))


def weight_offsets(chain: Chain) -> list[int]:
    """Where each member's weights begin among those of all."""
    offsets = [0]
    for member in chain.members:
        offsets.append(offsets[-1] + member.step.weight_bytes)
    return offsets


def _with_weights(chain: Chain, operations: Sequence[Operation]) -> list[Operation]:
    """With loads of weights before what needs them first."""
    offsets = weight_offsets(chain)
    ring = WeightRing(chain.engine.weight_bytes)
    found: list[Operation] = []
    for one in operations:
        if one.blocks is None:
            found.append(one)
            continue
        key, each = (one.member, one.blocks), chain.members[one.member].step.block_bytes
        if key not in ring.places:
            region = ring.take(key, (one.blocks[1] - one.blocks[0]) * each)
            offset = offsets[one.member] + one.blocks[0] * each
            loads = weight_loads(offset, offsets[one.member + 1], region)
            found += [Operation(load, (), (part,), one.member) for load, part in loads]
        region = ring.places[key]
        assert isinstance(one.descriptor, Window)
        descriptor = replace(one.descriptor, weight_word=region.first // chain.engine.word_bytes)
        found.append(replace(one, descriptor=descriptor, reads=(*one.reads, region)))
    return found


def _early(operations: Sequence[Operation]) -> list[Operation]:
    """The same with loads moved to where their place in the buffer gets free, in their own order."""
    others = [one for one in operations if unit_of(one.descriptor) != LOAD]
    loads: list[tuple[Operation, int, int]] = []  # with the numbers of others before which it may, must come
    seen = 0
    for index, one in enumerate(operations):
        if unit_of(one.descriptor) != LOAD:
            seen += 1
            continue
        free, before = 0, seen
        for other in reversed(operations[:index]):
            if unit_of(other.descriptor) == LOAD:
                continue
            if any(one.writes[0].overlaps(region) for region in (*other.reads, *other.writes)):
                free = before
                break
            before -= 1
        loads.append((one, free, seen))
    found: list[Operation] = []
    taken = 0
    for number in range(len(others) + 1):
        while taken < len(loads):
            one, free, needed = loads[taken]
            waiting = sum(1 for _, _, other in loads[:taken] if other > number)
            if needed > number and (free > number or waiting >= AHEAD):
                break
            found.append(one)
            taken += 1
        if number < len(others):
            found.append(others[number])
    return found
