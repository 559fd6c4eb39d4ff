"""Programs of others that write to boards: finding them, running them, and errors that say what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from smidgen.errors import DeviceError, Problem

# What a program needs for a whole image over a slow line; one that hangs is ended.
FLASH_SECONDS = 600.0
PROBE_SECONDS = 60.0
_MESSAGE_LINES = 8
_PIP = "{python} -m pip install {package}"
_APT = "on Debian and Ubuntu: sudo apt install {package}"
# How to get each program.
_SOURCES = {
    "pyocd": (_PIP, "pyocd"),
    "esptool": (_PIP, "esptool"),
    "stm32loader": (_PIP, "stm32loader"),
    "openocd": (_APT, "openocd"),
    "dfu-util": (_APT, "dfu-util"),
    "gdb-multiarch": (_APT, "gdb-multiarch"),
    "openFPGALoader": (_APT, "openfpgaloader"),
    "bossac": (_APT, "bossa-cli"),
    "teensy_loader_cli": (_APT, "teensy-loader-cli"),
}


def install_hint(name: str) -> str:
    """How to get a program that is missing."""
    text, package = _SOURCES.get(name, ("install {package} and put it on the search path", name))
    return text.format(python=sys.executable, package=package)


def find(name: str) -> str | None:
    """A program on the search path, or beside this Python (a virtual environment that is not activated)."""
    beside = Path(sys.executable).parent / name
    return shutil.which(name) or (str(beside) if os.access(beside, os.X_OK) else None)


def run(command: Sequence[str], what: str, seconds: float = FLASH_SECONDS, check: bool = True) -> str:
    """What a program wrote, standard output and errors together.

    Raises DeviceError: it is missing, failed (unless `check` is off), or did not end within `seconds`.
    """
    name = command[0]
    path = find(name)
    if path is None:
        raise DeviceError(Problem(name, "this program is not installed", install_hint(name)))
    try:
        answer = subprocess.run(
            [path, *command[1:]],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        said = _end(error.stdout or b"")
        raise DeviceError(Problem(what, f"{name} did not end within {seconds:g} s{said}")) from None
    except OSError as error:
        raise DeviceError(Problem(what, f"{path} does not run: {error.strerror or error}")) from error
    if check and answer.returncode:
        what_failed = f"{name} ended with code {answer.returncode}{_end(answer.stdout)}"
        raise DeviceError(Problem(what, what_failed, f"command: {' '.join(command)}"))
    return answer.stdout.decode(errors="replace")


def _end(output: bytes) -> str:
    """The last lines of a program's output, to follow a sentence."""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    return "".join(f"\n    {line}" for line in lines[-_MESSAGE_LINES:])
