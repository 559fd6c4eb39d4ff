"""The whole neural engine, Verilated, and a memory behind its port that stalls (npu_harness.cpp)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from smidgen.npu.descriptor import Engine

HERE = Path(__file__).parent
HW = HERE.parents[1] / "hw"
MEMORY = 0x9000_0000
MEMORY_BYTES = 1 << 20

ID, CAPABILITY, CONTROL, STATUS, INTERRUPT_ENABLE, ERROR, LIST, COUNT = range(0, 0x20, 4)
BASES = range(0x20, 0x30, 4)
CYCLES, BYTES_READ, BYTES_WRITTEN = 0x30, 0x34, 0x38
RECORD_SELECT, RECORD = 0x40, range(0x44, 0x5C, 4)
START, ABORT = 1, 2
BUSY, DONE, FAILED = 1, 2, 4
OKAY, SLVERR = 0, 2


def sources() -> list[Path]:
    """The files of the engine, those of hw/sim in place of their namesakes."""
    listed = (HW / "npu" / "midge.f").read_text().split() + (HW / "npu" / "sources.f").read_text().split()
    replaced = {path.name: path for path in (HW / "sim").glob("*.sv")}
    return [replaced.get(Path(name).name, HW / name) for name in listed]


def build(
    engine: Engine,
    folder: Path,
    optimization: str = "-O0",
    files: Sequence[Path] | None = None,
    top: str = "npu",
) -> Path:
    """The program of the bench. optimization: of the C++ compiler; without, it is built soonest. files, top:
    another module with the engine's ports and parameters, and where it is."""
    if shutil.which("verilator") is None:
        pytest.skip("verilator is not installed (`smidgen doctor` says how to get it)")
    command = [
        "verilator", "--cc", "--exe", "--build", "-Wno-fatal", "-O3", "--noassert",
        "--x-assign", "fast", "--x-initial", "fast", "--top-module", top, "--prefix", "Vnpu",
        f"-GLANES={engine.lanes}", f"-GACTIVATION_BYTES={engine.activation_bytes}",
        f"-GWEIGHT_BYTES={engine.weight_bytes}", "-CFLAGS", "-std=c++17",
        "-MAKEFLAGS", f"OPT_FAST={optimization} OPT_SLOW=-O0 OPT_GLOBAL={optimization}",
        "-Mdir", folder, "-o", "bench", *(files or sources()), HERE / "npu_harness.cpp",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "bench"


@dataclass(frozen=True)
class Stalls:
    """Percent of the cycles in which each channel stalls, and cycles from an address to its first word."""

    seed: int = 0
    address_read: int = 0
    read: int = 0
    address_write: int = 0
    write: int = 0
    response: int = 0
    latency: int = 1

    @classmethod
    def random(cls, random: np.random.Generator) -> Stalls:
        """From none at all to hardly a cycle without one."""
        percent = [int(random.choice([0, 0, 10, 30, 75])) for _ in range(5)]
        return cls(int(random.integers(1 << 31)), *percent, latency=int(random.choice([0, 1, 3, 20])))


@dataclass(frozen=True)
class Record:
    cycles: int
    array: int
    waited: int
    starved: int
    port: int
    bytes: int


class Bench:
    """Addresses of memory count from 0 here; the engine sees it at MEMORY."""

    def __init__(self, program: Path, engine: Engine) -> None:
        self.engine = engine
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        self._process.stdin.close()
        # A rule of AXI that was broken ends it with another.
        assert self._process.wait(timeout=10) == 0

    def _send(self, *words: str | int, data: bytes = b"") -> None:
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n" + data)

    def _receive(self, count: int) -> bytes:
        self._process.stdin.flush()
        data = self._process.stdout.read(count)
        assert len(data) == count, "the harness ended: see its line on standard error"
        return data

    def _word(self) -> int:
        return int.from_bytes(self._receive(4), "little")

    def write(self, address: int, data: np.ndarray | bytes) -> None:
        content = np.ascontiguousarray(data).tobytes() if isinstance(data, np.ndarray) else data
        self._send("write", MEMORY + address, len(content), data=content)

    def read(self, address: int, count: int) -> np.ndarray:
        self._send("read", MEMORY + address, count)
        return np.frombuffer(self._receive(count), np.uint8)

    def set(self, offset: int, value: int, strobes: int = 15) -> int:
        """Write a register; the response."""
        self._send("set", offset, value & 0xFFFF_FFFF, strobes)
        return self._word()

    def get(self, offset: int) -> int:
        self._send("get", offset)
        return self._word()

    def stall(self, stalls: Stalls) -> None:
        s = stalls
        self._send("stall", s.seed, s.address_read, s.read, s.address_write, s.write, s.response, s.latency)

    def fail(self, first: int, end: int) -> None:
        """From now on addresses from first to before end answer with an error."""
        self._send("error", MEMORY + first, MEMORY + end)

    def tick(self, cycles: int) -> None:
        self._send("tick", cycles)

    def wait(self, most: int = 1_000_000) -> int:
        """Until the engine is not busy; the cycles that took."""
        self._send("run", most)
        cycles = self._word()
        assert cycles < most, "the engine does not end"
        return cycles

    def start(self, words: np.ndarray, at: int = 0, bases: Sequence[int] = (0, 0, 0, 0)) -> None:
        """Start a list, which is put at an address."""
        self.write(at, words.astype("<u4"))
        self.set(LIST, MEMORY + at)
        self.set(COUNT, len(words))
        for offset, base in zip(BASES, bases, strict=True):
            self.set(offset, MEMORY + base)
        self.set(CONTROL, START)

    def interrupt(self) -> int:
        """The level of the engine's interrupt."""
        self._send("interrupt")
        return self._word()

    def error(self) -> tuple[int, int]:
        """Code and index of the descriptor."""
        value = self.get(ERROR)
        return value & 0xFF, value >> 16

    def record(self, index: int) -> Record:
        self.set(RECORD_SELECT, index)
        return Record(*(self.get(offset) for offset in RECORD))
