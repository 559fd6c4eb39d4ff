"""The neural engine in a SoC that LiteX makes around it: registers and memory behind LiteX's own buses."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_bench import HW

from smidgen.npu.descriptor import Add, Load, Store, encode_list
from smidgen.npu.model import Model
from smidgen.npu.onboard import NeuralEngine

HERE = Path(__file__).parent
ENGINE_AT = 0x3000_0000  # as litex_soc.py says

pytestmark = pytest.mark.slow


class Soc:
    """The bus, seen by a program: registers of the engine, and memory, by words."""

    def __init__(self, program: Path, memory_at: int) -> None:
        folder = program.parents[1]  # where LiteX has written what the memory starts with
        self._process = subprocess.Popen([program], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.free = memory_at

    def _do(self, *words: str | int) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.read(4)
        assert len(answer) == 4, "the harness ended: see its line on standard error"
        return int.from_bytes(answer, "little")

    def read(self, offset: int) -> int:
        return self._do("read", ENGINE_AT + offset)

    def write(self, offset: int, value: int) -> None:
        self._do("write", ENGINE_AT + offset, value)

    def load(self, address: int) -> int:
        return self._do("read", address)

    def store(self, address: int, value: int) -> None:
        self._do("write", address, value)

    def allocate(self, size: int) -> Buffer:
        self.free += -(-size // 16) * 16
        return Buffer(self, self.free - -(-size // 16) * 16, size)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=10) == 0


class Buffer:
    def __init__(self, soc: Soc, address: int, size: int) -> None:
        self._soc, self.address, self.array = soc, address, np.zeros(-(-size // 4) * 4, np.uint8)

    def flush(self) -> None:
        for index, word in enumerate(self.array.view("<u4")):
            self._soc.store(self.address + 4 * index, int(word))

    def invalidate(self) -> None:
        words = [self._soc.load(self.address + 4 * index) for index in range(self.array.size // 4)]
        self.array.view("<u4")[:] = words


@pytest.fixture
def soc(tmp_path: Path) -> Iterator[Soc]:
    for module in ("litex", "migen"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed (pip install 'smidgen[ecosystems]')")
    command = [sys.executable, HERE / "litex_soc.py", "axi", "."]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-3000:]
    files = [
        HW / line for name in ("midge.f", "sources.f") for line in (HW / "npu" / name).read_text().split()
    ]
    command = [
        "verilator", "--cc", "--exe", "--build", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3", "--noassert",
        "--x-assign", "fast", "--x-initial", "fast", "--top-module", "soc", "-CFLAGS", "-std=c++17",
        "-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0", "-Mdir", tmp_path / "build", "-o", "bench",
        *files, tmp_path / "soc.v", HERE / "litex_harness.cpp",
    ]  # fmt: skip
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-3000:]
    soc = Soc(tmp_path / "build" / "bench", int(made.stdout.splitlines()[-1]))
    yield soc
    soc.close()


def test_a_list_runs_between_the_buses_of_litex(soc: Soc) -> None:
    engine = NeuralEngine(soc, soc, deadline=600.0)
    assert (engine.lanes, engine.activation_bytes, engine.weight_bytes) == (16, 1 << 15, 1 << 15)
    size = 260  # more than four bursts, and the last one of a single word
    addition = Add(
        a_address=0, b_address=1024, output_address=2048, bytes=size,
        multiplier_a=1 << 30, multiplier_b=1 << 30, multiplier_output=1 << 30,
        shift_a=0, shift_b=0, shift_output=-18,
        input_zero_point=3, b_zero_point=-2, output_zero_point=1, after_loads=2,
    )  # fmt: skip
    descriptors = [
        Load(base=0, memory_offset=0, buffer=0, buffer_address=0, bytes=size),
        Load(base=1, memory_offset=0, buffer=0, buffer_address=1024, bytes=size),
        addition,
        Store(base=3, memory_offset=0, buffer_address=2048, bytes=size - 1, after_computes=1),
    ]
    random = np.random.default_rng(1)
    operands = [random.integers(0, 256, size, np.uint8) for _ in range(2)]
    words = encode_list(descriptors)
    sources = [engine.place(one) for one in operands]
    target = engine.memory.allocate(size)
    target.array[:] = 0xA5
    target.flush()
    bases = [sources[0].address, sources[1].address, 0, target.address]
    counters = engine.run(words, engine.place(words), bases)
    target.invalidate()

    memory = np.concatenate([*operands, np.full(size, 0xA5, np.uint8)])
    Model(memory).run(descriptors, [0, size, 0, 2 * size])
    np.testing.assert_array_equal(target.array, memory[2 * size :])
    assert (counters.bytes_read, counters.bytes_written) == (2 * size + words.nbytes, size)
