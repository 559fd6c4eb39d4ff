"""The records that the simulator writes with --rvfi, and how to show them to a person."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np

RECORD = np.dtype(
    [
        ("pc", "<u4"),
        ("next_pc", "<u4"),
        ("insn", "<u4"),
        ("rd", "<u4"),
        ("rd_value", "<u4"),
        ("mem_addr", "<u4"),
        ("mem_mask", "<u4"),  # read mask in bits 7:0, write mask in bits 15:8
        ("mem_rdata", "<u4"),
        ("mem_wdata", "<u4"),
        ("flags", "<u4"),
        ("mcause", "<u4"),
    ]
)
TRAP, INTERRUPTED = 1, 2


def read_records(path: Path) -> np.ndarray:
    """All records of a run, in order of retirement."""
    return np.fromfile(path, dtype=RECORD)


def disassemble(instruction: int) -> str:
    """objdump's text for one instruction of 16 or 32 bits."""
    size = 4 if instruction & 3 == 3 else 2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instruction.bin"
        path.write_bytes(int(instruction).to_bytes(4, "little")[:size])
        text = subprocess.run(
            [
                "riscv64-unknown-elf-objdump",
                "-b",
                "binary",
                "-m",
                "riscv:rv32",
                "-M",
                "no-aliases",
                "-D",
                path,
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return " ".join(text.splitlines()[-1].split("\t")[2:])


def describe(record: np.void) -> str:
    """One line for one record."""
    line = f"{record['pc']:08x}  {record['insn']:08x}  {disassemble(record['insn']):<32}"
    if record["flags"] & INTERRUPTED:
        line = "(interrupt taken) " + line
    if record["flags"] & TRAP:
        return line + f" trap mcause {record['mcause']:#x} -> {record['next_pc']:08x}"
    if record["rd"]:
        line += f" x{record['rd']} = {record['rd_value']:08x}"
    if record["mem_mask"]:
        verb = "store" if record["mem_mask"] >> 8 else "load"
        data = record["mem_wdata"] if verb == "store" else record["mem_rdata"]
        line += f" {verb} [{record['mem_addr']:08x}] mask {record['mem_mask']:#x} data {data:08x}"
    return line + f" -> {record['next_pc']:08x}"
