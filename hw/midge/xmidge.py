"""Writes what is made from Xmidge's table, hw/midge/xmidge.toml: RTL constants, C header, manual page.

    python hw/midge/xmidge.py [--check]

--check writes nothing and fails if a file is not what the table says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from xmidge_form import HERE, ROOT, Form, field_mask, instruction_form, load_table
from xmidge_manual import manual_text

# ------------------------------------------------------------------------------------------ SystemVerilog


# Names that Verilator would have to change, the model being C++.
NOT_IN_CPP = {"vector": "vector_mode"}


def package_text(table: dict) -> str:
    lines = [
        "// Encoding and registers of the neural-network extension Xmidge: made by hw/midge/xmidge.py",
        "// from hw/midge/xmidge.toml.",
        "package midge_nn_package;",
        "",
        "  // The whole table is here, used or not.",
        "  // verilator lint_off UNUSEDPARAM",
        "",
        "  // Major opcodes (instruction bits 6:2).",
    ]
    for name, opcode in table["opcodes"].items():
        constant = name.upper().replace("-", "_")
        lines.append(f"  localparam logic [4:0] OPCODE_{constant} = 5'b{opcode >> 2:05b};")
    lines += [
        "",
        "  // funct3 and funct7 of the instructions; where a group is in funct7, it is in bits 1:0.",
    ]
    for instruction in table["instruction"]:
        form = instruction_form(table, instruction)
        name = instruction["name"].upper()
        lines.append(f"  localparam logic [2:0] FUNCT3_{name} = 3'd{form.funct3};")
        if form.funct7:
            lines.append(f"  localparam logic [6:0] FUNCT7_{name} = 7'd{form.funct7[0]};")
    lines += ["", "  // Registers: code (funct7 of set, get and ldm) and number of elements."]
    for register in table["register"]:
        name = register["name"].upper()
        lines.append(f"  localparam logic [6:0] REGISTER_{name} = 7'd{register['code']};")
        lines.append(f"  localparam logic [8:0] LENGTH_{name} = 9'd{register['length']};")
    for register in table["register"]:
        if len(register.get("fields", ())) > 1:
            lines += ["", *_struct(register)]
    return "\n".join([*lines, "", "  // verilator lint_on UNUSEDPARAM", "endpackage", ""])


def _struct(register: dict) -> list[str]:
    """A register of several fields as a packed word, and the bits of it that may be set."""
    name, members, top = register["name"], [], 32
    for field, low, bits, meaning in sorted(register["fields"], key=lambda field: -field[1]):
        if low + bits < top:
            members.append(_member(top - low - bits, f"zero_{low + bits}", ""))
        members.append(_member(bits, NOT_IN_CPP.get(field, field), f"  // {meaning}"))
        top = low
    return [
        "  typedef struct packed {",
        *members,
        f"  }} {name}_t;",
        f"  localparam logic [31:0] {name.upper()}_MASK = 32'h{field_mask(register):08x};",
    ]


def _member(bits: int, name: str, comment: str) -> str:
    width = f" [{bits - 1}:0]" if bits > 1 else ""
    return f"    logic{width} {name};{comment}"


# ------------------------------------------------------------------------------------------ C

# What rs1 and rs2 hold, as parameters of the C functions; rd = rs1 is a pointer.
C_PARAMETERS = {
    "set": ("uint32_t value", "uint32_t element"),
    "get": (None, "uint32_t element"),
    "lda": ("const void *pointer", None),
    "mac": ("const void *pointer", None),
    "macf": ("const void *pointer", None),
    "col": ("const void *pointer", None),
    "cola": ("const void *pointer", None),
    "colv": ("uint32_t value", None),
    "colva": ("uint32_t value", None),
    "rqc": ("void *output", "uint32_t first"),
    "rqw": ("void *output", "uint32_t windows"),
    "rqv": ("int32_t value", "uint32_t parameter"),
    "taba": ("int32_t zero_point", "uint32_t parameter"),
    "tabb": ("int32_t zero_point", "uint32_t parameter"),
    "add": ("const void *pointer", "uint32_t parameter"),
    "sub": ("const void *pointer", "uint32_t parameter"),
    "max4": ("uint32_t a", "uint32_t b"),
    "min4": ("uint32_t a", "uint32_t b"),
}
STATELESS = ("max4", "min4")  # the compiler may move or drop these

HEADER_START = """\
/* Xmidge, Midge's neural-network extension, for C: made by hw/midge/xmidge.py from
 * hw/midge/xmidge.toml. docs/xmidge.md says what the instructions do. Codes and groups must be
 * constants; pointers come back advanced. */
#ifndef SMIDGEN_KERNELS_MIDGE_XMIDGE_H
#define SMIDGEN_KERNELS_MIDGE_XMIDGE_H

#include <stdint.h>
"""

FIELD_MACRO = "#define XMIDGE_FIELD(n, low, bits) (((n) & ((1u << (bits)) - 1u)) << (low))"

HEADER_MIDDLE = """\
#define XMIDGE_INLINE static inline __attribute__((always_inline))

/* rs2 of rqw. */
#define XMIDGE_WINDOWS(slot, count, first)                                                         \\
    ((uint32_t)(slot) | (uint32_t)(count) << 8 | (uint32_t)(first) << 16)

#ifndef __riscv
#include "xmidge_host.h"
#else

/* Text for asm blocks. The parameters are strings: registers such as "%0" or "a0", numbers such as
 * "8". A block with a loop stands between BEGIN and END: aligned, instructions of 4 bytes. */
#define XMIDGE_ASM_BEGIN ".option push\\n.balign 4\\n.option norvc\\n"
#define XMIDGE_ASM_END ".option pop\\n"
"""


def header_text(table: dict) -> str:
    lines = [HEADER_START, "/* Codes of the registers. */"]
    for register in table["register"]:
        lines.append(f"#define XMIDGE_{register['name'].upper()} {register['code']}")
    lines += ["", "/* Fields of the registers: each macro puts a value into its place. */", FIELD_MACRO]
    for register in table["register"]:
        for field, low, bits, _ in register.get("fields", ()):
            constant = f"XMIDGE_{register['name']}_{field}".upper()
            lines.append(f"#define {constant}(n) XMIDGE_FIELD(n, {low}, {bits})")
    lines += ["", HEADER_MIDDLE]
    for instruction in table["instruction"]:
        lines += _asm_macro(instruction["name"], instruction_form(table, instruction))
    for instruction in table["instruction"]:
        if instruction["name"] == "ldm":
            lines += ["", LDM_FUNCTION]
        elif instruction["name"] in C_PARAMETERS:
            lines += ["", *_function(instruction["name"], instruction_form(table, instruction))]
    return "\n".join([*lines, "", "#endif /* __riscv */", "#endif", ""])


def _asm_macro(name: str, form: Form) -> list[str]:
    """#define XMIDGE_ASM_<NAME>(...): one line of assembly as a string."""
    if name == "loop":
        parameters, body = ["count", "bytes"], f'".insn i {form.opcode:#04x}, 0, x0, " count ", " bytes "\\n"'
    else:
        parameters, funct7 = [], f"{form.funct7[0]}" if form.funct7 else '" code "'
        if form.grouped:
            parameters, funct7 = ["group"], f'{form.funct7[0]} + " group "'
        elif not form.funct7:
            parameters = ["code"]
        registers = []
        for field, used in (("rd", form.rd), ("rs1", form.rs1), ("rs2", form.rs2)):
            same = field == "rs1" and form.rd == "pointer"
            if used and not same:
                parameters.append("pointer" if used == "pointer" else field)
            operand = "pointer" if same or used == "pointer" else field
            registers.append(f'" {operand} "' if used else "x0")
        body = f'".insn r {form.opcode:#04x}, {form.funct3}, {funct7}, {", ".join(registers)}\\n"'
    start = f"#define XMIDGE_ASM_{name.upper()}({', '.join(parameters)})"
    if len(start) + 1 + len(body) <= 100:
        return [f"{start} {body}"]
    return [f"{start:<99}\\", f"    {body}"]


def _function(name: str, form: Form) -> list[str]:
    """The function of one instruction."""
    first, second = C_PARAMETERS[name]
    arguments = [argument for argument in (first, second) if argument]
    names = {
        field: argument.split()[-1].lstrip("*")
        for field, argument in zip(("rs1", "rs2"), (first, second), strict=True)
        if argument
    }
    funct7 = str(form.funct7[0]) if form.funct7 else "%[code]"
    constants = ""
    if form.grouped:
        arguments.insert(0, "uint32_t group")
        funct7, constants = "%[funct7]", f'[funct7] "i"({form.funct7[0]} + group)'
    elif not form.funct7:
        arguments.insert(0, "uint32_t code")
        constants = '[code] "i"(code)'
    if form.rd == "pointer":
        result, operands = "const void *", ["%[pointer]", "%[pointer]", "%z[rs2]" if form.rs2 else "x0"]
        outputs, inputs = '[pointer] "+r"(pointer)', [f'[rs2] "rJ"({names["rs2"]})'] if form.rs2 else []
    else:
        result = {"rqv": "int32_t "}.get(name, "uint32_t ") if form.rd else "void "
        used = {"rd": bool(form.rd), "rs1": form.rs1, "rs2": form.rs2}
        places = {"rd": "%[rd]", "rs1": "%z[rs1]", "rs2": "%z[rs2]"}
        operands = [place if used[field] else "x0" for field, place in places.items()]
        outputs = '[rd] "=r"(result)' if form.rd else ""
        inputs = [f'[{field}] "rJ"({names[field]})' for field in ("rs1", "rs2") if used[field]]
    inputs = [part for part in (constants, *inputs) if part]
    text = f'".insn r {form.opcode:#04x}, {form.funct3}, {funct7}, {", ".join(operands)}"'
    volatile = "" if name in STATELESS else " volatile"
    start = f"    __asm__{volatile}("
    lines = [f"XMIDGE_INLINE {result}xmidge_{name}({', '.join(arguments)}) {{"]
    if form.rd == "result":
        lines.append(f"    {result}result;")
    rest = [outputs, ", ".join(inputs), *(['"memory"'] if form.memory else [])]
    rest = [f"{' ' * len(start)}: {part}".rstrip() for part in rest]
    lines += ["\n".join([f"{start}{text}", *rest]) + ");"]
    if form.rd:
        lines.append(f"    return {'pointer' if form.rd == 'pointer' else 'result'};")
    return [*lines, "}"]


LDM_FUNCTION = """\
XMIDGE_INLINE const void *xmidge_ldm(uint32_t code, const void *pointer, uint32_t first,
                                     uint32_t count) {
    __asm__ volatile(".insn r 0x0b, 2, %[code], %[pointer], %[pointer], %[rs2]"
                     : [pointer] "+r"(pointer)
                     : [code] "i"(code), [rs2] "r"(first | count << 16)
                     : "memory");
    return pointer;
}"""


def outputs(table: dict) -> dict[Path, str]:
    """The files and what they must contain."""
    return {
        HERE / "rtl" / "midge_nn_package.sv": package_text(table),
        ROOT / "firmware" / "kernels" / "midge" / "xmidge.h": header_text(table),
        ROOT / "docs" / "xmidge.md": manual_text(table),
    }


def main(arguments: list[str]) -> int:
    stale = []
    for path, text in outputs(load_table()).items():
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
    if stale:
        print(f"not what hw/midge/xmidge.toml says: {', '.join(stale)}; run python hw/midge/xmidge.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
