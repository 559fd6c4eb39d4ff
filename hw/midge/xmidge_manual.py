"""The manual page of Xmidge, docs/xmidge.md, from its table."""

from __future__ import annotations

import re

from xmidge_form import instruction_form

START = """\
<!-- Made by hw/midge/xmidge.py from hw/midge/xmidge.toml. -->
# Xmidge, Midge's neural-network extension
"""

ENCODING = """\
## Encoding

All instructions have 32 bits and lie in the two opcodes that RISC-V leaves to vendors. Every encoding that this page
does not list, and every operand that an instruction calls illegal, raises an illegal-instruction exception: nothing
has then changed, and `mtval` holds the instruction.

```
 31        25 24   20 19   15 14    12 11    7 6       0
|   funct7   |  rs2  |  rs1  | funct3 |   rd  |  opcode |   R-type, custom-0 (0001011): all but loop
|      immediate     |  rs1  | funct3 |   rd  |  opcode |   I-type, custom-1 (0101011): loop
```

`rs1`, `rs2` and `rd` in the descriptions are the values in those registers; where the operands say x0, the field must
be 0. In C, the header `firmware/kernels/midge/xmidge.h` has a function for each instruction (`.insn` to the assembler,
so that an unchanged GCC will do) and `XMIDGE_ASM_...` macros for blocks of assembly.
"""

STATE = """\
## Saving and restoring the state

`get` and `set` reach all state but the activations, and `ldm` loads whole arrays. The activations are read through
the dot products: with `shape` at width 2, a `macf` whose weight word has 01 in one 2-bit field and 0 elsewhere leaves
one byte of the activations of every pixel in the accumulators; `lda` at width 2 writes them back. `column` must be set
after the activations, `loop_count`, `loop_start` and `loop_end` last. `firmware/kernels/midge/state.h` does all this
(`xmidge_save`, `xmidge_restore`). Code that leaves Xmidge alone, interrupt handlers above all, need not care: nothing
but the instructions on this page changes the state, and a loop is dormant while its last instruction is not executed.
"""


def manual_text(table: dict) -> str:
    parts = [START, table["summary"].strip() + "\n", ENCODING, _overview(table), _registers(table)]
    parts += ["## Instructions\n", *(_instruction(table, each) for each in table["instruction"])]
    parts += [f"## Requantization\n\n{_code(table['arithmetic'])}\n", STATE, EXAMPLE]
    return "\n".join(parts)


def _code(text: str) -> str:
    return text.strip()


def _bits(value: int, bits: int) -> str:
    return f"{value:0{bits}b}"


def _overview(table: dict) -> str:
    lines = ["| Instruction | opcode | funct3 | funct7 | rd | rs1 | rs2 |", "|---|---|---|---|---|---|---|"]
    for instruction in table["instruction"]:
        form = instruction_form(table, instruction)
        name = instruction["name"]
        if name == "loop":
            funct7, rs2 = "immediate", "immediate"
        else:
            funct7 = _funct7(form.funct7)
            rs2 = "rs2" if form.rs2 else "x0"
        rd = {"result": "rd", "pointer": "= rs1", None: "x0"}[form.rd]
        opcode, rs1 = _bits(form.opcode, 7), "rs1" if form.rs1 else "x0"
        lines.append(
            f"| [{name}](#{name}) | {opcode} | {_bits(form.funct3, 3)} | {funct7} | {rd} | {rs1} | {rs2} |"
        )
    return "\n".join([*lines, ""])


def _funct7(values: tuple[int, ...]) -> str:
    if not values:
        return "register's code"
    return _bits(values[0], 7) if len(values) == 1 else f"{_bits(values[0] >> 2, 5)} group"


def _registers(table: dict) -> str:
    lines = ["## Registers\n", "Undefined after reset. Signed values wrap or extend to 32 bits.\n"]
    lines += ["| Code | Register | Elements | Meaning |", "|---|---|---|---|"]
    for register in table["register"]:
        code, length = register["code"], register["length"]
        lines.append(f"| {code} | {register['name']} | {length} | {register['meaning']} |")
    for register in table["register"]:
        if "fields" in register:
            lines += ["", f"### {register['name']}\n", "| Bits | Field | Meaning |", "|---|---|---|"]
            for name, low, bits, meaning in register["fields"]:
                place = f"{low + bits - 1}:{low}" if bits > 1 else f"{low}"
                lines.append(f"| {place} | {name} | {meaning} |")
            lines += ["", "Other bits must be 0."]
            if "illegal" in register:
                lines[-1] += f" Also illegal: {register['illegal']}."
    return "\n".join([*lines, ""])


def _instruction(table: dict, instruction: dict) -> str:
    lines = [f"### {instruction['name']}\n", f"Operands: {instruction['operands']}.\n"]
    lines.append(_code(instruction["effect"]) + "\n")
    if "illegal" in instruction:
        lines.append(f"Illegal: {instruction['illegal']}.\n")
    if "cycles" in instruction:
        lines.append(f"Cycles: {instruction['cycles']}.\n")
    return "\n".join(lines)


EXAMPLE = """\
## Example
"""
