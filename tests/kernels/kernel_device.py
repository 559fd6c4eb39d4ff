"""Runs many kernel calls on the simulated Midge with Xmidge: outputs compared with the reference, and cycles.

The same calls and vectors as on the host (kernel_harness.py), with the vectors in program memory.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from kernel_harness import WARNINGS, Call
from kernel_image import Batch, batches, sources

from smidgen.compile.kernels import COMPILE_FLAGS
from smidgen.device.simulators import verilator
from smidgen.paths import data_folder

IMAGE_BYTES = 700_000  # of vectors in one image; program memory has 1 MiB, and code needs a good part
TOOLS = ("verilator", "riscv64-unknown-elf-gcc")

_BEFORE = r"""
static void send(uint32_t word) {
    for (int byte = 0; byte < 4; byte++, word >>= 8) {
        while (!(*(volatile uint32_t *)0x20000004 & 2))
            continue;
        *(volatile uint32_t *)0x20000000 = word & 0xff;
    }
}

static uint32_t cycle(void) {
    uint32_t now;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, mcycle\n.option pop" : "=r"(now));
    return now;
}

static uint32_t begin, end;
#define BEFORE_CALL begin = cycle();
#define AFTER_CALL end = cycle();
#define REPORT(wrong) send(end - begin); send(wrong);
"""
_AFTER = "int main(void) { return run_calls(); }\n"


@dataclass(frozen=True)
class Outcome:
    """Of one call: cycles from call to return, and bytes that differ from what they should be."""

    call: Call
    cycles: int
    wrong: int


def run_on_midge(calls: Sequence[Call], optimize: str, folder: Path, misalign: bool = True) -> list[Outcome]:
    """All calls, in as many images as they need. misalign: whether int8 tensors begin at any address."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (`smidgen doctor` says how to get it)")
    outcomes = []
    for number, batch in enumerate(batches(calls, misalign, IMAGE_BYTES)):
        image = folder / f"calls{number}"
        image.mkdir()
        outcomes += _run_image(batch, optimize, image)
    return outcomes


def _run_image(batch: Batch, optimize: str, folder: Path) -> list[Outcome]:
    calls = [call for call, _ in batch]
    firmware, smoke = data_folder("firmware"), data_folder("hw") / "sim" / "smoke"
    elf = folder / "calls.elf"
    # fmt: off
    command = [
        "riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "-ffreestanding", "-nostdlib", *WARNINGS,
        *COMPILE_FLAGS[optimize], f"-I{firmware / 'kernels'}", "-T", smoke / "link.ld", smoke / "start.S",
        *sources(batch, _BEFORE, _AFTER, folder), "-fno-builtin", firmware / "runtime" / "mem.c", "-lgcc",
        "-o", elf,
    ]
    # fmt: on
    compiled = subprocess.run(command, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    ran = subprocess.run(
        [verilator.build("midge"), "--image", elf], stdin=subprocess.DEVNULL, capture_output=True
    )
    answers = list(struct.iter_unpack("<II", ran.stdout[: len(ran.stdout) // 8 * 8]))
    stopped = calls[len(answers)].name if len(answers) < len(calls) else ""
    assert ran.returncode == 0 and not stopped, f"exit code {ran.returncode} in {stopped}"
    return [Outcome(call, *answer) for call, answer in zip(calls, answers, strict=True)]
