"""A board for the driver: the engine of an exported package in Verilator, and memory behind a cache."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
from engine_bench import HW, MEMORY, Bench, build

from smidgen.npu.descriptor import Engine

PAGE = 16  # a multiple of which every buffer starts at


class Registers:
    """The control port: every access is one of AXI4-Lite."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def read(self, offset: int) -> int:
        return self.bench.get(offset)

    def write(self, offset: int, value: int) -> None:
        assert self.bench.set(offset, value) == 0


class Buffer:
    """What the processor sees lies here, what the engine sees in the simulator: they differ until somebody
    flushes or invalidates."""

    def __init__(self, bench: Bench, at: int, size: int) -> None:
        self._bench, self._at, self.address = bench, at, MEMORY + at
        storage = np.full(size + PAGE, 0xA5, np.uint8)
        start = -storage.ctypes.data % PAGE
        self.array = storage[start : start + size]

    def flush(self) -> None:
        self._bench.write(self._at, self.array)

    def invalidate(self) -> None:
        self.array[:] = self._bench.read(self._at, self.array.size)


class Memory:
    def __init__(self, bench: Bench) -> None:
        self.bench, self.used = bench, 0x100

    def allocate(self, size: int) -> Buffer:
        at = self.used
        self.used += -(-size // PAGE) * PAGE + 0x40
        return Buffer(self.bench, at, size)


class Interrupt:
    """Time passes in the simulator while the driver waits, at most so many cycles at once."""

    def __init__(self, bench: Bench, most: int = 200_000) -> None:
        self.bench, self.most, self.waits = bench, most, 0

    def arm(self) -> None:
        assert self.bench.interrupt() == 0

    def wait(self, seconds: float) -> None:
        self.waits += 1
        for _ in range(self.most // 100):
            if self.bench.interrupt():
                return
            self.bench.tick(100)


def build_package(package: Path, engine: Engine, folder: Path) -> Path:
    """The simulator of what the package would give to Vivado: its wrapper around its sources."""
    sources = package / "ip" / "src"
    listed = [
        sources / line.rpartition("/")[2]
        for name in ("midge.f", "sources.f")
        for line in (HW / "npu" / name).read_text().split()
    ]
    return build(engine, folder, files=[*listed, sources / "smidgen_npu.v"], top="smidgen_npu")


def compile_package(package: Path, name: str) -> Path:
    """What `make` leaves on the board."""
    done = subprocess.run(["make", "-C", package], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr, done.stderr
    return package / "board" / f"lib{name}.so"


def load_driver(package: Path) -> ModuleType:
    """The package's own driver, as a program on the board imports it."""
    place = package / "board" / "smidgen_npu" / "__init__.py"
    spec = importlib.util.spec_from_file_location("smidgen_npu", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["smidgen_npu"] = module
    spec.loader.exec_module(module)
    return module
