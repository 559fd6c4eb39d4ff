"""QEMU's boards with a Cortex-M: started with a firmware image, the UART on a pseudo-terminal."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from smidgen.device.simulators import counting
from smidgen.device.simulators.process import Simulator, await_port, launch
from smidgen.errors import DeviceError, Problem

PROGRAM = "qemu-system-arm"


@dataclass(frozen=True)
class Flashed:
    """What a board's flash holds: the file, and the address of its first byte."""

    contents: Path
    origin: int


def start(image: Path, machine: str, flashed: Flashed | None = None) -> Simulator:
    """Runs an ELF file and returns once the UART's port is known.

    machine: as `qemu-system-arm -machine help` lists them; flashed: runs what is there instead, and takes
    only the addresses of the marks from the ELF file. QEMU ends with this process, however that ends.
    Raises BuildError (no compiler for the plugin) and DeviceError: QEMU is missing, or did not start.
    """
    simulator = launch("QEMU", lambda folder: command_line(image, machine, folder / counting.LOG, flashed))
    await_port(simulator, port_in)
    return simulator


def command_line(image: Path, machine: str, counts: Path, flashed: Flashed | None = None) -> list[str]:
    """How QEMU is called; counts: the log for the plugin. Raises BuildError and DeviceError, as above."""
    program = find(machine)
    arguments = {"file": counting.plugin(_plugin_interface(program)), "log": counts}
    arguments |= {name: hex(address) for name, address in counting.marks(image).items()}
    program_options = ["-kernel", str(image)]
    if flashed is not None:
        loader = {"file": flashed.contents, "addr": hex(flashed.origin), "force-raw": "on"}
        program_options = ["-device", f"loader,{values(loader)}"]
    options = ["-machine", machine, *program_options, "-plugin", values(arguments)]
    return [program, *options, "-display", "none", "-monitor", "none", "-serial", "pty"]


def find(machine: str) -> str:
    """QEMU's path. DeviceError when it is missing, with what it is wanted for."""
    program = shutil.which(PROGRAM)
    if program is None:
        fix = "on Debian and Ubuntu: sudo apt install qemu-system-arm"
        raise DeviceError(Problem(PROGRAM, f"not found; it emulates {machine}", fix))
    return program


def values(pairs: Mapping[str, object]) -> str:
    """NAME=VALUE,... as QEMU's options take it: two commas within a value stand for one."""
    return ",".join(f"{name}={str(value).replace(',', ',,')}" for name, value in pairs.items())


@cache
def _plugin_interface(program: str) -> int:
    """Which version of the interface for plugins this QEMU takes."""
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\d+)", answer.stdout)
    if found is None:
        what = f"does not say its version: {(answer.stdout + answer.stderr).strip()[:500]}"
        raise DeviceError(Problem(program, what))
    return 1 if int(found.group(1)) < 9 else 2


def port_in(line: str) -> str | None:
    """The UART's port in QEMU's first line."""
    found = re.search(r"char device redirected to (\S+)", line)
    return found.group(1) if found else None
