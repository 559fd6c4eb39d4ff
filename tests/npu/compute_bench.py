"""npu_compute, Verilated: buffers written and read through its ports, descriptors run one at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from smidgen.npu.descriptor import Descriptor, Engine, encode
from verilated import CPP, build_bench

HERE = Path(__file__).parent
HW = HERE.parents[1] / "hw"
LINE_SHARE = 64  # of 256 cycles, in which a background load or store is wanted by default


def replaced_sources(names: Sequence[str], variant: str) -> list[Path]:
    """Files of hw as written ("portable"), or some replaced by their namesakes of the ECP5 flow ("ecp5") or
    of the simulator ("simulator")."""
    sources = [HW / name for name in names]
    if variant == "portable":
        return sources
    folder = HW / ("sim" if variant == "simulator" else "synth/ecp5")
    sources = [folder / path.name if (folder / path.name).exists() else path for path in sources]
    return sources + [folder / f"{name}.sv" for name in ("carry_chain", "ccu2c") if variant == "ecp5"]


def simulator(lanes: int, variant: str, folder: Path) -> Path:
    """The program of the bench. variant: see `replaced_sources`."""
    listed = (HW / "npu" / "midge.f").read_text().split() + (HW / "npu" / "sources.f").read_text().split()
    sources = [*replaced_sources(listed, variant), HERE / "compute_harness.cpp"]
    return build_bench(folder, "npu_compute", sources, *CPP, parameters={"LANES": lanes})


@dataclass(frozen=True)
class Ran:
    """A descriptor's cycles: from its acceptance until it is done, with a step, and lost by cause.

    left: words that loads in the background had still to write then.
    """

    cycles: int
    steps: int
    throttled: int
    taken: int
    left: int

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


def bench_with(lanes: int, variant: str, folders: pytest.TempPathFactory) -> Bench:
    return Bench(simulator(lanes, variant, folders.mktemp(f"npu-compute-{lanes}-{variant}")), lanes)


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

    def read(self, address: int = 0, count: int | None = None) -> None:
        """The lines with `count` bytes of the activations, all without."""
        lines = self.lines(address, self.engine.activation_bytes if count is None else count)
        self.commands.append(f"read {lines.start:x} {len(lines):x}")

    def lines(self, address: int, count: int) -> range:
        """In which so many bytes lie."""
        return range(address // self.engine.lanes, -(-(address + count) // self.engine.lanes))

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
