"""Runs many kernel calls on one of QEMU's boards: outputs compared with the reference, and instructions.

The same calls and vectors as on the host (kernel_harness.py), with the vectors in flash. Results come back by
semihosting, so that nothing but the kernels is under test; marks around each call count its instructions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from kernel_harness import WARNINGS, Call
from kernel_image import Batch, batches, sources

from smidgen.compile.kernels import COMPILE_FLAGS
from smidgen.device.simulators.counting import CountLog
from smidgen.device.simulators.qemu import PROGRAM, command_line
from smidgen.paths import data_folder
from smidgen.targets import load_target

COMPILER = "arm-none-eabi-gcc"
IMAGE_BYTES = 250_000  # of vectors in one image; the smallest flash has 512 KiB
LONGEST = 300  # seconds for one image

_BEFORE = r"""
extern char stack_top[];

static void ask_host(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void stop(void) {
    ask_host(0x18, (const void *)0x20026);
    for (;;)
        continue;
}

static void tell(uint32_t number) {
    char text[12], *at = text + sizeof text;
    *--at = 0;
    *--at = '\n';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    ask_host(4, at);
}

#define MARK(name) __asm__ volatile(".globl smidgen_mark_" name "\nsmidgen_mark_" name ": nop" ::: "memory");
#define BEFORE_CALL MARK("run_begin")
#define AFTER_CALL MARK("run_end")
#define REPORT(wrong) tell(wrong);
"""
_AFTER = r"""
void begin(void) {
#if __ARM_ARCH_PROFILE == 'M' && defined(__ARM_FP)
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: floating point and vectors */
    __asm__ volatile("dsb\nisb");
#endif
    run_calls();
    stop();
}

const void *const table[16] __attribute__((section(".table"), used)) = {
    stack_top, (void *)begin, (void *)stop, (void *)stop, (void *)stop, (void *)stop, (void *)stop};
"""
_LINK = """
SECTIONS {{
    . = {flash};
    .text : {{ KEEP(*(.table)) *(.text*) *(.rodata*) *(.data*) }}
    . = {ram};
    .bss : {{ *(.bss*) . = ALIGN(16); . += 16384; stack_top = .; }}
    /DISCARD/ : {{ *(.ARM.exidx*) *(.comment) *(.ARM.attributes) }}
}}
"""


@dataclass(frozen=True)
class Outcome:
    """Of one call: instructions from call to return, and bytes that differ from what they should be."""

    call: Call
    instructions: int
    wrong: int


def run_on_board(
    calls: Sequence[Call], optimize: str, folder: Path, target: str, misalign: bool = True
) -> list[Outcome]:
    """All calls, in as many images as they need. misalign: whether int8 tensors begin at any address."""
    for tool in (PROGRAM, COMPILER):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (`smidgen doctor` says how to get it)")
    outcomes = []
    for number, batch in enumerate(batches(calls, misalign, IMAGE_BYTES)):
        image = folder / f"calls{number}"
        image.mkdir()
        outcomes += _run_image(batch, optimize, image, target)
    return outcomes


def _run_image(batch: Batch, optimize: str, folder: Path, name: str) -> list[Outcome]:
    calls = [call for call, _ in batch]
    script, elf, counts = folder / "link.ld", folder / "calls.elf", folder / "counts"
    answers = folder / "answers"
    target = load_target(name)
    flash, ram = (next(m.origin for m in target.memories if m.kind == kind) for kind in ("flash", "ram"))
    script.write_text(_LINK.format(flash=flash, ram=ram))
    firmware = data_folder("firmware")
    # fmt: off
    command = [
        COMPILER, *target.toolchain.flags, "-nostdlib", *WARNINGS, *COMPILE_FLAGS[optimize], "-fno-builtin",
        f"-I{firmware / 'kernels'}", "-T", script, *sources(batch, _BEFORE, _AFTER, folder),
        firmware / "runtime" / "mem.c", "-lgcc", "-o", elf,
    ]
    # fmt: on
    compiled = subprocess.run(command, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    full = [arg for arg in command_line(elf, target.runner.machine, counts) if arg not in ("-serial", "pty")]
    full += ["-serial", "none", "-chardev", f"file,id=host,path={answers}"]
    full += ["-semihosting-config", "enable=on,target=native,chardev=host"]
    alive, held = os.pipe()  # QEMU ends with its standard input
    try:
        ran = subprocess.run(full, stdin=alive, capture_output=True, text=True, timeout=LONGEST)
    finally:
        os.close(alive)
        os.close(held)
    wrong = [int(line) for line in answers.read_text().splitlines()]
    stopped = calls[len(wrong)].name if len(wrong) < len(calls) else ""
    assert ran.returncode == 0 and not stopped, f"exit code {ran.returncode} in {stopped}: {ran.stderr}"
    counted = CountLog(counts).new_counts()["run"]
    return [Outcome(*of_call) for of_call in zip(calls, counted, wrong, strict=True)]
