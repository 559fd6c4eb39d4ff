"""Xmidge's table, hw/midge/xmidge.toml, and what the fields of its instructions mean."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Form:
    """What an instruction's fields mean. rd: "result", "pointer" (the same register as rs1), None (x0)."""

    opcode: int
    funct3: int
    funct7: tuple[int, ...]  # every value that it takes; () for a register's code
    rd: str | None
    rs1: bool
    rs2: bool
    memory: bool

    @property
    def grouped(self) -> bool:
        return len(self.funct7) > 1


def load_table() -> dict:
    return tomllib.loads((HERE / "xmidge.toml").read_text(encoding="utf-8"))


def instruction_form(table: dict, instruction: dict) -> Form:
    """The operands are read from their text, "as NAME" standing for another instruction's."""
    by_name = {other["name"]: other for other in table["instruction"]}
    operands, effect = instruction["operands"], instruction["effect"]
    if other := re.fullmatch(r"as (\w+)", operands):
        operands = by_name[other[1]]["operands"]
    while other := re.match(r"as (\w+)", effect):
        effect = by_name[other[1]]["effect"]
    funct7 = instruction.get("funct7", ())
    rd = "pointer" if "rd = rs1" in operands else None if "rd = x0" in operands else "result"
    takes_value = "rs1 = value" in operands
    return Form(
        opcode=table["opcodes"][instruction.get("opcode", "custom-0")],
        funct3=instruction["funct3"],
        funct7=(funct7,) if isinstance(funct7, int) else tuple(funct7),
        rd=rd,
        rs1=rd == "pointer" or ("rs1" in operands and "rs1 = x0" not in operands),
        rs2="rs2" in operands and "rs2 = x0" not in operands,
        memory=not takes_value and "mem" in effect,
    )


def field_mask(register: dict) -> int:
    """The bits of a register that may be set."""
    if "fields" not in register:
        return 0xFFFFFFFF
    return sum((1 << bits) - 1 << low for _, low, bits, _ in register["fields"])
