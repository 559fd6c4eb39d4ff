"""Encoders of the instructions of Xmidge and of values for its registers, from its table."""

from __future__ import annotations

from collections.abc import Iterable

from xmidge_model import (
    CODED,
    COLUMNS,
    CUSTOM_0,
    CUSTOM_1,
    FUNCT3,
    NO_RESULT,
    NO_RS2,
    POINTER,
    REGISTERS,
    TABLE,
)

FUNCT7 = {i["name"]: i["funct7"] for i in TABLE["instruction"] if "funct7" in i}


def word(funct3: int, funct7: int, rd: int, rs1: int, rs2: int) -> int:
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | CUSTOM_0


def nn(name: str, rd: int = 0, rs1: int = 0, rs2: int = 0, group: int = 0) -> int:
    """Any instruction but loop and those that name a register; pointer forms take rd from rs1."""
    funct7 = FUNCT7[name]
    code = funct7 if isinstance(funct7, int) else funct7[group]
    return word(FUNCT3[name], code, rs1 if name in POINTER else rd, rs1, rs2)


def nn_set(register: str, rs1: int, rs2: int = 0) -> int:
    return word(FUNCT3["set"], REGISTERS[register]["code"], 0, rs1, rs2)


def nn_get(register: str, rd: int, rs2: int = 0) -> int:
    return word(FUNCT3["get"], REGISTERS[register]["code"], rd, 0, rs2)


def nn_ldm(register: str, rs1: int, rs2: int) -> int:
    return word(FUNCT3["ldm"], REGISTERS[register]["code"], rs1, rs1, rs2)


def nn_loop(rs1: int, size: int) -> int:
    return size << 20 | rs1 << 15 | FUNCT3["loop"] << 12 | CUSTOM_1


def fields(register: str, **values: int) -> int:
    """The register's value with these fields, as they are in the register, and 0 in the others."""
    places = {name: (low, bits) for name, low, bits, _ in REGISTERS[register]["fields"]}
    result = 0
    for name, value in values.items():
        low, bits = places[name]
        result |= (value & (1 << bits) - 1) << low
    return result


def shape(
    width: int = 0, pixels: int = 1, words: int = 1, channels: int = 1, vector: int = 0, shared: int = 0
) -> int:
    """pixels, words and channels as numbers of them."""
    counts = {"pixels": pixels - 1, "words": words - 1, "channels": channels - 1}
    return fields("shape", width=width, vector=vector, shared=shared, **counts)


def window(first: int = 0, rows: int = 3, taps: int = 3, stride: int = 1, lanes: int = 4) -> int:
    """taps, stride and lanes as numbers of them."""
    return fields("window", first=first, rows=rows, taps=taps - 1, stride=stride - 1, lanes=lanes - 1)


def output(zero_point: int = 0, minimum: int = -128, maximum: int = 127, left_shift: int = 0) -> int:
    return fields("output", zero_point=zero_point, minimum=minimum, maximum=maximum, left_shift=left_shift)


def _macro(instruction: dict) -> str:
    """nn.NAME for the assembler: a register's code, then rd, rs1 and rs2 as far as they are used, a group."""
    name, funct3 = instruction["name"], instruction["funct3"]
    if name == "loop":
        return f".macro nn.loop count, size\n  .insn i {CUSTOM_1}, {funct3}, x0, \\count, \\size\n.endm\n"
    first = ["code"] if name in CODED else ["group=0"] if name in COLUMNS else []
    funct7 = "\\code" if name in CODED else f"{FUNCT7[name]}"
    if name in COLUMNS:
        funct7 = f"{FUNCT7[name][0]} + \\group"
    rd = [] if name in NO_RESULT or name in POINTER else ["rd"]
    rs1 = [] if name == "get" else ["rs1"]
    rs2 = [] if name in NO_RS2 else ["rs2=x0"]
    registers = [
        "\\rd" if rd else "\\rs1" if name in POINTER else "x0",
        "\\rs1" if rs1 else "x0",
        "\\rs2" if rs2 else "x0",
    ]
    parameters = ", ".join(
        [
            *(part for part in first if "=" not in part),
            *rd,
            *rs1,
            *rs2,
            *(part for part in first if "=" in part),
        ]
    )
    body = f".insn r {CUSTOM_0}, {funct3}, {funct7}, {', '.join(registers)}"
    return f".macro nn.{name} {parameters}\n  {body}\n.endm\n"


MACROS = "".join(
    [_macro(instruction) for instruction in TABLE["instruction"]]
    + [f".equ {name.upper()}, {register['code']}\n" for name, register in REGISTERS.items()]
)

# Used by the directed tests: t0 to t2 are theirs.
MACROS += """
.macro put code, value, element=0
  li t0, \\value
  li t1, \\element
  nn.set \\code, t0, t1
.endm
.macro fill code, label, count, first=0
  la t0, \\label
  li t1, \\first + 65536 * \\count
  nn.ldm \\code, t0, t1
.endm
.macro report_elements code, count, first=0
  li t0, \\first
  li t1, \\first + \\count
8: nn.get \\code, t2, t0
  report t2
  addi t0, t0, 1
  bne t0, t1, 8b
.endm
.macro report_words address, count
  li t0, \\address
  li t1, \\address + 4 * \\count
8: lw t2, 0(t0)
  report t2
  addi t0, t0, 4
  bne t0, t1, 8b
.endm
"""


# What directed programs begin with: reset leaves the state undefined, and the model begins with zeros.
CLEAR = (
    "".join(
        f"  put {name.upper()}, 0\n"
        if register["length"] == 1
        else f"  li t0, 0\n  li t1, {register['length']}\n8: nn.set {name.upper()}, zero, t0\n"
        "  addi t0, t0, 1\n  bne t0, t1, 8b\n"
        for name, register in REGISTERS.items()
    )
    + "  li t0, 0x10000000\n  nn.lda t0\n.balign 4\n"
)


def data(label: str, values: bytes | Iterable[int]) -> str:
    """Assembly of a table: bytes as they are, or words."""
    # At a half-word address .balign does nothing while compressed instructions are off.
    align = ".option push\n.option rvc\n.balign 4\n.option pop\n"
    if isinstance(values, bytes):
        return f"{align}{label}: .byte {', '.join(map(str, values))}\n{align}"
    return f"{align}{label}: .word {', '.join(str(value & 0xFFFFFFFF) for value in values)}\n"
