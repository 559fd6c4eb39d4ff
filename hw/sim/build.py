#!/usr/bin/env python3
"""Builds the simulator of one hardware configuration: build.py CONFIGURATION OUTPUT [--trace].

The only recipe for it: `make -C hw sim` and the Python package both come here. Needs verilator, make and g++.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HW = Path(__file__).resolve().parents[1]
# What is around the system.
SIMULATED = [
    f"sim/{name}.sv" for name in ("sdram_chip", "psram_chip", "spi_flash_chip", "no_chip", "simulated_board")
]


def parameters(configuration: str) -> dict[str, int]:
    """The top-level Verilog parameters of a configuration, from configurations.toml."""
    configurations = tomllib.loads((HW / "configurations.toml").read_text())
    if configuration not in configurations:
        sys.exit(f"{configuration}: no such hardware configuration; there are {', '.join(configurations)}")
    return {name: value for name, value in configurations[configuration].items() if name.isupper()}


def sources(folder: Path) -> list[str]:
    """The files of the system below `folder`, with those in sim in place of their namesakes."""
    replaced = {path.name: f"sim/{path.name}" for path in (folder / "sim").glob("*.sv")}
    return [replaced.get(Path(name).name, name) for name in (folder / "sources.f").read_text().split()]


def build(configuration: str, output: Path, trace: bool, verilator: str) -> None:
    """Writes the simulator program to `output`; raises CalledProcessError when a tool fails."""
    with tempfile.TemporaryDirectory(prefix="midge-sim-") as temporary:
        # A copy: make cannot handle a source folder with spaces in its name.
        copy = Path(temporary) / "hw"
        for folder in ("midge", "npu", "soc", "sim"):
            shutil.copytree(HW / folder, copy / folder)
        shutil.copy(HW / "sources.f", copy)
        command = [
            verilator, "--cc", "--exe", "--build", "-Wno-fatal", "--noassert",
            "-O3", "--x-assign", "fast", "--x-initial", "fast",
            "-CFLAGS", "-std=c++17", "-LDFLAGS", "-lutil",
            "-MAKEFLAGS", "OPT_FAST=-O3 OPT_SLOW=-O1 OPT_GLOBAL=-O1",
            "--top-module", "simulated_board", "-Mdir", str(Path(temporary) / "build"), "-o", "midge-sim",
            *sources(copy), *SIMULATED, *(str(path) for path in sorted((copy / "sim").glob("*.cpp"))),
        ]  # fmt: skip
        command += [f"-G{name}={value}" for name, value in parameters(configuration).items()]
        if trace:
            command.append("--trace")
        subprocess.run(command, cwd=copy, check=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(temporary) / "build" / "midge-sim", output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configuration")
    parser.add_argument("output", type=Path)
    parser.add_argument("--trace", action="store_true", help="a slower program that can write a waveform")
    parser.add_argument("--verilator", default="verilator", help="which verilator to use")
    options = parser.parse_args()
    try:
        build(options.configuration, options.output, options.trace, options.verilator)
    except FileNotFoundError as error:
        sys.exit(f"{error.filename}: not found (Debian, Ubuntu: apt-get install verilator make g++)")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
