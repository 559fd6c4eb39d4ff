"""The Midge simulator: built from `hw/` with Verilator, cached by content, started with its UART on a port.

`build` compiles one hardware configuration of `hw/configurations.toml`; `start` runs a firmware image on it.
"""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from smidgen.device.simulators.process import (
    DidNotStart,
    Simulator,
    await_port,
    launch,
    port_of_uart_line,
)
from smidgen.errors import BuildError, Problem, ProblemList, UsageError
from smidgen.paths import cache_folder, data_folder
from smidgen.targets.configurations import configurations

Uart = Literal["stdio", "pty", "tcp"]

POWER_CUT = 125

_TOOLS = {"verilator": "verilator", "g++": "g++", "make": "make"}


def build(configuration: str, trace: bool = False) -> Path:
    """The simulator program of a configuration, compiled if the cache does not hold it yet.

    trace: a slower program that can also write waveforms. Safe to call from several processes at once.
    Raises UsageError for a configuration that is unknown or cannot be, BuildError when a tool is missing or
    fails.
    """
    known = configurations()
    if configuration not in known:
        near = difflib.get_close_matches(configuration, known) or list(known)
        raise UsageError(
            Problem(configuration, "no such hardware configuration", f"nearest: {', '.join(near)}")
        )
    if known[configuration].get("NPU") and known[configuration].get("PROGRAM_WAIT_STATES"):
        what = "has PROGRAM_WAIT_STATES, but its neural engine (NPU) reads program memory in one cycle"
        raise UsageError(Problem(configuration, what, "let PROGRAM_WAIT_STATES be 0"))
    _require_tools()
    folder = cache_folder() / "simulators"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"{configuration}{'-trace' if trace else ''}-{_key(configuration, trace)}"
    if program.exists():
        return program
    # Whoever comes second waits for the first and finds the program done.
    with (folder / f"{program.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _compile(configuration, trace, program)
    return program


def _require_tools() -> None:
    problems = ProblemList()
    for tool, package in _TOOLS.items():
        if _find_tool(tool) is None:
            problems.add(
                tool, "not found; it builds the simulator", f"Debian, Ubuntu: apt-get install {package}"
            )
    problems.stop_if_any(BuildError)


def _find_tool(name: str) -> str | None:
    """On the path, or beside this Python (a virtual environment that is not activated)."""
    beside = Path(sys.executable).parent / name
    return shutil.which(name) or (str(beside) if os.access(beside, os.X_OK) else None)


def _key(configuration: str, trace: bool) -> str:
    """A hash of all that goes into the program: sources, parameters, options and tools."""
    hw = data_folder("hw")
    digest = hashlib.sha256(f"{configuration} {trace}".encode())
    files = [hw / "configurations.toml", hw / "sources.f", hw / "sim" / "build.py"]
    files += [hw / line for line in (hw / "sources.f").read_text().split()]
    files += sorted(path for path in (hw / "sim").iterdir() if path.suffix in (".cpp", ".h", ".sv"))
    for file in files:
        digest.update(file.relative_to(hw).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    for tool in ("verilator", "g++"):
        path = _find_tool(tool)
        version = subprocess.run([str(path), "--version"], capture_output=True, check=False).stdout
        digest.update(str(path).encode() + b"\0" + version)
    return digest.hexdigest()[:16]


def _compile(configuration: str, trace: bool, program: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="build-", dir=program.parent) as temporary:
        output = Path(temporary) / "midge-sim"
        command = [sys.executable, str(data_folder("hw") / "sim" / "build.py"), configuration, str(output)]
        command += ["--verilator", str(_find_tool("verilator")), *(["--trace"] if trace else [])]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0 or not output.exists():
            raise BuildError(
                Problem(
                    f"simulator {configuration}",
                    "Verilator or g++ failed:\n" + (result.stdout + result.stderr)[-4000:],
                    "smidgen doctor checks the tools",
                )
            )
        output.replace(program)


def start(
    image: str | Path | None,
    configuration: str,
    uart: Uart = "pty",
    *,
    uart_cycles: int | None = None,
    max_cycles: int | None = None,
    trace: str | Path | None = None,
    rvfi: str | Path | None = None,
    stats: str | Path | None = None,
    flash: str | Path | None = None,
    copy_flash: bool = False,
    power_cut: str | None = None,
) -> Simulator:
    """Runs an image (.elf, or .bin for address 0) and returns once the UART's port is known.

    uart_cycles: cycles per byte each way; max_cycles: give up with exit code 124; trace, rvfi, stats: files
    to write (waveform, a record per instruction, cycle counts; docs/midge.md). flash: the file that is the
    SPI flash chip or, of a configuration with NOR flash, the program memory: made from the image where it is
    missing, and there enough without one where it is not; copy_flash: the file stays as it is. power_cut:
    "N:before", "N:inside" or "N:after", the operation on the flash at which the power fails and the simulator
    ends with code POWER_CUT. It ends with this process too, however that ends.
    Raises BuildError, UsageError (a bad image), DeviceError (it did not start).
    """
    program = build(configuration, trace=trace is not None)
    command = [str(program), "--uart", uart, *(["--image", str(image)] if image is not None else [])]
    named = {
        "uart-cycles": uart_cycles, "max-cycles": max_cycles, "trace": trace, "rvfi": rvfi, "stats": stats,
        "power-cut": power_cut,
    }  # fmt: skip
    for option, value in named.items():
        if value is not None:
            command += [f"--{option}", str(value)]
    if uart != "stdio":
        command.append("--exit-with-stdin")

    def complete(folder: Path) -> list[str]:
        if flash is None:
            return command
        used = shutil.copy(flash, folder / "flash.bin") if copy_flash else flash
        return [*command, "--flash", str(used)]

    simulator = launch("the simulator", complete)
    if uart == "stdio":
        return simulator
    try:
        await_port(simulator, port_of_uart_line)
    except DidNotStart as error:
        if error.code == UsageError.exit_code:
            raise UsageError(Problem("simulator", error.text.removeprefix("midge-sim: "))) from None
        raise
    return simulator
