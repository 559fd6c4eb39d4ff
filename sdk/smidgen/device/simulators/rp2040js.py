"""The RP2040 in rp2040js, an emulator in JavaScript: fetched by npm on first use, run by node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from elftools.elf.elffile import ELFFile

from smidgen.compile.cache import cached
from smidgen.device.simulators import counting
from smidgen.device.simulators.process import Simulator, await_port, launch, port_of_uart_line
from smidgen.errors import DeviceError, Problem

VERSION = "1.4.1"
_FLASH = 0x1000_0000
_INSTALL = "on Debian and Ubuntu: sudo apt install nodejs npm"


def start(image: Path) -> Simulator:
    """Runs an ELF file and returns once the UART's port is known.

    Raises DeviceError: node or npm is missing, rp2040js cannot be fetched, or does not start.
    """
    program, script = _tool("node"), Path(__file__).parent / "rp2040.cjs"
    library = package()
    marks = [f"{name}={address:#x}" for name, address in counting.marks(image).items()]

    def command(folder: Path) -> list[str]:
        flash = folder / "flash"
        flash.write_bytes(_flash_content(image))
        return [program, str(script), str(library), str(flash), str(folder / counting.LOG), *marks]

    simulator = launch("rp2040js", command)
    await_port(simulator, port_of_uart_line)
    return simulator


def package() -> Path:
    """The folder of the package, fetched if the cache does not hold it yet."""

    def fetch(folder: Path) -> None:
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        command = [_tool("npm"), "install", *options, "--prefix", str(folder), f"rp2040js@{VERSION}"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            what = f"npm cannot fetch version {VERSION}:\n{answer.stderr.strip()[-1000:]}"
            raise DeviceError(Problem("rp2040js", what, "it needs the network, once"))

    return cached("simulators", f"rp2040js-{VERSION}", fetch) / "node_modules" / "rp2040js"


def _flash_content(image: Path) -> bytes:
    content = bytearray()
    with image.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            offset = segment["p_paddr"] - _FLASH
            if segment["p_filesz"]:
                content += b"\xff" * (offset + segment["p_filesz"] - len(content))
                content[offset : offset + segment["p_filesz"]] = segment.data()
    return bytes(content)


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise DeviceError(Problem(name, "not found; it runs rp2040js, which emulates the RP2040", _INSTALL))
    return path
