"""Random schedules whose kernels overwrite what they have read, on a memory that knows whose each byte is.

A kernel with an overlap reads as late as its declaration lets it; one without reads after it has written
everything; one that works in place goes over its bytes in any order where its output lies at its input.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from smidgen.compile.plan import plan
from smidgen.compile.schedule import WORD, Buffer, KernelCall, Port, Role, Schedule
from smidgen.graph import DType

BLANK = KernelCall("c", "C", "set", "family", "symbol", "struct s", {}, (), (), (), None, ())


def random_schedule(generator: random.Random) -> Schedule:
    """Calls on tensors, and on halves of tensors, each of which goes on from what is there."""
    sizes = {"t0": 4 * WORD * generator.randint(1, 4)}
    calls: list[KernelCall] = []
    parts: dict[str, tuple[str, int]] = {}

    def call(reads: list[str], write: str) -> None:
        overlap = generator.choice((None, 0, 0, WORD, -WORD, -2 * WORD, 1 << 30))
        in_place = len(reads) == 1 and sizes[reads[0]] == sizes[write] and generator.random() < 0.5
        calls.append(replace(BLANK, reads=tuple(reads), writes=(write,), overlap=overlap, in_place=in_place))

    def halves(name: str) -> list[str]:
        for index in (0, 1):
            sizes[f"{name}.{index}"] = sizes[name] // 2
            parts[f"{name}.{index}"] = (name, index * sizes[name] // 2)
        return [f"{name}.0", f"{name}.1"]

    names = ["t0"]
    for number in range(1, generator.randint(4, 8)):
        name, source = f"t{number}", generator.choice(names[-2:])
        sizes[name] = generator.choice((sizes[source], sizes[source], 4 * WORD * generator.randint(1, 4)))
        alike = [other for other in names if sizes[other] == sizes[source] and other != source]
        if generator.random() < 0.3 and f"{source}.0" not in sizes:
            between = f"{name}_between"
            sizes[between] = sizes[name]
            for one, middle, other in zip(halves(source), halves(between), halves(name), strict=True):
                call([one], middle)
                call([middle], other)
        else:
            call([source, generator.choice(alike)] if alike and generator.random() < 0.4 else [source], name)
        names.append(name)
    touched: dict[str, list[int]] = {name: [] for name in sizes}
    for index, one in enumerate(calls):
        for name in (*one.reads, *one.writes):
            touched[name].append(index)
            if name in parts:
                touched[parts[name][0]].append(index)
    kept = [names[-1], "t0"] if generator.random() < 0.3 else names[-1:]  # an input may be an output too
    buffers = {}
    for name, size in sizes.items():
        whole, start = parts.get(name, (None, 0))
        role = Role.INPUT if (whole or name) == "t0" else Role.INTERMEDIATE
        first, last = 0 if role is Role.INPUT else min(touched[name]), max(touched[name], default=0)
        if name == names[-1]:
            role = Role.OUTPUT
        if name in kept:
            last = len(calls) - 1
        buffers[name] = Buffer(name, size, role, first, last, within=whole, start=start)
    ports = tuple(Port(name, name, (sizes[name],), DType.I8) for name in kept)
    return Schedule("m", tuple(calls), buffers, {}, (), ports)


class Memory:
    """Which byte of which whole buffer lies at each address."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.bytes: dict[int, tuple[str, int]] = {}

    def place(self, name: str, index: int) -> tuple[int, tuple[str, int]]:
        buffer = self.schedule.buffers[name]
        assert buffer.offset is not None
        return buffer.offset + index, (buffer.within or name, buffer.start + index)

    def write(self, name: str, index: int) -> None:
        address, owner = self.place(name, index)
        assert 0 <= address < self.schedule.arena_bytes
        self.bytes[address] = owner

    def read(self, name: str, index: int) -> None:
        address, owner = self.place(name, index)
        assert self.bytes.get(address) == owner, f"byte {index} of {name} is gone"

    def run(self, call: KernelCall, generator: random.Random) -> None:
        (result,) = call.writes
        buffers = self.schedule.buffers
        size = buffers[result].bytes
        if call.in_place and buffers[result].offset == buffers[call.reads[0]].offset:
            for index in generator.sample(range(size), size):
                self.read(call.reads[0], index)
                self.write(result, index)
            return
        pending = {name: 0 for name in call.reads}

        def read_to(end: int) -> None:
            for name, begin in pending.items():
                pending[name] = max(begin, min(end, buffers[name].bytes))
                for index in range(begin, pending[name]):
                    self.read(name, index)

        for index in range(size):
            if call.overlap is not None:
                read_to(index + call.overlap + 1)
            self.write(result, index)
        read_to(max(buffers[name].bytes for name in call.reads))


@pytest.mark.parametrize("seed", range(150))
def test_nothing_is_overwritten_before_it_has_been_read(seed: int) -> None:
    generator = random.Random(seed)
    schedule = plan(random_schedule(generator))
    memory = Memory(schedule)
    for index in range(schedule.buffers["t0"].bytes):
        memory.write("t0", index)
    for call in schedule.calls:
        memory.run(call, generator)
    for output in schedule.outputs:
        for index in range(schedule.buffers[output.buffer].bytes):
            memory.read(output.buffer, index)
    assert schedule.arena_lower_bound_bytes <= schedule.arena_bytes <= schedule.arena_live_bytes * 2


def test_memory_is_shared_where_it_may_be() -> None:
    """Most of these schedules get by with less than their live tensors."""
    plans = [plan(random_schedule(random.Random(seed))) for seed in range(30)]
    assert sum(one.arena_bytes < one.arena_live_bytes for one in plans) > 10
