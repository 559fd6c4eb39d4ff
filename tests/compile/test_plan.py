"""The arena planner: correct, equal to brute force on small cases, at the lower bound on real models."""

from __future__ import annotations

import itertools
import random

import pytest

from smidgen.compile import compile_model
from smidgen.compile.plan import WORD, lower_bound, place, plan
from smidgen.compile.schedule import Buffer, Role, Schedule
from smidgen.importers import load_model
from smidgen.targets import load_target

TENSORS_BYTES = {"kws": 16_000, "vww": 55_296, "ic": 49_152, "ad": 768, "sww": 6_656}
SCRATCH_LIMIT = 1024


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
    planned = plan(Schedule("m", (), {b.name: b for b in buffers}, {}, (), ()))
    sizes = planned.arena_lower_bound_bytes, planned.arena_tensors_bytes, planned.arena_bytes
    assert sizes == (128, 128, 160)


def test_scratch_uses_gaps_between_tensors() -> None:
    buffers = [
        Buffer("a", 64, Role.INTERMEDIATE, 0, 1),
        Buffer("b", 64, Role.INTERMEDIATE, 1, 2),
        Buffer("s", 48, Role.SCRATCH, 2, 2),
    ]
    assert plan(Schedule("m", (), {b.name: b for b in buffers}, {}, (), ())).arena_bytes == 128


@pytest.mark.parametrize("model", TENSORS_BYTES)
def test_real_models_reach_the_lower_bound(model: str, shared_data) -> None:
    graph = load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite")
    schedule = compile_model(graph, load_target("host"))
    assert schedule.arena_lower_bound_bytes == TENSORS_BYTES[model]
    assert schedule.arena_tensors_bytes == TENSORS_BYTES[model]
    assert schedule.arena_bytes <= TENSORS_BYTES[model] + SCRATCH_LIMIT
