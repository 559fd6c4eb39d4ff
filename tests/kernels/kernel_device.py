"""Runs many kernel calls on the simulated Midge with Xmidge: outputs compared with the reference, and cycles.

The same calls and vectors as on the host (kernel_harness.py), with the vectors in program memory.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from kernel_harness import WARNINGS, Call, program, vectors_of

from smidgen.compile.kernels import COMPILE_FLAGS
from smidgen.device.simulators import verilator
from smidgen.paths import data_folder

IMAGE_BYTES = 900_000  # of vectors in one image; program memory has 1 MiB
TOOLS = ("verilator", "riscv64-unknown-elf-gcc")

_MAIN = r"""
extern const uint8_t vectors[];
static uint8_t memory[200 * 1024] __attribute__((aligned(16)));

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

int main(void) {
    const uint32_t *next = (const uint32_t *)vectors;
    for (uint32_t index = 0; index < CASES; index++) {
        void *pointers[16];
        const uint8_t *expected[16];
        uint32_t kinds[16], sizes[16], free_at = 0, wrong = 0;
        const uint32_t count = *next++;
        for (uint32_t i = 0; i < count; i++) {
            kinds[i] = *next++;
            sizes[i] = *next++;
            const uint32_t offset = *next++, more = *next++;
            uint8_t *const place = memory + free_at + offset;
            free_at = (free_at + offset + sizes[i] + more + 15) & ~15u;
            if (free_at > sizeof memory)
                return 1;
            pointers[i] = place;
            expected[i] = (const uint8_t *)next;
            for (uint32_t at = 0; at < sizes[i]; at++)
                place[at] = kinds[i] == 0 ? expected[i][at] : 0xA5;
            next += (sizes[i] + 3) / 4;
        }
        const uint32_t begin = cycle();
        calls[index](pointers);
        const uint32_t end = cycle();
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t at = 0; kinds[i] != 2 && at < sizes[i]; at++)
                wrong += ((const uint8_t *)pointers[i])[at] != expected[i][at];
        send(end - begin);
        send(wrong);
    }
    return 0;
}
"""
_VECTORS = """
    .section .rodata
    .balign 16
    .globl vectors
vectors:
    .incbin "{path}"
"""


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
    for number, batch in enumerate(_batches(calls, misalign)):
        image = folder / f"calls{number}"
        image.mkdir()
        outcomes += _run_image(batch, optimize, image)
    return outcomes


def _batches(calls: Sequence[Call], misalign: bool) -> Iterator[list[tuple[Call, bytes]]]:
    batch: list[tuple[Call, bytes]] = []
    for index, call in enumerate(calls):
        vectors = vectors_of(call, index if misalign else 0, 4)
        if sum(len(data) for _, data in batch) + len(vectors) > IMAGE_BYTES:
            yield batch
            batch = []
        batch.append((call, vectors))
    yield batch


def _run_image(batch: Sequence[tuple[Call, bytes]], optimize: str, folder: Path) -> list[Outcome]:
    calls = [call for call, _ in batch]
    source, assembly, binary = folder / "calls.c", folder / "vectors.S", folder / "vectors.bin"
    source.write_text(program(calls) + _MAIN, encoding="utf-8")
    binary.write_bytes(b"".join(data for _, data in batch))
    assembly.write_text(_VECTORS.format(path=binary))
    firmware, smoke = data_folder("firmware"), data_folder("hw") / "sim" / "smoke"
    elf = folder / "calls.elf"
    # fmt: off
    command = [
        "riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "-ffreestanding", "-nostdlib", *WARNINGS,
        *COMPILE_FLAGS[optimize], f"-I{firmware / 'kernels'}", "-T", smoke / "link.ld", smoke / "start.S",
        source, assembly, "-fno-builtin", firmware / "runtime" / "mem.c", "-lgcc", "-o", elf,
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
