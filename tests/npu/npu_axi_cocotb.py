"""The neural engine between bus models that others wrote (cocotbext-axi); cocotb runs these tests."""

from __future__ import annotations

import itertools
import random

import cocotb
import numpy as np
from check_lists import moved_bytes
from cocotb.clock import Clock
from cocotb.regression import TestFactory
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam, AxiResp
from engine_bench import (
    ABORT,
    BASES,
    BYTES_READ,
    BYTES_WRITTEN,
    CONTROL,
    COUNT,
    DONE,
    ERROR,
    FAILED,
    INTERRUPT_ENABLE,
    LIST,
    START,
    STATUS,
)
from npu_lists import LIST_AT, ListMaker, broken

from smidgen.npu.descriptor import Engine, Load, Store, encode_list
from smidgen.npu.model import Model

ENGINE = Engine(lanes=16, activation_bytes=4096, weight_bytes=4096)


def pauses(seed: int, percent: int):
    """Of a channel, for ever: a pause in so many of a hundred cycles."""
    chance = random.Random(seed)
    return (chance.randrange(100) < percent for _ in itertools.count())


class System:
    """The engine, a master at its control port and a memory at the other."""

    def __init__(self, dut, seed: int) -> None:
        self.dut = dut
        self.control = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clock, dut.reset)
        self.memory = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clock, dut.reset, size=1 << 20)
        write, read = self.memory.write_if, self.memory.read_if
        own, other = self.control.write_if, self.control.read_if
        channels = [
            write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel,
            own.aw_channel, own.w_channel, own.b_channel, other.ar_channel, other.r_channel,
        ]  # fmt: skip
        percents = random.Random(seed)
        for n, channel in enumerate(channels):
            channel.set_pause_generator(pauses(100 * seed + n, percents.choice([0, 0, 20, 60])))

    async def reset(self) -> None:
        cocotb.start_soon(Clock(self.dut.clock, 10, "ns").start())
        self.dut.reset.value = 1
        await ClockCycles(self.dut.clock, 5)
        self.dut.reset.value = 0
        await ClockCycles(self.dut.clock, 2)

    async def set(self, offset: int, value: int) -> None:
        answer = await self.control.write(offset, value.to_bytes(4, "little"))
        assert answer.resp == AxiResp.OKAY

    async def get(self, offset: int) -> int:
        return int.from_bytes((await self.control.read(offset, 4)).data, "little")

    async def start(self, words: np.ndarray, at: int, bases: tuple[int, ...]) -> None:
        self.memory.write(at, words.astype("<u4").tobytes())
        await self.set(INTERRUPT_ENABLE, 1)
        for offset, value in zip((LIST, COUNT, *BASES), (at, len(words), *bases), strict=True):
            await self.set(offset, value)
        await self.set(CONTROL, START)

    async def interrupt(self) -> None:
        if not self.dut.irq.value:
            await with_timeout(RisingEdge(self.dut.irq), 5, "ms")


async def random_lists(dut, seed: int) -> None:
    """Legal and broken lists do what the model says, with pauses on all ten channels."""
    system = System(dut, seed)
    await system.reset()
    model = Model(np.zeros(LIST_AT, np.uint8), ENGINE)
    generator = np.random.default_rng(seed)
    for number in range(4):
        maker = ListMaker(ENGINE, generator, model.memory)
        maker.load_all()
        descriptors = maker.fill(10)
        words, index, code = encode_list(descriptors), len(descriptors), 0
        if number % 2:
            words, index, code = broken(words, descriptors, ENGINE, generator)
        system.memory.write(0, model.memory[: maker.free].tobytes())
        await system.start(words, LIST_AT + 4 * int(generator.integers(2000)), maker.bases)
        await system.interrupt()
        before = model.memory[: maker.free].copy()
        model.run(descriptors[:index], maker.bases)
        got = np.frombuffer(system.memory.read(0, maker.free), np.uint8)
        expected = model.memory[: maker.free]
        if code:
            assert await system.get(STATUS) == FAILED
            assert await system.get(ERROR) == code | index << 16
            expected = np.where(got == before, before, expected)
        else:
            assert await system.get(STATUS) == DONE
            moved = moved_bytes(descriptors)
            assert await system.get(BYTES_READ) == moved[0] + words.nbytes
            assert await system.get(BYTES_WRITTEN) == moved[1]
        np.testing.assert_array_equal(got, expected)
        model.memory[: maker.free] = got
        await system.set(STATUS, DONE | FAILED)
        assert not dut.irq.value


factory = TestFactory(random_lists)
factory.add_option("seed", range(3))
factory.generate_tests()


@cocotb.test()
async def bus_errors_and_aborts(dut) -> None:
    """After what stops a list in the middle of its bursts, the next one finds a working bus."""
    system = System(dut, 1)
    await system.reset()
    content = np.random.default_rng(1).integers(0, 256, 4096, np.uint8)
    good = encode_list(
        [
            Load(base=0, memory_offset=0x1000, buffer_address=0, bytes=4096, buffer=0),
            Store(base=1, memory_offset=0, buffer_address=0, bytes=4095, after_loads=1),
        ]
    )
    bad = good.copy()
    bad[0, 2] = (1 << 20) - 2048  # ends beyond the memory, which answers with an error there
    for number in range(4):
        system.memory.write(0x1000, content.tobytes())
        system.memory.write(0x4000, bytes(4096))
        if number % 2:
            await system.start(good, LIST_AT, (0, 0x4000, 0, 0))
            await ClockCycles(dut.clock, 900 * number)
            await system.set(CONTROL, ABORT)
            while await system.get(STATUS) & 1:
                pass
        else:
            await system.start(bad, LIST_AT, (0, 0x4000, 0, 0))
            await system.interrupt()
            assert await system.get(STATUS) == FAILED
            assert await system.get(ERROR) == 7
        await system.start(good, LIST_AT, (0, 0x4000, 0, 0))
        await system.interrupt()
        assert await system.get(STATUS) == DONE
        assert system.memory.read(0x4000, 4096) == content[:4095].tobytes() + b"\0"
        await system.set(STATUS, DONE)
