"""What the FPGA flow does between its tools, on netlists of a few cells."""

from __future__ import annotations

import json
from pathlib import Path

from smidgen.fpga.netlist import free_chain_ends, pack_product_registers

TOP = "top"


def carry(first: str, table: str, carry_in: object, carry_out: int) -> dict[str, object]:
    """A carry cell of two bits, the lower one with the constant `first` at its inputs."""
    inputs = {port: [first] for port in ("A0", "B0", "C0", "D0")} | {"CIN": [carry_in]}
    directions = dict.fromkeys(inputs, "input") | {"COUT": "output"}
    return {
        "type": "CCU2C",
        "parameters": {"INIT0": table},
        "port_directions": directions,
        "connections": inputs | {"COUT": [carry_out]},
    }


def test_only_ends_of_carry_chains_that_do_not_count_are_freed(tmp_path: Path) -> None:
    quiet, loud = "0111100010001000", "1001011010101001"  # of four zeros: no carry, a carry
    cells = {
        "starts": carry("0", quiet, "0", 10),
        "ends": carry("1", quiet, 10, 11),
        "has a carry in that counts": carry("0", loud, "0", 12),
        "uses it": carry("1", quiet, 12, 13),
    }
    netlist = tmp_path / "top.json"
    netlist.write_text(json.dumps({"modules": {TOP: {"cells": cells}}}))
    free_chain_ends(netlist, TOP)
    freed = json.loads(netlist.read_text())["modules"][TOP]["cells"]
    ends = [(cell["connections"]["CIN"][0], cell["connections"]["COUT"][0]) for cell in freed.values()]
    assert ends == [("x", 10), (10, "x"), ("0", 12), (12, "x")]


def multiplier(product: list[int]) -> dict[str, object]:
    outputs = {f"P{n}": [bit] for n, bit in enumerate(product)}
    return {
        "type": "MULT18X18D",
        "parameters": {},
        "port_directions": dict.fromkeys(outputs, "output"),
        "connections": outputs,
    }


def flip_flop(bit: int, kept: int, enable: str = "1 ", reset: object = "0") -> dict[str, object]:
    connections = {"CLK": [1], "DI": [bit], "LSR": [reset], "Q": [kept]}
    return {
        "type": "TRELLIS_FF",
        "parameters": {"CLKMUX": "CLK", "CEMUX": enable},
        "port_directions": dict.fromkeys(connections, "input") | {"Q": "output"},
        "connections": connections,
    }


def test_products_that_only_flip_flops_keep_are_kept_in_the_multiplier(tmp_path: Path) -> None:
    cells = {
        "kept": multiplier([10, 11, 12]),  # nothing uses the last bit
        "kept 0": flip_flop(10, 13),
        "kept 1": flip_flop(11, 14),
        "enabled": multiplier([20]),
        "enabled 0": flip_flop(20, 21, enable="CE"),
        "reset": multiplier([30]),
        "reset 0": flip_flop(30, 31, reset=2),
        "used before": multiplier([40]),
        "used before 0": flip_flop(40, 41),
        "user": carry("1", "0" * 16, 40, 42),
        "not kept": multiplier([50]),
        "other user": carry("1", "0" * 16, 50, 52),
    }
    netlist = tmp_path / "top.json"
    netlist.write_text(json.dumps({"modules": {TOP: {"cells": cells}}}))
    pack_product_registers(netlist, TOP)
    packed = json.loads(netlist.read_text())["modules"][TOP]["cells"]
    assert cells.keys() - packed.keys() == {"kept 0", "kept 1"}
    assert packed["kept"]["parameters"] == {"REG_OUTPUT_CLK": "CLK0"}
    outputs = {"P0": [13], "P1": [14], "P2": [12]}
    assert packed["kept"]["connections"] == outputs | {"CLK0": [1], "CE0": ["1"], "RST0": ["0"]}
    unchanged = cells.keys() - {"kept", "kept 0", "kept 1"}
    assert all(packed[name] == cells[name] for name in unchanged)
