"""What Smidgen needs on this machine, whether it is there, and how to get it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True)
class Finding:
    """found: its version or place, None when it is missing; fix: how to get it; required: whether a command
    of Smidgen cannot work without it (the others are for tests and training)."""

    name: str
    purpose: str
    found: str | None
    fix: str
    required: bool


_PROGRAMS = (
    ("gcc", "the target host", "sudo apt-get install gcc"),
    ("g++", "building the simulator", "sudo apt-get install g++"),
    ("make", "building the simulator", "sudo apt-get install make"),
    ("verilator", "simulating Midge", "sudo apt-get install verilator"),
    ("riscv64-unknown-elf-gcc", "firmware for RISC-V", "sudo apt-get install gcc-riscv64-unknown-elf"),
)
_PACKAGES = (
    ("numpy", "the reference", True),
    ("pyserial", "the serial line", True),
    ("smp", "the protocol", True),
    ("ai-edge-litert", "validate --against litert", True),
    ("tflite-micro", "validate --against tflm", False),
    ("tensorflow", "training the examples", False),
)


def examine() -> list[Finding]:
    """Every program and package, in the order in which they are needed."""
    python = Finding("python", "everything", platform.python_version(), "install Python 3.11 or newer", True)
    return [python, *map(_program, _PROGRAMS), *map(_package, _PACKAGES)]


def _program(entry: tuple[str, str, str]) -> Finding:
    name, purpose, fix = entry
    path = shutil.which(name)
    return Finding(name, purpose, path and f"{_first_line(path)} ({path})", fix, True)


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
