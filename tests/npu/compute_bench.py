"""npu_compute, Verilated: buffers written and read through its ports, descriptors run one at a time."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from smidgen.npu.descriptor import Descriptor, Engine, encode

HERE = Path(__file__).parent
HW = HERE.parents[1] / "hw"
LINE_SHARE = 64  # of 256 cycles, in which a background load or store is wanted by default


def simulator(lanes: int, variant: str, folder: Path) -> Path:
    """The program of the bench, with the modules as written ("portable"), or those of the ECP5 flow ("ecp5")
    or of the simulator in place of their namesakes."""
    if shutil.which("verilator") is None:
        pytest.skip("verilator is not installed (`smidgen doctor` says how to get it)")
    listed = (HW / "npu" / "midge.f").read_text().split() + (HW / "npu" / "sources.f").read_text().split()
    sources = [HW / name for name in listed]
    replaced = HW / ("sim" if variant == "simulator" else "synth/ecp5")
    if variant != "portable":
        sources = [replaced / path.name if (replaced / path.name).exists() else path for path in sources]
    if variant == "ecp5":
        sources += [replaced / f"{name}.sv" for name in ("carry_chain", "ccu2c", "lut4")]
    command = [
        "verilator", "--cc", "--exe", "--build", "-Wno-fatal", "--top-module", "npu_compute",
        f"-GLANES={lanes}", "-Mdir", folder, "-o", "bench", "-CFLAGS", "-std=c++17",
        "-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0", *sources, HERE / "compute_harness.cpp",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "bench"


@dataclass(frozen=True)
class Ran:
    """A descriptor's cycles: from its acceptance until it is done, with a step, and lost by cause."""

    cycles: int
    steps: int
    throttled: int
    taken: int

    @property
    def utilization(self) -> float:
        return self.steps / self.cycles


@dataclass
class Background:
    """What loads and stores do while a descriptor runs: where, and in which share of 256 cycles."""

    load_share: int = LINE_SHARE
    load_buffer: int = 0
    load_address: int = 0
    load_data: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8))
    store_share: int = LINE_SHARE
    store_line: int = 0
    store_lines: int = 0


def words(data: np.ndarray) -> str:
    return " ".join(f"{word:x}" for word in np.ascontiguousarray(data).view("<u4"))


class Bench:
    """The simulated unit: commands are collected, `go` does them."""

    def __init__(self, program: Path, lanes: int) -> None:
        self.program = program
        self.engine = Engine(lanes=lanes)
        self.commands: list[str] = []

    def write(self, buffer: int, address: int, data: np.ndarray) -> None:
        self.commands.append(f"write {buffer} {address:x} {words(data)}")

    def fill(self, activations: np.ndarray, weights: np.ndarray) -> None:
        self.write(0, 0, activations)
        self.write(1, 0, weights)

    def run(self, descriptor: Descriptor, seed: int = 0, background: Background | None = None) -> None:
        if background is not None:
            b = background
            self.commands.append(
                f"loads {b.load_share:x} {b.load_buffer} {b.load_address:x} {words(b.load_data)}"
            )
            self.commands.append(f"stores {b.store_share:x} {b.store_line:x} {b.store_lines:x}")
        digits = "".join(f"{word:08x}" for word in encode(descriptor)[::-1])
        self.commands.append(f"run {seed & 0xFFFFFFFF:x} {digits}")

    def reset_in(self, cycle: int) -> None:
        """In that cycle of the next run, which then ends."""
        self.commands.append(f"reset {cycle:x}")

    def read(self) -> None:
        """All activations."""
        self.commands.append(f"read 0 {self.engine.activation_bytes // self.engine.lanes:x}")

    def go(self) -> tuple[list[Ran], np.ndarray]:
        """What ran, and all bytes that were read, in order."""
        text = "\n".join(self.commands) + "\n"
        self.commands = []
        done = subprocess.run([self.program], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        rows = [line.split() for line in done.stdout.splitlines()]
        ran = [Ran(*map(int, row[1:])) for row in rows if row[0] == "ran"]
        lines = "".join(row[1] for row in rows if row[0] == "line")
        return ran, np.frombuffer(bytes.fromhex(lines), np.uint8)


def differences(got: np.ndarray, expected: np.ndarray, ignored: Sequence[int] | np.ndarray = ()) -> str:
    """Where two buffers differ, "" when they do not."""
    differs = got != expected
    differs[np.asarray(ignored, np.int64)] = False
    places = np.flatnonzero(differs)
    return ", ".join(f"{p}: {got[p]} not {expected[p]}" for p in places[:10]) + (
        f" and {len(places) - 10} more" if len(places) > 10 else ""
    )
