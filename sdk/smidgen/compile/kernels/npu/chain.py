"""Several nodes in one list: what one computes stays in the activation buffer for the next.

The nodes run in stages. A stage's result is whole in the buffer; within a stage only those rows of a tensor
are there that are in use, and each strip of the result goes through all of its nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial

from smidgen.compile.kernels.npu import FIRST_INPUT, OUTPUT
from smidgen.compile.kernels.npu.layer import Layer, Span
from smidgen.compile.kernels.npu.lists import Region
from smidgen.compile.kernels.npu.windows import Computed, Loaded, Whole
from smidgen.compile.kernels.npu.work import Sum
from smidgen.compile.plan import quick_place
from smidgen.compile.relations import Relation
from smidgen.compile.schedule import Buffer, Role
from smidgen.npu.descriptor import QUAD, Depthwise, Descriptor, Engine, Store, round_up

OUTSIDE = -1  # consumes what the chain gives
Place = tuple[int, int | None]  # address and bytes of a window, None: no end


@dataclass(frozen=True, eq=False)
class Member:
    """One node: what it does, and the names of the tensors that it reads and writes."""

    step: Layer | Sum
    reads: tuple[str, ...]
    writes: str


@dataclass(frozen=True)
class Operation:
    """A descriptor with what it reads and writes. member: for which; blocks: of weights that it uses."""

    descriptor: Descriptor
    reads: tuple[Region, ...]
    writes: tuple[Region, ...]
    member: int
    blocks: Span | None = None


@dataclass(frozen=True)
class Stage:
    """Members `first` to `end` - 1, in so many strips of rows of the last one's result."""

    first: int
    end: int
    strips: int


@dataclass(frozen=True, eq=False)
class Chain:
    """Nodes in order; only the last one's result is needed elsewhere."""

    members: tuple[Member, ...]

    @cached_property
    def producers(self) -> dict[str, int]:
        return {member.writes: index for index, member in enumerate(self.members)}

    @cached_property
    def consumers(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, member in enumerate(self.members):
            for name in member.reads:
                found.setdefault(name, []).append(index)
        return found

    @cached_property
    def inputs(self) -> list[str]:
        """The tensors that come from outside."""
        return [name for name in self.consumers if name not in self.producers]

    @property
    def engine(self) -> Engine:
        return self.members[0].step.engine

    def can_be(self, stage: Stage) -> bool:
        """Whether what flows within the stage is used just there, in the rows in which it is made."""
        for producer in self.members[stage.first : stage.end - 1]:
            for index in self.consumers[producer.writes]:
                step = self.members[index].step
                rows = producer.step.output_height, producer.step.output_row_bytes
                if index >= stage.end or (step.height, step.row_bytes) != rows:
                    return False
        return True

    def is_stored(self, stage: Stage) -> bool:
        return stage.end == len(self.members)

    def keeps(self, name: str, stages: Sequence[Stage]) -> bool:
        """Whether a tensor from outside stays in the buffer, since several stages use it."""
        return sum(any(s.first <= i < s.end for i in self.consumers[name]) for s in stages) > 1


class _StageRun:
    """The operations of one stage. places: of windows, by name; most: rows or bytes that each must hold."""

    def __init__(
        self,
        chain: Chain,
        stages: Sequence[Stage],
        number: int,
        places: dict[str, Place] | None,
        record: Callable[[Operation], None],
        group_bytes: Sequence[int],
    ) -> None:
        self.chain, self.stage, self.record, self.group_bytes = chain, stages[number], record, group_bytes
        self.results: dict[int, Computed] = {}
        self.sources: dict[tuple[int, str], Whole | Computed | Loaded] = {}
        self.loaded: dict[str, Loaded] = {}
        stage = self.stage
        for index in range(stage.first, stage.end):
            member = chain.members[index]
            for name in member.reads:
                self.sources[index, name] = self._source(index, name, stages, number, places)
            address, capacity = (0, None) if places is None else places[window(member.writes, number)]
            row_bytes = member.step.output_row_bytes
            self.results[index] = Computed(
                chain.engine,
                address,
                capacity,
                row_bytes,
                partial(self._produce, index),
                partial(self._put, index),
                {},
            )

    def _source(
        self, index: int, name: str, stages: Sequence[Stage], number: int, places: dict[str, Place] | None
    ) -> Whole | Computed | Loaded:
        chain, row_bytes = self.chain, self.chain.members[index].step.row_bytes
        producer = chain.producers.get(name)
        if producer is not None and producer >= self.stage.first:
            self.results[producer].used[index] = 0
            return self.results[producer]
        came_before = any(i < self.stage.first for i in chain.consumers[name])
        if producer is not None or came_before:
            return Whole(0 if places is None else places[name][0], row_bytes)
        if name not in self.loaded:
            key = name if chain.keeps(name, stages) else window(name, number)
            address, capacity = (0, None) if places is None else places[key]
            base = FIRST_INPUT + chain.inputs.index(name)
            self.loaded[name] = Loaded(address, capacity, row_bytes, base, partial(self._put, index))
        return self.loaded[name]

    def run(self, stages: Sequence[Stage]) -> None:
        last = self.stage.end - 1
        step, result = self.chain.members[last].step, self.results[last]
        count = -(-step.output_height // self.stage.strips)
        for first in range(0, step.output_height, count):
            end = min(first + count, step.output_height)
            address = result.need(OUTSIDE, first, end)
            if self.chain.is_stored(self.stage):
                size = (end - first) * step.output_row_bytes
                if isinstance(step, Layer) and step.output_height * step.output_width == 1:
                    size = step.outputs
                store = Store(
                    base=OUTPUT,
                    memory_offset=first * step.output_row_bytes,
                    buffer_address=address,
                    bytes=size,
                )
                self._put(last, store, [result.region(first, end)], [])
        for name, loaded in self.loaded.items():
            if self.chain.keeps(name, stages):  # all of it, for the stages that follow
                index = self.chain.consumers[name][0]
                loaded.need(index, 0, self.chain.members[index].step.height)

    def _put(
        self,
        member: int,
        descriptor: Descriptor,
        reads: Iterable[Region],
        writes: Iterable[Region],
        blocks: Span | None = None,
    ) -> None:
        self.record(Operation(descriptor, tuple(reads), tuple(writes), member, blocks))

    def _produce(self, index: int, first: int, end: int) -> None:
        """The rows of a member's result."""
        member, result = self.chain.members[index], self.results[index]
        step = member.step
        if isinstance(step, Sum):
            a, b = (self.sources[index, name].need(index, first, end) for name in member.reads)
            count = (end - first) * step.row_bytes
            add = replace(step.add, a_address=a, b_address=b, output_address=result.at(first), bytes=count)
            reads = [Region(False, address, address + count) for address in (a, b)]
            self._put(index, add, reads, [result.region(first, end)])
            return
        top, bottom = step.input_rows(first, end)
        address = self.sources[index, member.reads[0]].need(index, top, bottom)
        read = Region(False, address, address + (bottom - top) * step.row_bytes)
        for group in _groups(step, self.group_bytes[index]):
            one = step.part((first, end), group, address, result.at(first))
            blocks = group if step.block_bytes else None
            self._put(index, one, [read], [result.region(first, end)], blocks)


def window(name: str, stage: int) -> str:
    """The name of the window of a tensor in a stage."""
    return f"{name}@{stage}"


def _groups(step: Layer, group_bytes: int) -> list[Span]:
    """Blocks whose weights are about `group_bytes` together."""
    blocks = step.blocks
    if step.block_bytes == 0:
        return [(0, blocks)]
    count = -(-blocks * step.block_bytes // group_bytes)
    size = min(-(-blocks // count), step.engine.weight_bytes // step.block_bytes)
    return [(first, min(first + size, blocks)) for first in range(0, blocks, size)]


@lru_cache(maxsize=256)  # of one list; each is asked for with several divisions of the weights
def place_windows(chain: Chain, stages: tuple[Stage, ...], spare: float) -> dict[str, Place] | None:
    """Where everything lies in the activation buffer, None when it does not fit.

    spare: how many times as large windows are as they must be.
    """
    buffers: dict[str, Buffer] = {}
    related: dict[tuple[str, str], Relation] = {}
    stage_of = {i: number for number, stage in enumerate(stages) for i in range(stage.first, stage.end)}

    def add(name: str, size: int, first: int, last: int) -> None:
        buffers[name] = Buffer(name, round_up(size, QUAD), Role.INTERMEDIATE, first, last)

    whole = [chain.engine.weight_bytes] * len(chain.members)
    for number, stage in enumerate(stages):
        run = _StageRun(chain, stages, number, None, lambda operation: None, whole)
        run.run(stages)
        for name, loaded in run.loaded.items():
            step = chain.members[chain.consumers[name][0]].step
            size = step.height * step.row_bytes
            if chain.keeps(name, stages):
                add(name, size, number, max(stage_of[i] for i in chain.consumers[name] if i in stage_of))
            else:
                add(window(name, number), min(round(loaded.most * spare), size), number, number)
        for index, result in run.results.items():
            member = chain.members[index]
            rows, row_bytes = member.step.output_height, result.row_bytes
            key = window(member.writes, number)
            if index == stage.end - 1 and not chain.is_stored(stage):
                uses = [stage_of.get(i, len(stages) - 1) for i in chain.consumers[member.writes]]
                add(key, rows * row_bytes, number, max(uses))
                related |= _in_place(chain, stage, number, stage_of, key)
            else:
                add(key, min(round(result.most * spare), rows) * row_bytes, number, number)
    placement = quick_place(list(buffers.values()), related)
    if placement.bytes > chain.engine.activation_bytes:
        return None
    places = {name: (placement.offsets[name], buffer.bytes) for name, buffer in buffers.items()}
    # What is whole goes by the name of the tensor as well.
    return places | {name.rsplit("@", 1)[0]: place for name, place in places.items()}


def _in_place(
    chain: Chain, stage: Stage, number: int, stage_of: dict[int, int], key: str
) -> dict[tuple[str, str], Relation]:
    """How the result of a stage of one member may lie over what it reads for the last time."""
    member = chain.members[stage.first]
    step = member.step
    if stage.end - stage.first > 1:
        return {}
    if isinstance(step, Sum):
        start = 0
    elif step.kind is Depthwise and step.stride == (1, 1) and step.row_bytes == step.output_row_bytes:
        if step.pad[0] >= step.kernel[0] or step.pad[1] >= step.kernel[1]:
            return {}
        # A row of all channels over one that no later row needs: each channel meets just its own.
        start = -step.pad[0] * step.row_bytes
    else:
        return {}
    found = {}
    for name in member.reads:
        producer = chain.producers.get(name)
        if producer is not None and producer in stage_of and max(chain.consumers[name]) == stage.first:
            found[window(name, stage_of[producer]), key] = Relation(None, start)
    return found


def operations(
    chain: Chain, stages: Sequence[Stage], places: dict[str, Place], group_bytes: Sequence[int]
) -> list[Operation]:
    """In order, without the loads of weights. group_bytes: of each member's weights so many go together."""
    found: list[Operation] = []
    for number in range(len(stages)):
        _StageRun(chain, stages, number, places, found.append, group_bytes).run(stages)
    return found
