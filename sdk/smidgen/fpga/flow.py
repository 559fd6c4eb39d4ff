"""The steps of the flow, each in a folder: synthesis, place and route, contents of memories, bitstream."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smidgen.errors import BuildError, Problem
from smidgen.fpga import tools
from smidgen.fpga.netlist import free_chain_ends, pack_product_registers
from smidgen.fpga.tools import FlowFailed

NETLIST, CONFIG, REPORT = "top.json", "top.config", "report.json"
NOISE, PROGRAM = "noise.hex", "program.hex"
CONTENTS = "program"  # what the files with the lanes of the program memory are called
_BANK_DEPTH = 1 << 14  # of hw/synth/ecp5/ram_lane.sv
_CONFIGURATION_MHZ = "38.8"  # at which an ECP5 reads its bitstream from the flash
_UTILISATION = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", re.MULTILINE)


@dataclass(frozen=True)
class Routed:
    """used, available: cells by nextpnr's names; clocks: MHz reached and MHz wanted, by the clock's name."""

    used: Mapping[str, int]
    available: Mapping[str, int]
    clocks: Mapping[str, tuple[float, float]]

    def to_json(self) -> dict[str, Any]:
        return {
            "cells": {
                name: {"used": self.used[name], "available": self.available[name]} for name in self.used
            },
            "clocks": {
                name: {"reached_mhz": reached, "wanted_mhz": wanted}
                for name, (reached, wanted) in self.clocks.items()
            },
        }


def write_noise(folder: Path, size: int) -> None:
    """Contents for a program memory of `size` bytes by which each of its bits can be found after routing.

    Words for the exchange, and bytes of each lane and of each of its banks for synthesis. Noise is different
    in every block and nothing of it can be optimized away.
    """
    contents = random.Random(1).randbytes(size)
    (folder / NOISE).write_text(_words(contents))
    for lane in range(4):
        lines = [f"{byte:02x}" for byte in contents[lane::4]]
        (folder / f"{CONTENTS}.{lane}").write_text("\n".join(lines))
        for bank, first in enumerate(range(0, len(lines), _BANK_DEPTH)):
            text = "\n".join(lines[first : first + _BANK_DEPTH])
            (folder / f"{CONTENTS}.{lane}.{bank}").write_text(text)


def _words(contents: bytes) -> str:
    return "".join(
        f"{int.from_bytes(contents[at : at + 4], 'little'):08x}\n" for at in range(0, len(contents), 4)
    )


def synthesize(
    folder: Path, top: str, sources: Sequence[str], parameters: Mapping[str, int | str], parts: str = ""
) -> None:
    """Runs Yosys on the sources in `folder`; writes the netlist.

    parts: maps each module on its own instead, and writes only their cells, to this file.
    """
    quoted = {name: f'"{value}"' if isinstance(value, str) else value for name, value in parameters.items()}
    elaborated = [f"-G {name}={value}" for name, value in quoted.items()]
    keep = "--keep-hierarchy" if parts else ""
    script = f"read_slang -j 1 {keep} --top {top} {' '.join([*elaborated, *sources])}; "
    if parts:
        script += f"synth_ecp5 -noflatten -top {top}; tee -q -o {parts} stat -json"
    else:
        script += f"synth_ecp5 -top {top} -json {NETLIST}"
    tools.run("yosys", ["-q", "-p", script], folder, "synthesis")
    if not parts:
        free_chain_ends(folder / NETLIST, top)
        pack_product_registers(folder / NETLIST, top)


def place_and_route(folder: Path, options: Sequence[str], seed: int) -> Routed:
    """Runs nextpnr on the netlist; writes the configuration. options: the device, pins, clocks, algorithms.

    A clock that is not reached is no error here. BuildError: it does not fit.
    """
    arguments = [
        *options, "--json", NETLIST, "--seed", str(seed), "--timing-allow-fail", "--report", REPORT,
        "--textcfg", CONFIG,
    ]  # fmt: skip
    try:
        tools.run("nextpnr-ecp5", arguments, folder, "place and route")
    except FlowFailed as error:
        too_many = [
            f"{name} {int(used):,} of {int(available):,} ({int(used) - int(available):,} too many)"
            for name, used, available in _UTILISATION.findall(error.log)
            if int(used) > int(available)
        ]
        if not too_many:
            raise
        fix = "choose a larger FPGA, smaller memories or a smaller configuration"
        raise BuildError(Problem("place and route", f"it does not fit: {', '.join(too_many)}", fix)) from None
    return read_report(folder)


def read_report(folder: Path) -> Routed:
    """What nextpnr said of the design in the folder."""
    report = json.loads((folder / REPORT).read_text())
    cells = {name: values for name, values in sorted(report["utilization"].items()) if values["used"]}
    return Routed(
        used={name: values["used"] for name, values in cells.items()},
        available={name: values["available"] for name, values in cells.items()},
        clocks={
            name.removeprefix("$glbnet$"): (clock["achieved"], clock["constraint"])
            for name, clock in report["fmax"].items()
        },
    )


def exchange_contents(config: Path, noise: Path, program: bytes, folder: Path) -> None:
    """Writes the configuration into `folder` with a program where the noise was; the rest becomes zeros."""
    size = 4 * len(noise.read_text().splitlines())
    if len(program) > size:
        raise BuildError(Problem("bitstream", f"the program has {len(program):,} bytes, its memory {size:,}"))
    (folder / NOISE).write_bytes(noise.read_bytes())
    (folder / "routed.config").write_bytes(config.read_bytes())
    (folder / PROGRAM).write_text(_words(program.ljust(size, b"\0")))
    arguments = ["--input", "routed.config", "--output", CONFIG, "--from", NOISE, "--to", PROGRAM]
    tools.run("ecpbram", arguments, folder, "putting the program into the memory")


def pack(folder: Path, bitstream: str) -> None:
    """Makes the bitstream of the configuration in the folder."""
    arguments = ["--compress", "--freq", _CONFIGURATION_MHZ, "--input", CONFIG, "--bit", bitstream]
    tools.run("ecppack", arguments, folder, "packing the bitstream")
