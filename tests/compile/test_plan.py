"""The arena planner: correct, equal to brute force on small cases, no more than real models' live tensors."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from smidgen.compile import compile_model
from smidgen.compile.plan import WORD, lower_bound, place, plan
from smidgen.compile.relations import Relation, relations
from smidgen.compile.schedule import Buffer, KernelCall, Port, Role, Schedule, StateSlot
from smidgen.graph import DType
from smidgen.importers import load_model
from smidgen.targets import load_target

TENSORS_BYTES = {"kws": 16_000, "vww": 55_296, "ic": 49_152, "ad": 768, "sww": 6_656}
SCRATCH_LIMIT = 1024


def model_of(*buffers: Buffer, calls: Sequence[KernelCall] = ()) -> Schedule:
    return Schedule("m", tuple(calls), {b.name: b for b in buffers}, {}, (), ())


def call(
    reads: Sequence[str], writes: Sequence[str], overlap: int | None = None, in_place: bool = False
) -> KernelCall:
    blank = KernelCall("c", "C", "set", "family", "symbol", "struct s", {}, (), (), (), None, ())
    return replace(blank, reads=tuple(reads), writes=tuple(writes), overlap=overlap, in_place=in_place)


def overlap_in_time(a: Buffer, b: Buffer) -> bool:
    return a.first <= b.last and b.first <= a.last


def random_buffers(generator: random.Random, count: int, calls: int, largest: int) -> list[Buffer]:
    buffers = []
    for index in range(count):
        first = generator.randrange(calls)
        last = min(calls - 1, first + generator.randrange(3))
        size = WORD * generator.randint(1, largest)
        buffers.append(Buffer(f"b{index}", size, Role.INTERMEDIATE, first, last))
    return buffers


def smallest_by_brute_force(buffers: list[Buffer]) -> int:
    """The smallest arena over all word offsets, by trying arena sizes from the lower bound upward."""

    def fits(size: int, placed: list[tuple[Buffer, int]], rest: list[Buffer]) -> bool:
        if not rest:
            return True
        buffer = rest[0]
        for offset in range(0, size - buffer.bytes + 1, WORD):
            if all(
                not overlap_in_time(buffer, other)
                or offset + buffer.bytes <= at
                or at + other.bytes <= offset
                for other, at in placed
            ) and fits(size, [*placed, (buffer, offset)], rest[1:]):
                return True
        return False

    size = lower_bound(buffers)
    while not fits(size, [], buffers):
        size += WORD
    return size


@pytest.mark.parametrize("seed", range(40))
def test_small_plans_are_as_small_as_any(seed: int) -> None:
    buffers = random_buffers(random.Random(seed), count=6, calls=5, largest=4)
    assert place(buffers).bytes == smallest_by_brute_force(buffers)


@pytest.mark.parametrize("seed", range(10))
def test_buffers_that_live_together_do_not_meet(seed: int) -> None:
    generator = random.Random(seed)
    buffers = random_buffers(generator, count=40, calls=25, largest=200)
    placement = place(buffers)
    for a, b in itertools.combinations(buffers, 2):
        start, other = placement.offsets[a.name], placement.offsets[b.name]
        assert not overlap_in_time(a, b) or start + a.bytes <= other or other + b.bytes <= start
    assert all(offset % WORD == 0 for offset in placement.offsets.values())
    assert lower_bound(buffers) <= placement.bytes <= 1.15 * lower_bound(buffers)


def test_lower_bound_counts_everything_that_is_live_at_one_call() -> None:
    buffers = [
        Buffer("x", 10, Role.INPUT, 0, 0),
        Buffer("a", 30, Role.INTERMEDIATE, 0, 2),
        Buffer("b", 5, Role.INTERMEDIATE, 1, 1),
        Buffer("y", 9, Role.OUTPUT, 2, 2),
    ]
    assert lower_bound(buffers) == 40


def test_scratch_counts_in_the_arena_and_not_in_the_bound() -> None:
    buffers = [
        Buffer("x", 64, Role.INPUT, 0, 0),
        Buffer("y", 64, Role.OUTPUT, 0, 0),
        Buffer("s", 32, Role.SCRATCH, 0, 0),
    ]
    planned = plan(model_of(*buffers))
    sizes = planned.arena_lower_bound_bytes, planned.arena_tensors_bytes, planned.arena_bytes
    assert sizes == (128, 128, 160)


def test_scratch_uses_gaps_between_tensors() -> None:
    buffers = [
        Buffer("a", 64, Role.INTERMEDIATE, 0, 1),
        Buffer("b", 64, Role.INTERMEDIATE, 1, 2),
        Buffer("s", 48, Role.SCRATCH, 2, 2),
    ]
    assert plan(model_of(*buffers)).arena_bytes == 128


def chain(
    count: int, size: int, overlap: int | None, in_place: bool = False, final: Role = Role.OUTPUT
) -> Schedule:
    """count calls one after the other on tensors of one size."""
    buffers = [Buffer("t0", size, Role.INPUT, 0, 0)]
    buffers += [Buffer(f"t{i}", size, Role.INTERMEDIATE, i - 1, i) for i in range(1, count)]
    buffers.append(Buffer(f"t{count}", size, final, count - 1, count - 1))
    calls = [call([f"t{i}"], [f"t{i + 1}"], overlap, in_place) for i in range(count)]
    return model_of(*buffers, calls=calls)


@pytest.mark.parametrize(
    ("overlap", "in_place", "arena"),
    [(None, False, 128), (0, False, 64), (None, True, 64), (-64, True, 64), (-16, False, 112)],
)
def test_a_chain_shares_memory_as_far_as_its_kernels_allow(overlap, in_place, arena) -> None:
    """With -16 every tensor begins 16 bytes below the one before, or clear of it."""
    planned = plan(chain(3, 64, overlap, in_place))
    assert planned.arena_bytes == arena
    assert planned.arena_live_bytes == 128
    assert planned.arena_lower_bound_bytes <= arena


def test_an_output_that_grows_lies_below_its_input() -> None:
    buffers = [Buffer("x", 64, Role.INPUT, 0, 0), Buffer("y", 128, Role.OUTPUT, 0, 0)]
    planned = plan(model_of(*buffers, calls=[call(["x"], ["y"], overlap=-64)]))
    assert (planned.arena_bytes, planned.arena_lower_bound_bytes) == (128, 128)
    assert [buffer.offset for buffer in planned.buffers.values()] == [64, 0]


def test_a_sum_may_replace_either_operand() -> None:
    buffers = [
        Buffer("a", 64, Role.INPUT, 0, 1),
        Buffer("b", 64, Role.INPUT, 0, 0),
        Buffer("y", 64, Role.INTERMEDIATE, 0, 1),
        Buffer("z", 64, Role.OUTPUT, 1, 1),
    ]
    calls = [call(["a", "b"], ["y"], overlap=0), call(["a", "y"], ["z"], overlap=0)]
    planned = plan(model_of(*buffers, calls=calls))
    assert planned.arena_bytes == planned.arena_lower_bound_bytes == 128


def test_what_is_needed_later_shares_no_memory() -> None:
    """x is read again, s is a state, k becomes one, and o is an output."""
    roles = {"x": Role.INPUT, "s": Role.STATE, "k": Role.INTERMEDIATE, "o": Role.OUTPUT}
    buffers = [Buffer(name, 8, role, 0, 4) for name, role in roles.items()]
    buffers += [Buffer(f"y_{name}", 8, Role.INTERMEDIATE, i, i) for i, name in enumerate(roles)]
    calls = [call([name], [f"y_{name}"], overlap=0) for name in roles]
    schedule = replace(
        model_of(*buffers, calls=[*calls, call(["x"], ["o"])]),
        outputs=(Port("o", "o", (8,), DType.I8),),
        states=(StateSlot("s", "k", "s.initial"),),
    )
    assert relations(schedule) == {}


def test_parts_share_memory_band_by_band() -> None:
    """Two bands of 32 bytes of x become two of 16 bytes of y, with a halo of 8 bytes read twice."""
    buffers = [
        Buffer("x", 64, Role.INPUT, 0, 1),
        Buffer("x0", 40, Role.INPUT, 0, 0, within="x", start=0),
        Buffer("x1", 32, Role.INPUT, 1, 1, within="x", start=32),
        Buffer("y", 32, Role.OUTPUT, 0, 1),
        Buffer("y0", 16, Role.OUTPUT, 0, 1, within="y", start=0),
        Buffer("y1", 16, Role.OUTPUT, 1, 1, within="y", start=16),
    ]
    calls = [call(["x0"], ["y0"], overlap=-4), call(["x1"], ["y1"], overlap=2)]
    schedule = model_of(*buffers, calls=calls)
    assert relations(schedule) == {("x", "y"): Relation(-4)}
    later = relations(replace(schedule, calls=(replace(calls[0], overlap=60), calls[1])))
    assert later == {
        ("x", "y"): Relation(16)
    }  # the second band is still to be read at 32 when 16 are written
    planned = plan(schedule)
    offsets = {name: buffer.offset for name, buffer in planned.buffers.items()}
    assert (offsets["x"] - offsets["y"], offsets["x1"] - offsets["x"], planned.arena_bytes) == (4, 32, 68)


@pytest.mark.parametrize("model", TENSORS_BYTES)
def test_real_models_need_no_more_than_their_live_tensors(model: str, shared_data) -> None:
    graph = load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite")
    schedule = compile_model(graph, load_target("host"))
    assert schedule.arena_live_bytes == TENSORS_BYTES[model]
    assert schedule.arena_lower_bound_bytes <= schedule.arena_tensors_bytes <= schedule.arena_live_bytes
    assert schedule.arena_tensors_bytes <= schedule.arena_bytes
    assert schedule.arena_bytes <= schedule.arena_tensors_bytes + SCRATCH_LIMIT
