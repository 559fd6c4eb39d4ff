"""Names of Xmidge's instructions, from the table that describes them."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

from smidgen.paths import data_folder


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((data_folder("hw") / "midge" / "xmidge.toml").read_text(encoding="utf-8"))


def mnemonic(instruction: int) -> str:
    """What an instruction is called, as far as its major opcode and fields say: "set shape", "mac", "no
    instruction of Xmidge"."""
    table = _table()
    opcodes = {code: name for name, code in table["opcodes"].items()}
    opcode = opcodes.get(instruction & 0x7F)
    if opcode is None:
        return "no instruction of Xmidge"
    funct3, funct7 = instruction >> 12 & 7, instruction >> 25
    for one in table["instruction"]:
        functs = one.get("funct7", funct7)
        matches = funct7 in functs if isinstance(functs, list) else funct7 == functs
        if one.get("opcode", "custom-0") == opcode and one["funct3"] == funct3 and matches:
            return " ".join([one["name"], *_register(one, funct7)])
    return f"unknown, opcode {opcode}"


def _register(instruction: dict[str, Any], code: int) -> list[str]:
    """The register that an instruction names in funct7."""
    if "funct7" in instruction or instruction.get("opcode") == "custom-1":
        return []
    names = [one["name"] for one in _table()["register"] if one["code"] == code]
    return names or [f"of an unknown register, {code}"]
