"""The neural engine behind its registers: it starts lists of descriptors, waits, and says what went wrong.

docs/npu.md describes registers and descriptors, hw/npu/registers.toml and hw/npu/descriptor.toml define them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

ID, CAPABILITY, CONTROL, STATUS, INTERRUPT_ENABLE, ERROR, LIST, COUNT = range(0x00, 0x20, 4)
BASE0, BASE1, BASE2, BASE3, CYCLES, BYTES_READ, BYTES_WRITTEN = range(0x20, 0x3C, 4)
RECORD_SELECT = 0x40
RECORD_CYCLES, RECORD_ARRAY, RECORD_WAITED, RECORD_STARVED, RECORD_PORT, RECORD_BYTES = range(0x44, 0x5C, 4)

NPU1 = 0x3155504E
VERSION = 1
START, ABORT = 1, 2  # of CONTROL
BUSY, DONE, FAILED = 1, 2, 4  # of STATUS
LONGEST_LIST, LONGEST_RECORDED = 1023, 256
WORDS = 16  # of a descriptor

KINDS = {1: "load", 2: "store", 3: "convolution", 4: "depthwise", 5: "max_pool", 6: "add"}
ERRORS = {
    1: "it is of no known kind",
    2: "a bit that must be zero is set",
    3: "an address, size or offset that must be a multiple of 4 is not",
    4: "its bytes or words reach beyond a buffer",
    5: "a size is zero or too large",
    6: "it waits for more than comes before it in the list",
    7: "the memory answered with an error",
    8: "its width is not one for its kind",
    9: "it was started while a list was running",
}
BUS, NOT_STARTED = 7, 9
STOP_READS = 1000  # of STATUS, until an aborted list has ended


class Registers(Protocol):
    """The engine's control port; PYNQ's MMIO is one."""

    def read(self, offset: int) -> int: ...

    def write(self, offset: int, value: int) -> None: ...


class Buffer(Protocol):
    """Memory that the engine reaches.

    array: its bytes, uint8, as this processor sees them; address: where the engine finds them. What was
    written is there for the engine after `flush`, what the engine wrote is here after `invalidate`.
    """

    array: np.ndarray
    address: int

    def flush(self) -> None: ...

    def invalidate(self) -> None: ...


class Memory(Protocol):
    def allocate(self, size: int) -> Buffer:
        """So many bytes, at a multiple of 16 on both sides."""
        ...


class Interrupt(Protocol):
    def arm(self) -> None:
        """Get ready for the next one, before the engine starts."""
        ...

    def wait(self, seconds: float) -> None:
        """Until it has come, or earlier; at most so long."""
        ...


class Polling:
    """Looks again after a pause, where nobody hears the engine's interrupt."""

    def __init__(self, pause: float = 1e-4) -> None:
        self._pause = pause

    def arm(self) -> None:
        pass

    def wait(self, seconds: float) -> None:
        time.sleep(min(seconds, self._pause))


class Counters(NamedTuple):
    """What a list took; bytes are those on the bus, the descriptors' included."""

    cycles: int
    bytes_read: int
    bytes_written: int


class Record(NamedTuple):
    """What one descriptor took, in cycles.

    array: in which the array multiplied; waited: before it, for other descriptors; starved: for the
    requantizer (computations) or the bus (loads and stores); port: lost to other users of the buffer.
    """

    cycles: int
    array: int
    waited: int
    starved: int
    port: int
    bytes: int


class EngineError(RuntimeError):
    """The engine is not what was expected, or stopped. code and index: of its register ERROR, or None."""

    def __init__(self, what: str, code: int | None = None, index: int | None = None) -> None:
        super().__init__(what)
        self.code, self.index = code, index


class EngineTimeout(EngineError):
    """A list did not end in time."""


class NeuralEngine:
    """registers: of the control port; memory: what the memory port reaches; interrupt: how to wait for the
    end of a list; deadline: seconds that a list may take. Raises EngineError when no engine answers."""

    def __init__(
        self,
        registers: Registers,
        memory: Memory,
        interrupt: Interrupt | None = None,
        deadline: float = 5.0,
    ) -> None:
        self.registers, self.memory, self.deadline = registers, memory, deadline
        self._interrupt = Polling() if interrupt is None else interrupt
        found = registers.read(ID)
        if found != NPU1:
            raise EngineError(
                f"no neural engine is here: register ID reads 0x{found:08x}, not 0x{NPU1:08x}. Is the "
                "bitstream loaded, and is the address that of the block design?"
            )
        capability = registers.read(CAPABILITY)
        self.version = capability >> 24
        self.lanes = capability & 0xFF
        self.activation_bytes = 1 << (capability >> 8 & 0xFF)
        self.weight_bytes = 1 << (capability >> 16 & 0xFF)
        if self.version != VERSION:
            raise EngineError(f"this engine is of version {self.version}, this driver is for {VERSION}")
        registers.write(INTERRUPT_ENABLE, 0 if interrupt is None else 1)

    def require(self, lanes: int, activation_bytes: int, weight_bytes: int) -> None:
        """Raises EngineError unless lists that were made for such an engine run on this one."""
        needed = {"lanes": lanes, "activation_bytes": activation_bytes, "weight_bytes": weight_bytes}
        has = {name: getattr(self, name) for name in needed}
        if lanes != self.lanes or any(has[name] < size for name, size in needed.items()):
            raise EngineError(f"the model was compiled for an engine of {needed}, this one has {has}")

    def place(self, content: np.ndarray) -> Buffer:
        """A copy of constants for the engine."""
        data = np.ascontiguousarray(content).view(np.uint8).reshape(-1)
        buffer = self.memory.allocate(data.size)
        buffer.array[: data.size] = data
        buffer.flush()
        return buffer

    def run(self, words: np.ndarray, at: Buffer, bases: Sequence[int]) -> Counters:
        """Do the list of these words, (descriptors, 16), which lies in a buffer.

        bases: what the base registers shall hold. Raises EngineError when a descriptor is refused or the
        memory answers with an error, EngineTimeout when the list does not end.
        """
        registers = self.registers
        if not 1 <= len(words) <= LONGEST_LIST:
            raise EngineError(f"a list has 1 to {LONGEST_LIST} descriptors, this one {len(words)}")
        if registers.read(STATUS) & BUSY:
            raise EngineError("the engine is busy with a list that somebody else has started")
        registers.write(STATUS, DONE | FAILED)
        registers.write(LIST, at.address)
        registers.write(COUNT, len(words))
        for register, base in zip((BASE0, BASE1, BASE2, BASE3), bases):  # noqa: B905, for Python 3.8
            registers.write(register, base)
        self._interrupt.arm()
        registers.write(CONTROL, START)
        status = self._finish(words)
        code = registers.read(ERROR)
        registers.write(STATUS, DONE | FAILED)  # so that the interrupt ends
        if status & FAILED:
            raise self._failure(words, bases, code & 0xFF, code >> 16)
        if not status & DONE:
            raise EngineError("somebody else has aborted the list")
        return self.counters()

    def counters(self) -> Counters:
        """Of the last list."""
        return Counters(*(self.registers.read(offset) for offset in (CYCLES, BYTES_READ, BYTES_WRITTEN)))

    def records(self, count: int) -> dict[int, Record]:
        """Of the last list, which had `count` descriptors: by index, the last ones if there are too many."""
        records = {}
        for index in range(max(0, count - LONGEST_RECORDED), count):
            self.registers.write(RECORD_SELECT, index % LONGEST_RECORDED)
            offsets = range(RECORD_CYCLES, RECORD_BYTES + 4, 4)
            records[index] = Record(*(self.registers.read(offset) for offset in offsets))
        return records

    def _finish(self, words: np.ndarray) -> int:
        """Wait for the end of the list; the status then."""
        end = time.monotonic() + self.deadline
        while True:
            status = self.registers.read(STATUS)
            if not status & BUSY:
                return status
            remaining = end - time.monotonic()
            if remaining <= 0:
                self._abort(words)
            self._interrupt.wait(remaining)

    def _abort(self, words: np.ndarray) -> None:
        so_far = self.counters()
        self.registers.write(CONTROL, ABORT)
        stopped = any(not self.registers.read(STATUS) & BUSY for _ in range(STOP_READS))
        self.registers.write(STATUS, DONE | FAILED)
        what = (
            f"a list of {len(words)} descriptors did not end within {self.deadline:g} s: after "
            f"{so_far.cycles} cycles {so_far.bytes_read} bytes were read and {so_far.bytes_written} written"
        )
        if not stopped:
            what += "; the engine cannot stop, because its memory port gets no answer: reset the design"
        raise EngineTimeout(what)

    def _failure(self, words: np.ndarray, bases: Sequence[int], code: int, index: int) -> EngineError:
        meaning = ERRORS.get(code, "a code that this driver does not know")
        if code == NOT_STARTED:
            return EngineError(f"the engine reports error {code}: {meaning}", code, index)
        if index >= len(words):
            return EngineError(f"error {code} at descriptor {index} of {len(words)}: {meaning}", code, index)
        word = [int(one) for one in words[index]]
        kind = KINDS.get(word[0] & 15, "unknown")
        where = f"descriptor {index} of {len(words)} ({kind})"
        if code == BUS and kind in ("load", "store"):
            first = bases[word[0] >> 8 & 3] + word[2] & 0xFFFFFFFF
            return EngineError(
                f"{where} moves {word[4]} bytes at 0x{first:08x}: {meaning}; does the engine's memory port "
                "reach this address?",
                code,
                index,
            )
        return EngineError(f"{where} stopped the list with error {code}: {meaning}", code, index)
