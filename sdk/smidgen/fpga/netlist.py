"""What vendors' tools do themselves between synthesis and placement, done to the netlist of Yosys."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any


def free_chain_ends(netlist: Path, top: str) -> None:
    """Disconnects the ends of carry chains that do not count: nextpnr would put cells behind each.

    They are carries out that nothing uses, and carries in below a bit of zeros (ecp5/carry_chain.sv).
    """
    design = json.loads(netlist.read_text())
    cells = design["modules"][top]["cells"].values()
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


def pack_product_registers(netlist: Path, top: str) -> None:
    """Moves flip-flops that do nothing but keep a product into its multiplier, which has a register for it.

    Yosys leaves them behind the multiplier, and the way to them is part of long paths. A multiplier stays as
    it is where an output has other users, or where its flip-flops have an enable or a reset.
    """
    design = json.loads(netlist.read_text())
    cells = design["modules"][top]["cells"]
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
        if max(map(len, kept.values())) > 1 or not all(map(_is_plain_flip_flop, flip_flops.values())):
            continue
        for port, names in kept.items():
            for name in names:
                flip_flop = cells.pop(name)["connections"]
                pins |= {port: flip_flop["Q"], "CLK0": flip_flop["CLK"], "CE0": ["1"], "RST0": ["0"]}
        multiplier["port_directions"] |= dict.fromkeys(("CLK0", "CE0", "RST0"), "input")
        multiplier["parameters"]["REG_OUTPUT_CLK"] = "CLK0"
    netlist.write_text(json.dumps(design))


def _is_plain_flip_flop(cell: dict[str, Any]) -> bool:
    """Whether it takes what it is given at every rising edge."""
    if cell["type"] != "TRELLIS_FF":
        return False
    settings = {name: cell["parameters"][name].strip() for name in ("CLKMUX", "CEMUX")}
    return settings == {"CLKMUX": "CLK", "CEMUX": "1"} and cell["connections"]["LSR"] == ["0"]
