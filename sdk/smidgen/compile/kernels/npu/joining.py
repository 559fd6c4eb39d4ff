"""The pass that makes one call with one list of nodes that follow each other on the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from smidgen.compile.kernels.npu.chain import Chain, Member, Stage, operations, place_windows
from smidgen.compile.kernels.npu.layer import Layer, folded, transposed
from smidgen.compile.kernels.npu.lists import COMPUTE, unit_of
from smidgen.compile.kernels.npu.lowering import list_blob, list_shape
from smidgen.compile.kernels.npu.packing import weight_blob
from smidgen.compile.kernels.npu.sequence import DescriptorList, sequence
from smidgen.compile.kernels.npu.tiling import call_cycles
from smidgen.compile.kernels.npu.timing import list_cycles, list_ends, work
from smidgen.compile.kernels.npu.work import Sum, Work
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob, Cost, Part
from smidgen.graph import Node
from smidgen.npu.descriptor import Transfer

MOST_DESCRIPTORS = 256  # of which the engine keeps records
MOST_INPUTS = 2
MOST_STAGE = 6  # members of a stage
MOST_PLACEMENTS = 200
SPARE = (4.0, 3.0, 2.0, 1.5, 1.0)
STRIPS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
GROUP_BYTES = (4096, 8192, 16384)
MOST_PARTS = 12  # members tried with their weights in smaller parts
LEAST_WAIT = 100  # cycles for which that is worth it


@dataclass(frozen=True, eq=False)
class Choice:
    """A node and the kernel that it would run on alone; on_engine: how it runs on the engine, None where it
    cannot; reads, writes: names of buffers; detail: see KernelCall."""

    node: Node
    spec: KernelSpec
    lowered: Lowered
    on_engine: tuple[KernelSpec, Lowered] | None
    reads: tuple[str, ...]
    writes: str
    detail: str


@dataclass(frozen=True, eq=False)
class Joined:
    nodes: tuple[Node, ...]
    spec: KernelSpec
    lowered: Lowered


@dataclass(frozen=True, eq=False)
class _Found:
    """A way to do a chain. group_bytes: see `chain.operations`."""

    cycles: int
    chain: Chain
    stages: Sequence[Stage]
    group_bytes: Sequence[int]
    list: DescriptorList


def join(choices: Sequence[Choice], is_inner: Callable[[str, Sequence[Node]], bool]) -> list[Joined]:
    """Nodes in order, those that are faster in one list together. is_inner: whether a buffer is used by no
    other nodes than these, and whole."""
    found: list[Joined] = []
    first = 0
    while first < len(choices):
        joined = None
        for end in _ends(choices, first, is_inner):
            joined = _join(choices[first:end])
            if joined is not None:
                break
        one = choices[first]
        found.append(joined or Joined((one.node,), one.spec, one.lowered))
        first += len(found[-1].nodes)
    return found


def _ends(
    choices: Sequence[Choice], first: int, is_inner: Callable[[str, Sequence[Node]], bool]
) -> Iterator[int]:
    """Where a chain that starts at `first` may end, the farthest first."""
    run = first
    while run < len(choices) and _work(choices[run]) is not None:
        run += 1
    for end in range(run, first + 1, -1):
        part = choices[first:end]
        nodes = [one.node for one in part]
        written = {one.writes for one in part}
        inputs = {name for one in part for name in one.reads} - written
        if len(inputs) <= MOST_INPUTS and all(is_inner(one.writes, nodes) for one in part[:-1]):
            yield end


def _work(choice: Choice) -> Work | None:
    return None if choice.on_engine is None else choice.on_engine[1].work


def _join(choices: Sequence[Choice]) -> Joined | None:
    """One list of all, None when they do not fit or are faster by themselves."""
    works = [_work(one) for one in choices]
    steps = [_form(one.step) for one in works if one is not None]
    members = tuple(Member(step, one.reads, one.writes) for step, one in zip(steps, choices, strict=True))
    best = _fastest(Chain(members))
    apart = [one.lowered.cost.cycles for one in choices if one.lowered.cost is not None]
    if best is None or call_cycles(best.cycles) >= sum(apart):
        return None
    return _lowered(choices, best)


def _form(step: Layer | Sum) -> Layer | Sum:
    """The way to see a layer in which it takes the fewest cycles; of several the one with least weights."""
    if isinstance(step, Sum):
        return step
    seen = [
        form for form in (step, transposed(step), folded(step)) if form is not None and form.refuse() is None
    ]
    engine = step.engine
    return min(
        seen, key=lambda form: (work(form.descriptor(), engine), form.blocks * form.block_bytes), default=step
    )


def _fastest(chain: Chain) -> _Found | None:
    stages = _stages(chain)
    if stages is None:
        return None
    ways = [_try(chain, stages, [size] * len(chain.members)) for size in GROUP_BYTES]
    best = min((way for way in ways if way is not None), key=lambda way: way.cycles, default=None)
    return None if best is None else _in_parts(_in_strips(best))


def _in_strips(best: _Found) -> _Found:
    """The same with other numbers of strips, where that is faster."""
    chain = best.chain
    for index, stage in enumerate(best.stages):
        is_loaded = any(name in chain.inputs for name in chain.members[stage.first].reads)
        if stage.end - stage.first == 1 and not is_loaded and not chain.is_stored(stage):
            continue
        for strips in STRIPS:
            if strips <= chain.members[stage.end - 1].step.output_height:
                stages = [*best.stages]
                stages[index] = replace(stage, strips=strips)
                best = _faster(best, _try(chain, stages, best.group_bytes))
    return best


def _in_parts(best: _Found) -> _Found:
    """The same with the weights in smaller parts where the array waits for them."""
    tried: set[tuple[int, int]] = set()
    for _ in range(MOST_PARTS):
        waits = _waits(best)
        places = [
            (wait, index) for index, wait in enumerate(waits) if (index, best.group_bytes[index]) not in tried
        ]
        wait, index = max(places, default=(0, 0))
        if wait < LEAST_WAIT:
            break
        tried.add((index, best.group_bytes[index]))
        sizes = [*best.group_bytes]
        sizes[index] = sizes[index] // 2
        best = _faster(best, _try(best.chain, best.stages, sizes))
    return best


def _waits(found: _Found) -> list[float]:
    """Cycles for which the array stands still before descriptors of each member."""
    descriptors, engine = found.list.descriptors, found.chain.engine
    waits, before = [0.0] * len(found.chain.members), 0.0
    for one, member, end in zip(descriptors, found.list.members, list_ends(descriptors, engine), strict=True):
        if unit_of(one) == COMPUTE:
            waits[member] += end - before - work(one, engine)
            before = end
    return waits


def _faster(one: _Found, other: _Found | None) -> _Found:
    return one if other is None or one.cycles <= other.cycles else other


def _try(chain: Chain, stages: Sequence[Stage], group_bytes: Sequence[int]) -> _Found | None:
    for spare in SPARE:
        places = place_windows(chain, tuple(stages), spare)
        if places is not None:
            made = sequence(chain, operations(chain, stages, places, group_bytes))
            if len(made.descriptors) > MOST_DESCRIPTORS:
                return None
            return _Found(list_cycles(made.descriptors, chain.engine), chain, stages, group_bytes, made)
    return None


def _stages(chain: Chain) -> list[Stage] | None:
    """Stages that fit, as short as possible, None when there are none."""
    tried = 0

    def extend(stages: list[Stage]) -> list[Stage] | None:
        nonlocal tried
        first = stages[-1].end if stages else 0
        if first == len(chain.members):
            return stages
        for end in range(first + 1, min(first + MOST_STAGE, len(chain.members)) + 1):
            rows = chain.members[end - 1].step.output_height
            strips = 1 if end == first + 1 else min(8, rows)
            stage = Stage(first, end, strips)
            if not chain.can_be(stage):
                continue
            tried += 1
            if tried > MOST_PLACEMENTS:
                return None
            if place_windows(chain, (*stages, stage), 1.0) is not None:
                found = extend([*stages, stage])
                if found is not None:
                    return found
        return None

    return extend([])


def _lowered(choices: Sequence[Choice], best: _Found) -> Joined:
    members, descriptors = best.chain.members, best.list.descriptors
    weights = []
    for member, choice in zip(members, choices, strict=True):
        outputs = _work(choice).outputs
        if outputs is not None:
            weights.append(weight_blob(member.step, outputs).data)
    blobs = (list_blob(descriptors),)
    if weights:
        blobs += (Blob("weights", np.concatenate(weights), "weights"),)
    inputs = best.chain.inputs
    alone = [choice.on_engine[1] for choice in choices]
    costs = [lowered.cost for lowered in alone]
    owners = np.array(best.list.members)
    lowered = Lowered(
        symbol=_SYMBOLS[len(inputs), bool(weights)],
        shape_type="struct smidgen_npu_shape",
        shape=list_shape(best.chain.engine, descriptors),
        reads=tuple(inputs),
        blobs=blobs,
        macs=sum(one.macs for one in alone),
        specialise=False,
        cost=Cost(
            cycles=call_cycles(best.cycles),
            multipliers=sum(cost.multipliers for cost in costs),
            data_port=sum(-(-one.bytes // 4) for one in descriptors if isinstance(one, Transfer)),
            requantizer=sum(cost.requantizer for cost in costs),
        ),
        parts=tuple(
            Part(
                choice.node.id,
                choice.node.operator.type_name,
                choice.detail,
                one.macs,
                one.cost.multipliers,
                tuple(int(i) for i in np.flatnonzero(owners == index)),
            )
            for index, (choice, one) in enumerate(zip(choices, alone, strict=True))
        ),
    )
    return Joined(tuple(one.node for one in choices), choices[0].on_engine[0], lowered)


# By the number of tensors that are read, and whether there are weights.
_SYMBOLS = {
    (1, True): "smidgen_npu_layer",
    (1, False): "smidgen_npu_window",
    (2, True): "smidgen_npu_joined",
    (2, False): "smidgen_npu_add",
}
