"""What test_npu_axi.py proves, as cocotb has it: runs in the simulator."""

from __future__ import annotations

from random import Random
from typing import Any

import cocotb
import numpy as np
from axi_bench import Bench
from axi_rules import OUTSTANDING
from check_lists import moved_bytes
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiResp
from engine_bench import (
    ABORT,
    BASES,
    BUSY,
    BYTES_READ,
    BYTES_WRITTEN,
    CAPABILITY,
    CONTROL,
    COUNT,
    DONE,
    FAILED,
    ID,
    INTERRUPT_ENABLE,
    LIST,
    RECORD_SELECT,
    STATUS,
)
from npu_lists import LIST_AT, ListMaker

from smidgen.npu.descriptor import Descriptor, Load, Store, encode_list, table
from smidgen.npu.model import Model

BUS_ERROR = table()["errors"]["bus"]
WORD = 0xFFFF_FFFF
KEPT = {offset: WORD for offset in (LIST, COUNT, *BASES)}  # the bits that a register keeps
KEPT |= {INTERRUPT_ENABLE: 1, RECORD_SELECT: 0xFF}
LIMIT = {"timeout_time": 500, "timeout_unit": "us"}  # more than twice what the longest case takes
NOWHERE = (0x3C, 0x5C, 0x100, 0xFFC)  # no registers
SOURCE, TARGET = 0x1FE0, 0x4FC4  # their first bursts end at multiples of 4 KiB
APART = 0x9000


class Lists:
    """Random lists, one after the other, and the model that does the same."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._model = Model(np.zeros(LIST_AT, np.uint8), bench.engine)
        self._filled = False

    async def run(self, seed: int, count: int) -> None:
        """A list of so many descriptors, or of one or two more; the first list fills the buffers, too."""
        random, bench, memory = np.random.default_rng(seed), self._bench, self._model.memory
        maker = ListMaker(bench.engine, random, memory)
        if not self._filled:
            maker.load_all()
            self._filled = True
        descriptors = maker.fill(count)
        words = encode_list(descriptors)
        bench.memory[0 : maker.free] = memory[: maker.free].tobytes()
        await bench.start(words, LIST_AT + 4 * int(random.integers(2048)), maker.bases)
        assert await bench.end() == (DONE, (0, 0))
        self._model.run(descriptors, maker.bases)
        got = np.frombuffer(bench.memory[0 : maker.free], np.uint8)
        different = np.flatnonzero(got != memory[: maker.free])
        listed = "\n".join(map(str, descriptors))
        assert not len(different), f"seed {seed}: {len(different)} bytes differ, {different[:8]}\n{listed}"
        loaded, stored = moved_bytes(descriptors)
        assert await bench.get(BYTES_READ) == loaded + words.nbytes
        assert await bench.get(BYTES_WRITTEN) == stored


class Copy:
    """A list that copies bytes, and then the first 1 to 10 of them to places of their own."""

    BYTES, PIECES = 341, range(1, 11)

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        descriptors: list[Descriptor] = [
            Load(base=0, memory_offset=SOURCE, buffer=0, buffer_address=8, bytes=self.BYTES),
            Store(base=0, memory_offset=TARGET, buffer_address=8, bytes=self.BYTES, after_loads=1),
            Load(base=0, memory_offset=SOURCE, buffer=0, buffer_address=2048, bytes=10, after_stores=1),
        ]
        descriptors += [
            Store(base=0, memory_offset=APART + 64 * n, buffer_address=2048, bytes=n, after_loads=2)
            for n in self.PIECES
        ]
        self._words = encode_list(descriptors)

    async def start(self, random: Random) -> None:
        """With other bytes than before."""
        memory = self._bench.memory
        memory[SOURCE : SOURCE + self.BYTES] = random.randbytes(self.BYTES)
        for first, count in ((TARGET, 400), (APART, 1000)):
            memory[first : first + count] = bytes(count)
        await self._bench.start(self._words, LIST_AT)

    async def start_and_wait(self, random: Random, writing: bool) -> None:
        """Start, and wait until somewhere in the middle. writing: of the bursts that write."""
        await self.start(random)
        if writing:
            await RisingEdge(self._bench.dut.m_axi_awvalid)
        await ClockCycles(self._bench.dut.clock, random.randint(1, 60))

    async def run(self, random: Random) -> None:
        """To its end, and nothing else is written."""
        await self.start(random)
        assert await self._bench.end() == (DONE, (0, 0))
        memory = self._bench.memory
        content = memory[SOURCE : SOURCE + self.BYTES]
        assert memory[TARGET : TARGET + 400] == content.ljust(400, b"\0")
        pieces = bytearray(1000)
        for n in self.PIECES:
            pieces[64 * n : 65 * n] = content[:n]
        assert self.pieces() == pieces

    def pieces(self) -> bytes:
        return self._bench.memory[APART : APART + 1000]


@cocotb.test(**LIMIT)
async def registers_hold_what_is_written(dut: Any) -> None:
    """Reads and writes of all of them in a random order, alone, at once, and one hard upon the other."""
    bench, random = await Bench.create(dut), Random(1)
    assert (await bench.get(ID)).to_bytes(4, "little") == b"NPU1"
    assert await bench.get(CAPABILITY) == 1 << 24 | 12 << 16 | 12 << 8 | 8
    held = dict.fromkeys(KEPT, 0)

    async def write(offset: int) -> None:
        held[offset] = random.randrange(1 << 32)
        await bench.set(offset, held[offset])

    async def read(offset: int) -> None:
        assert await bench.get(offset) == held[offset] & KEPT[offset]

    async def write_a_part(offset: int) -> None:
        first = random.randrange(4)
        count = random.randint(1, min(3, 4 - first))
        response = await bench.control.write(offset + first, b"\xff" * count)
        assert response.resp == AxiResp.SLVERR

    for offset in KEPT:
        await write(offset)
    for _ in range(6):
        bench.pause_at_random(random)
        for _ in range(20):
            one, other = random.sample(list(KEPT), 2)
            await write(one)
            await read(random.choice(list(KEPT)))
            await write_a_part(random.choice([*KEPT, CONTROL, STATUS]))
            writing = cocotb.start_soon(write(one))
            await read(other)
            await writing
            await read(one)
        content = random.randbytes(16)
        await bench.control.write(BASES[0], content)
        assert (await bench.control.read(BASES[0], 16)).data == content
        held |= {base: int.from_bytes(content[4 * n :][:4], "little") for n, base in enumerate(BASES)}
        for offset in (ID, CAPABILITY, *NOWHERE):
            before = await bench.get(offset)
            await bench.set(offset, WORD)
            assert await bench.get(offset) == before
            assert before == 0 or offset not in NOWHERE
    for offset in KEPT:
        await read(offset)
    assert await bench.get(STATUS) == 0 and not dut.busy.value


@cocotb.test(**LIMIT)
async def lists_do_what_the_model_does(dut: Any) -> None:
    """While every channel pauses at random."""
    bench, random = await Bench.create(dut), Random(2)
    lists = Lists(bench)
    await lists.run(0, 2)
    for seed in range(1, 9):
        bench.pause_at_random(random)
        await lists.run(seed, 7)
    assert bench.rules.most_reads == bench.rules.most_writes == OUTSTANDING


@cocotb.test(**LIMIT)
async def addresses_and_words_come_in_any_order(dut: Any) -> None:
    """Neither waits for the other: AXI has it that what is VALID does not depend on a READY."""
    bench, random = await Bench.create(dut), Random(3)
    lists = Lists(bench)
    await lists.run(10, 2)
    for seed, order in ((11, bench.take_addresses_before_words), (12, bench.take_words_before_addresses)):
        bench.pause_at_random(random)
        order()
        await lists.run(seed, 5)
        await Copy(bench).run(random)


@cocotb.test(**LIMIT)
async def bus_errors_stop_the_list(dut: Any) -> None:
    """With the index of the descriptor; and the next list is done as if nothing had been."""
    bench, random = await Bench.create(dut), Random(4)
    copy = Copy(bench)
    await copy.run(random)
    for place, index in ((LIST_AT + 64 * 12 + 8, 12), (SOURCE + 0x100, 0), (TARGET + 0x100, 1)):
        for bench.error in (AxiResp.SLVERR, AxiResp.DECERR):
            bench.pause_at_random(random)
            bench.memory.broken = range(place, place + 4)
            await copy.start(random)
            assert await bench.end() == (FAILED, (BUS_ERROR, index))
            assert place > LIST_AT or not any(copy.pieces())
            bench.memory.broken = range(0)
            await copy.run(random)


@cocotb.test(**LIMIT)
async def an_abort_leaves_a_clean_bus(dut: Any) -> None:
    """Bursts are completed, and the next list is done as if nothing had been."""
    bench, random = await Bench.create(dut), Random(5)
    copy = Copy(bench)
    await copy.run(random)
    for n in range(8):
        bench.pause_at_random(random)
        await copy.start_and_wait(random, n % 2 == 1)
        await bench.set(CONTROL, ABORT)
        while (status := await bench.get(STATUS)) & BUSY:
            pass
        assert status in (0, DONE)
        await copy.run(random)


@cocotb.test(**LIMIT)
async def a_reset_ends_everything(dut: Any) -> None:
    """In the middle of bursts."""
    bench, random = await Bench.create(dut), Random(6)
    copy = Copy(bench)
    for n in range(4):
        bench.pause_at_random(random)
        await copy.start_and_wait(random, n % 2 == 1)
        await bench.reset()
        assert await bench.get(STATUS) == await bench.get(INTERRUPT_ENABLE) == 0
        await copy.run(random)
