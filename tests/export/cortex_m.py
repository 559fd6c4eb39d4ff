"""A Cortex-M in QEMU for the libraries' examples: where their users have a board and its C library."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from smidgen.targets import Target, load_target

BOARD = Path(__file__).parent / "board"
MEM_C = Path(__file__).resolve().parents[2] / "firmware" / "runtime" / "mem.c"
SECONDS = 120


@dataclass(frozen=True)
class CortexM:
    """libboard.a and memory.ld in a folder, and the machine that runs what is linked with them."""

    folder: Path
    target: Target

    @property
    def flags(self) -> list[str]:
        return [*self.target.toolchain.flags, "-ffunction-sections", "-fdata-sections"]

    @property
    def machine(self) -> str:
        assert self.target.runner.machine
        return self.target.runner.machine

    def run(self, elf: Path) -> subprocess.CompletedProcess[str]:
        """What the program wrote (on stderr, as QEMU has it), and how it ended."""
        options = ["-nographic", "-monitor", "none", "-serial", "none"]
        options += ["-semihosting-config", "enable=on,target=native", "-kernel", str(elf)]
        return run("qemu-system-arm", "-machine", self.machine, *options)


def run(*command: object, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command with its output; environment: further variables."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
        timeout=SECONDS,
        check=False,
    )


def done(*command: object, folder: Path | None = None, **environment: str) -> str:
    """The output of a command that must succeed."""
    result = run(*command, folder=folder, **environment)
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}"
    return result.stdout + result.stderr


def need(*programs: str) -> None:
    """Skip the test when one of these is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def make_board(name: str, folder: Path) -> CortexM:
    """The board of a target, built into a folder."""
    need("arm-none-eabi-gcc", "qemu-system-arm")
    target = load_target(name)
    board = CortexM(folder, target)
    flash, ram = target.memory_of_kind("flash"), target.memory_of_kind("ram")
    assert flash and ram
    (folder / "memory.ld").write_text(
        f"MEMORY {{ flash (rx) : ORIGIN = {flash.origin}, LENGTH = {flash.length}\n"
        f"ram (rw) : ORIGIN = {ram.origin}, LENGTH = {ram.length} }}\n"
    )
    objects = []
    for source in (BOARD / "board.c", BOARD / "printf.c", MEM_C):
        objects.append(folder / f"{source.stem}.o")
        options = [*board.flags, "-std=gnu99", "-O2", "-fno-builtin"]
        options += ["-fno-tree-loop-distribute-patterns", "-isystem", BOARD / "include"]
        done("arm-none-eabi-gcc", *options, "-c", source, "-o", objects[-1])
    done("arm-none-eabi-gcc-ar", "rcs", folder / "libboard.a", *objects)
    return board
