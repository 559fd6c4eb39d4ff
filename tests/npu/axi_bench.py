"""The engine in a simulator, between cocotbext-axi's models of a processor's port and of a memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import cocotb
import numpy as np
from axi_rules import OUTSTANDING, Address, ControlPort, MemoryPort, Word, demand
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AddressSpace, AxiBus, AxiLiteBus, AxiLiteMaster, AxiResp, AxiSlave, MemoryRegion
from engine_bench import (
    BASES,
    BUSY,
    CAPABILITY,
    CONTROL,
    COUNT,
    DONE,
    ERROR,
    FAILED,
    INTERRUPT_ENABLE,
    LIST,
    MEMORY,
    MEMORY_BYTES,
    START,
    STATUS,
)

from smidgen.npu.descriptor import Engine

PERIOD = 10  # ns
LONGEST = 20_000  # cycles of a list, after which the engine must have hung
CHANCES = (0.0, 0.1, 0.3, 0.6, 0.8)  # that a channel pauses for a cycle
_INPUTS = (  # of the engine's handshakes
    "s_axi_awvalid", "s_axi_wvalid", "s_axi_bready", "s_axi_arvalid", "s_axi_rready",
    "m_axi_awready", "m_axi_wready", "m_axi_bvalid", "m_axi_arready", "m_axi_rvalid",
)  # fmt: skip


class Memory(MemoryRegion):
    """Memory that answers with an error at the addresses `broken`, which count from 0."""

    def __init__(self) -> None:
        super().__init__(MEMORY_BYTES)
        self.broken = range(0)

    def _demand_whole(self, address: int) -> None:
        if address in self.broken:
            raise ValueError(f"no answer at {address:#x}")

    async def _read(self, address: int, length: int, **options: Any) -> bytes:
        self._demand_whole(address)
        return await super()._read(address, length, **options)

    async def _write(self, address: int, data: bytes, **options: Any) -> None:
        self._demand_whole(address)
        await super()._write(address, data, **options)


class Pins:
    """The signals of a channel. kind: what is made of the values that are shown."""

    def __init__(self, dut: Any, channel: str, kind: Callable[..., Any], *names: str) -> None:
        self._valid, self._ready = getattr(dut, f"{channel}valid"), getattr(dut, f"{channel}ready")
        self._kind, self._signals = kind, [getattr(dut, channel + name) for name in names]

    def sample(self) -> tuple[Any, bool]:
        """What is shown, None without VALID, and whether it is taken. ValueError: neither 0 nor 1."""
        if not self._valid.value:
            return None, False
        return self._kind(*(int(signal.value) for signal in self._signals)), bool(self._ready.value)


def _values(*values: int) -> tuple[int, ...]:
    return values


class Bench:
    """Made by `create`. Addresses of memory count from 0; the engine sees it at MEMORY.

    error: with what the memory answers where it is broken.
    """

    engine: Engine

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rules = MemoryPort()
        self.memory = Memory()
        self.error = AxiResp.SLVERR
        space = AddressSpace(1 << 32)
        space.register_region(self.memory, MEMORY)
        self.control = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clock, dut.reset)
        slave = AxiSlave(AxiBus.from_prefix(dut, "m_axi"), dut.clock, dut.reset, space)
        read, write = slave.read_if, slave.write_if
        self._name_errors(read.r_channel, "rresp")
        self._name_errors(write.b_channel, "bresp")
        self.addresses, self.words = write.aw_channel, write.w_channel
        for channel in (read.ar_channel, self.addresses):
            channel.queue_occupancy_limit = 2 * OUTSTANDING  # more than the engine may have
        self._memory_channels = [read.ar_channel, read.r_channel, self.addresses, self.words, write.b_channel]
        read, write = self.control.read_if, self.control.write_if
        self._control_channels = [read.ar_channel, read.r_channel]
        self._control_channels += [write.aw_channel, write.w_channel, write.b_channel]
        cocotb.start_soon(self._watch())

    @classmethod
    async def create(cls, dut: Any) -> Bench:
        """After a reset."""
        logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.ERROR)  # not lines for every word
        Clock(dut.clock, PERIOD, "ns", impl="gpi").start()
        dut.reset.value = 1
        for name in _INPUTS:
            getattr(dut, name).value = 0
        await ClockCycles(dut.clock, 2)  # the models take no unknown signals
        bench = cls(dut)
        await bench.reset()
        value = await bench.get(CAPABILITY)
        sizes = {"activation_bytes": 1 << (value >> 8 & 0xFF), "weight_bytes": 1 << (value >> 16 & 0xFF)}
        bench.engine = Engine(lanes=value & 0xFF, **sizes)
        return bench

    async def reset(self) -> None:
        self.dut.reset.value = 1
        await ClockCycles(self.dut.clock, 4)
        self.dut.reset.value = 0
        await ClockCycles(self.dut.clock, 1)

    def _name_errors(self, channel: Any, field: str) -> None:
        """The models answer all errors with SLVERR."""
        send = channel.send

        async def send_named(transaction: Any) -> None:
            if getattr(transaction, field) == AxiResp.SLVERR:
                setattr(transaction, field, self.error)
            await send(transaction)

        channel.send = send_named

    # Pauses

    def pause_at_random(self, random: Random) -> None:
        """From now on every channel, each with a chance of its own."""

        def pauses(chance: float) -> Iterator[bool]:
            while True:
                yield random.random() < chance

        for channel in self._memory_channels + self._control_channels:
            channel.set_pause_generator(pauses(random.choice(CHANCES)))

    def take_words_before_addresses(self) -> None:
        """From now on memory takes the address of a burst when it has all of its words."""

        def pauses() -> Iterator[bool]:
            while True:
                yield self.rules.filled <= self.rules.addressed

        self.words.queue_occupancy_limit = 16
        self.addresses.set_pause_generator(pauses())

    def take_addresses_before_words(self) -> None:
        """From now on memory takes words of a burst when it has the address."""

        def pauses() -> Iterator[bool]:
            while True:
                yield self.rules.addressed <= self.rules.filled

        self.words.set_pause_generator(pauses())

    # The engine

    async def get(self, offset: int) -> int:
        response = await self.control.read(offset, 4)
        assert response.resp == AxiResp.OKAY
        return int.from_bytes(response.data, "little")

    async def set(self, offset: int, value: int) -> None:
        response = await self.control.write(offset, value.to_bytes(4, "little"))
        assert response.resp == AxiResp.OKAY

    async def start(self, words: np.ndarray, at: int, bases: Sequence[int] = (0, 0, 0, 0)) -> None:
        """Start a list, which is put at an address, with the interrupt."""
        self.memory[at : at + words.nbytes] = words.astype("<u4").tobytes()
        await self.set(LIST, MEMORY + at)
        await self.set(COUNT, len(words))
        for offset, base in zip(BASES, bases, strict=True):
            await self.set(offset, MEMORY + base)
        await self.set(INTERRUPT_ENABLE, 1)
        await self.set(CONTROL, START)

    async def end(self) -> tuple[int, tuple[int, int]]:
        """Of a list: wait for it, clear its interrupt. STATUS, and code and index of ERROR."""
        if not self.dut.irq.value:
            await with_timeout(RisingEdge(self.dut.irq), LONGEST * PERIOD, "ns")
        while (status := await self.get(STATUS)) & BUSY:
            pass
        error = await self.get(ERROR)
        assert self.dut.irq.value == 1
        await self.set(STATUS, DONE | FAILED)
        assert await self.get(STATUS) == 0
        assert self.dut.irq.value == 0
        return status, (error & 0xFF, error >> 16)

    # The rules

    async def _watch(self) -> None:
        """Holds every cycle against the rules."""
        dut, edge = self.dut, RisingEdge(self.dut.clock)
        burst = Address, "addr", "len", "size", "burst"
        read_address, write_address = Pins(dut, "m_axi_ar", *burst), Pins(dut, "m_axi_aw", *burst)
        read_word = Pins(dut, "m_axi_r", bool, "last")
        write_word = Pins(dut, "m_axi_w", Word, "data", "strb", "last")
        written = Pins(dut, "m_axi_b", _values)
        control_address, control_word = Pins(dut, "s_axi_aw", _values), Pins(dut, "s_axi_w", _values)
        control_read = Pins(dut, "s_axi_ar", _values)
        response = Pins(dut, "s_axi_b", _values, "resp")
        value = Pins(dut, "s_axi_r", _values, "data", "resp")
        control, was_reset = ControlPort(), False
        while True:
            await edge
            if dut.reset.value:
                given = (read_address, write_address, write_word, response, value)
                shown = [pins.sample()[0] for pins in given if was_reset]
                demand(not any(one is not None for one in shown), "VALID during reset")
                self.rules, control, was_reset = MemoryPort(), ControlPort(), True
                continue
            was_reset = False
            if not dut.busy.value:
                self.rules.demand_idle()
            last, taken = read_word.sample()
            self.rules.read(*read_address.sample(), bool(last) and taken)
            self.rules.write(*write_address.sample(), *write_word.sample(), written.sample()[1])
            control.write(control_address.sample()[1], control_word.sample()[1], *response.sample())
            control.read(control_read.sample()[1], *value.sample())
