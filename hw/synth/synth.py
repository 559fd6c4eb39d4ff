#!/usr/bin/env python3
"""Synthesizes, places and routes Midge for a Lattice ECP5-45k, speed grade 6, and prints size and Fmax.

Of two configurations, one without an extension and one with it, it prints the difference and the cost of each
part.

The steps are those of `smidgen.fpga`, with its tools from PyPI. The memories are real block RAM, smaller than
the simulator's (the largest ECP5 has 416 KiB): --program-kib and --sram-kib.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tomllib
from collections import Counter
from pathlib import Path

from comparison import Placed, cells_of_parts, print_parts, print_placed, print_rates

from smidgen.compile.sources import write_files
from smidgen.errors import SmidgenError
from smidgen.fpga import flow
from smidgen.fpga.bitstream import system_sources

HW = Path(__file__).resolve().parents[1]
TOP = "fpga_system"
RESOURCES = ("TRELLIS_COMB", "TRELLIS_FF", "TRELLIS_RAMW", "MULT18X18D", "DP16KD")
ARITHMETIC = {path.stem for path in (HW / "synth" / "ecp5").glob("*.sv")}
PARTS = "parts.json"


def place(name: str, options: argparse.Namespace) -> tuple[Placed, dict[str, Counter[str]]]:
    """Takes a configuration through the whole flow. Returns what nextpnr and, by parts, Yosys made of it."""
    configurations = tomllib.loads((HW / "configurations.toml").read_text())
    if name not in configurations:
        sys.exit(f"{name}: no such configuration; there are {', '.join(configurations)}")
    configuration = {key: value for key, value in configurations[name].items() if key.isupper()}
    configuration["PROGRAM_BYTES"] = options.program_kib * 1024
    configuration["SRAM_BYTES"] = options.sram_kib * 1024

    folder = options.build.resolve() / f"synth-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    sources = system_sources()
    write_files(folder, sources)
    flow.write_noise(folder, configuration["PROGRAM_BYTES"])
    configuration["PROGRAM_CONTENTS"] = flow.CONTENTS
    print(f"{name}:", flush=True)
    flow.synthesize(folder, TOP, list(sources), configuration, PARTS)
    flow.synthesize(folder, TOP, list(sources), configuration)
    device = ["--45k", "--package", "CABGA381", "--speed", "6"]
    device += ["--freq", str(options.goal_mhz), "--lpf-allow-unconstrained"]
    speeds = []
    for seed in options.seeds:
        routed = flow.place_and_route(folder, device, seed)
        ((speed, _),) = routed.clocks.values()
        speeds.append(speed)
        used = {cell: routed.used.get(cell, 0) for cell in RESOURCES}
        log = (folder / "nextpnr-ecp5.log").read_text(encoding="utf-8")
        used["carry"] = int(re.search(r"carry LUTs:\s+(\d+)", log)[1])
        figures = "  ".join(f"{cell} {count}" for cell, count in used.items())
        print(f"  seed {seed}: {figures}  Fmax {speed:.1f} MHz", flush=True)
    placed = Placed(name, used, tuple(speeds))
    return placed, cells_of_parts(folder / PARTS, TOP, ARITHMETIC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configurations", nargs="+", help="one, or one without an extension and one with it")
    parser.add_argument("--build", type=Path, default=HW.parent / "build" / "hw")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--goal-mhz", type=float, default=60.0, help="what the tools aim at")
    parser.add_argument("--program-kib", type=int, default=32)
    parser.add_argument("--sram-kib", type=int, default=32)
    options = parser.parse_args()

    memories = f"{options.program_kib} KiB program memory, {options.sram_kib} KiB SRAM"
    print(f"ECP5-45k, speed grade 6, {memories}", flush=True)
    try:
        results = [place(name, options) for name in options.configurations]
    except SmidgenError as error:
        sys.exit(str(error))
    print()
    print_placed([placed for placed, _ in results])
    if len(results) == 2:
        (without, parts_without), (with_it, parts_with) = results
        print_parts(parts_without, parts_with)
        logic = with_it.cells["TRELLIS_COMB"] - without.cells["TRELLIS_COMB"]
        print_rates(
            logic, options.build.parent / "bench" / "xmidge.json", HW.parent / "benchmarks" / "peers.toml"
        )


if __name__ == "__main__":
    main()
