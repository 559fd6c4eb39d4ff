"""A simulated board with our boot loader, on a flash that outlives it."""

from __future__ import annotations

from pathlib import Path

from smidgen.compile.slots import BOOTLOADER, build_bootloader
from smidgen.device.simulators import verilator
from smidgen.device.simulators.process import Simulator
from smidgen.targets import Target
from smidgen.toolchains import find_compiler

# The boot loader looks at every byte of the image first, which takes a simulator long.
BOOT_SECONDS = 600.0
_ERASED = 0xFF


def start(target: Target, flash: Path) -> Simulator:
    """Starts the board with what is in the file; an erased one gets the boot loader first."""
    prepare(target, flash)
    return verilator.start(None, target.runner.configuration, "tcp", flash=flash)


def prepare(target: Target, flash: Path) -> None:
    """Writes the boot loader to a file that does not start with one: an erased flash, or no file at all."""
    memory = target.memory_of_kind("flash")
    assert memory is not None
    contents = bytearray(flash.read_bytes() if flash.exists() else b"")
    contents += bytes([_ERASED]) * (memory.length - len(contents))
    if contents[:4] != bytes([_ERASED] * 4):
        return
    built = build_bootloader(target, find_compiler(target.toolchain.compiler)) / f"{BOOTLOADER}.bin"
    data = built.read_bytes()
    contents[: len(data)] = data
    flash.write_bytes(contents)
