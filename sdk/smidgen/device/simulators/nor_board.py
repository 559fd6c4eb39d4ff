"""A simulated board with our boot loader, on a flash that outlives it."""

from __future__ import annotations

from pathlib import Path

from smidgen.compile.slots import BOOTLOADER, build_bootloader
from smidgen.device.simulators import verilator
from smidgen.device.simulators.process import Simulator
from smidgen.targets import Target
from smidgen.targets.types import STORAGE
from smidgen.toolchains import find_compiler

# The boot loader looks at every byte of the image first, which takes a simulator long.
BOOT_SECONDS = 600.0
_ERASED = 0xFF


def start(target: Target, flash: Path) -> Simulator:
    """Starts the board with what is in the file; an erased one gets the boot loader first."""
    prepare(target, flash)
    return verilator.start(program(target), target.runner.configuration, "tcp", flash=flash)


def start_copy(target: Target, flash: Path) -> Simulator:
    """Starts the board with what is in the file at first; the file stays as it is."""
    image = program(target)
    if image is None:
        return verilator.start(flash, target.runner.configuration, "tcp")
    return verilator.start(image, target.runner.configuration, "tcp", flash=flash, copy_flash=True)


def program(target: Target) -> Path | None:
    """The boot loader where it lies beside the flash, in memory that the hardware comes with."""
    if target.memory_of_kind(STORAGE) is None:
        return None
    return _bootloader(target) / f"{BOOTLOADER}.elf"


def prepare(target: Target, flash: Path) -> None:
    """Makes the file as long as the flash, and writes the boot loader to one that does not start with one: an
    erased flash, or no file at all."""
    memory = target.image_flash
    assert memory is not None
    contents = bytearray(flash.read_bytes() if flash.exists() else b"")
    contents += bytes([_ERASED]) * (memory.length - len(contents))
    if memory.kind != STORAGE:
        if contents[:4] != bytes([_ERASED] * 4):
            return
        data = (_bootloader(target) / f"{BOOTLOADER}.bin").read_bytes()
        contents[: len(data)] = data
    flash.write_bytes(contents)


def _bootloader(target: Target) -> Path:
    return build_bootloader(target, find_compiler(target.toolchain.compiler))
