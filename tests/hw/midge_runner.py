"""Assembles small programs, runs them on the simulated Midge and judges every record with the model."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from midge_model import Extension, first_problem
from midge_rvfi import INTERRUPTED, TRAP, describe, read_records

REPORT = 0x1003F000  # stores to this address are the program's answers, in order
CYCLE_LIMIT_CODE = 124
TOOLS = ("verilator", "riscv64-unknown-elf-gcc")

# gp holds REPORT, t5 and t6 belong to the trap handler, t4 is where it returns to from a bad jump.
PRELUDE = """
.option arch, +zicsr, +zifencei
.option norelax
.macro report register
  sw \\register, 0(gp)
.endm
.macro csr_report address
  csrr t6, \\address
  sw t6, 0(gp)
.endm
.macro finish code=0
  li t6, 0x20020000
  li t5, \\code
  sw t5, 0(t6)
7: j 7b
.endm
.globl _start
_start:
  li gp, 0x1003F000
  la t0, trap
  csrw mtvec, t0
  j main
.balign 4
trap:             # reports mcause, mepc, mtval; steps over the instruction, or returns to t4 from a bad jump
  csr_report mcause
  csr_report mepc
  csr_report mtval
  csrr t6, mcause
  addi t6, t6, -1
  beqz t6, 2f
  csrr t5, mepc
  lhu t6, 0(t5)
  andi t6, t6, 3
  addi t6, t6, -3
  addi t5, t5, 2
  bnez t6, 1f
  addi t5, t5, 2
1: csrw mepc, t5
  mret
2: csrw mepc, t4
  mret
.balign 4
main:
"""


def simulator_of(configuration: str) -> Path:
    """Its program, built where the cache does not hold it."""
    from smidgen.device.simulators import verilator

    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (`smidgen doctor` says how to get it)")
    return verilator.build(configuration)


@dataclass(frozen=True)
class Image:
    """Program memory from address 0 on, with the addresses of its labels."""

    data: bytes
    symbols: dict[str, int]


@dataclass(frozen=True)
class Result:
    """What a run did."""

    code: int
    records: np.ndarray
    output: bytes

    @property
    def reported(self) -> list[int]:
        """The words stored to REPORT."""
        stores = (self.records["mem_addr"] == REPORT) & (self.records["mem_mask"] == 0xF00)
        return self.records["mem_wdata"][stores].tolist()

    @property
    def traps(self) -> np.ndarray:
        return self.records[(self.records["flags"] & TRAP) != 0]

    @property
    def interrupts(self) -> int:
        return int(((self.records["flags"] & INTERRUPTED) != 0).sum())

    def at(self, address: int) -> np.ndarray:
        """The records of the instruction at an address."""
        return self.records[self.records["pc"] == address]


def assemble(source: str, prelude: str = PRELUDE) -> Image:
    """Assembles and links at address 0. In the source, `main` has begun."""
    with tempfile.TemporaryDirectory() as folder:
        assembly, elf, binary = (Path(folder) / name for name in ("program.S", "program.elf", "program.bin"))
        assembly.write_text(prelude + source + "\n")
        # fmt: off
        subprocess.run(
            ["riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "-nostdlib", "-Wl,-Ttext=0",
             "-Wl,--no-warn-rwx-segments", "-o", elf, assembly],
            check=True,
        )
        # fmt: on
        subprocess.run(["riscv64-unknown-elf-objcopy", "-O", "binary", elf, binary], check=True)
        lines = subprocess.run(
            ["riscv64-unknown-elf-nm", elf], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        symbols = {name: int(address, 16) for address, _, name in (line.split() for line in lines)}
        return Image(binary.read_bytes(), symbols)


@dataclass(frozen=True)
class Midge:
    """One simulated hardware configuration."""

    configuration: str
    program: Path
    extension: Callable[[], Extension] | None = None  # the model of instructions beyond RV32IMC
    prelude: str = PRELUDE

    @property
    def has_wait_states(self) -> bool:
        return self.configuration.endswith("-flash")

    def run(
        self, image: bytes, stdin: bytes = b"", max_cycles: int = 1_000_000, uart_cycles: int = 16
    ) -> Result:
        """Runs to the EXIT register; no opinion on what the program did."""
        with tempfile.TemporaryDirectory() as folder:
            binary, rvfi = Path(folder) / "program.bin", Path(folder) / "records"
            binary.write_bytes(image)
            # fmt: off
            done = subprocess.run(
                [self.program, "--image", binary, "--rvfi", rvfi, "--max-cycles", str(max_cycles),
                 "--uart-cycles", str(uart_cycles)],
                input=stdin, capture_output=True, timeout=120,
            )
            # fmt: on
            return Result(done.returncode, read_records(rvfi), done.stdout)

    def check(self, image: bytes, stdin: bytes = b"", uart_cycles: int = 16) -> Result:
        """Runs; fails if the exit code is not 0 or an instruction did not do what the model says."""
        result = self.run(image, stdin, uart_cycles=uart_cycles)
        problem = first_problem(image, result.records, self.extension and self.extension())
        if problem is not None:
            index, what = problem
            shown = [describe(record) for record in result.records[max(0, index - 10) : index + 1]]
            raise AssertionError("\n".join([f"instruction {index} on {self.configuration}: {what}", *shown]))
        assert result.code == 0, f"exit code {result.code} after {len(result.records)} instructions"
        return result

    def check_source(self, source: str, stdin: bytes = b"") -> tuple[Result, Image]:
        image = assemble(source, self.prelude)
        return self.check(image.data, stdin), image
