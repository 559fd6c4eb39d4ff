"""The manual page of Xmidge, docs/xmidge.md, from its table."""

from __future__ import annotations

from xmidge_form import instruction_form

START = """\
<!-- Made by hw/midge/xmidge.py from hw/midge/xmidge.toml. -->
# Xmidge, Midge's neural-network extension
"""

ENCODING = """\
## Encoding

All instructions have 32 bits and lie in two of the opcodes that RISC-V leaves to vendors. An encoding
that is not on this page and an operand that is called illegal raise an illegal-instruction exception;
nothing has changed then, and `mtval` holds the instruction.

```
 31        25 24   20 19   15 14    12 11    7 6       0
|   funct7   |  rs2  |  rs1  | funct3 |   rd  |  opcode |   custom-0 (0001011): all but loop
|      immediate     |  rs1  | funct3 |   rd  |  opcode |   custom-1 (0101011): loop
```

In the descriptions `rs1`, `rs2` and `rd` are the values of the registers that these fields name; x0
means that the field must be 0, and "rd = rs1" that both fields must name the same register, a pointer.
In C, the header `firmware/kernels/midge/xmidge.h` has a function for each instruction (by `.insn`, so
that an unchanged GCC will do) and a macro `XMIDGE_ASM_...` for blocks of assembly.

mem32[a] is a little-endian word, mem8[a] a byte; words and bytes of weights and activations are signed;
accumulators wrap at 32 bits. Accesses of mac, macf, ldm, add and sub to words must be aligned, or the
access raises a misaligned-load exception; those of lda and col need not be. After an access fault
`mtval` is the address of the access that failed (lda and col: of its aligned word).
"""

STATE = """\
## Saving and restoring the state

`get` and `set` reach all state but the activations, and `ldm` loads whole arrays. The activations are
read by a dot product: after the accumulators are saved, `macf` at width 2, with a weight word for each
channel that has 01 in one of its sixteen fields and 0 in the others, puts each byte of each plane into
an accumulator of its own. `lda` at width 2 writes them back; it comes first, for it needs `shape` and
`pixel_step`. `loop_count` comes last, and is 0 until `loop_start` and `loop_end` are there.
`firmware/kernels/midge/state.h` does all this (`xmidge_save`, `xmidge_restore`).

An interrupt handler that leaves Xmidge alone need not save anything: a loop goes back only from the
instruction before its `loop_end`.
"""

EXAMPLE = """\
## Example

Sixteen outputs of a fully connected layer with int8 weights. A weight word holds the weights of one
output for four inputs; the words lie in the order in which they are used, [inputs / 4][16].

```c
#include "xmidge.h"

void fully_connected_16(const int8_t *x, uint32_t inputs, const uint32_t *weights,
                        const int32_t *bias, const uint32_t *multiplier, const uint32_t *shift,
                        int8_t *y) {
    const void *activations = x, *step = weights;
    xmidge_set(XMIDGE_SHAPE, XMIDGE_SHAPE_CHANNELS(16 - 1), 0);
    xmidge_set(XMIDGE_OUTPUT,
               XMIDGE_OUTPUT_ZERO_POINT(0) | XMIDGE_OUTPUT_MINIMUM(-128) | XMIDGE_OUTPUT_MAXIMUM(127), 0);
    xmidge_ldm(XMIDGE_BIAS, bias, 0, 16);
    xmidge_ldm(XMIDGE_MULTIPLIER, multiplier, 0, 16);
    xmidge_ldm(XMIDGE_SHIFT, shift, 0, 16 / 4);

    activations = xmidge_lda(activations);
    step = xmidge_macf(step);
    __asm__ volatile(XMIDGE_ASM_BEGIN XMIDGE_ASM_LOOP("%2", "8")
                     XMIDGE_ASM_LDA("%0")
                     XMIDGE_ASM_MAC("%1")
                     XMIDGE_ASM_END
                     : "+r"(activations), "+r"(step)
                     : "r"(inputs / 4 - 1)
                     : "memory");
    xmidge_rqc(y, 0);
}
```

The loop needs no instruction for its count or its branch: a step takes one cycle for the activations and
sixteen for the weights, in each of which the four products of a word are accumulated for up to four
pixels.
"""


def manual_text(table: dict) -> str:
    parts = [START, table["summary"].strip() + "\n", ENCODING, _overview(table), _registers(table)]
    parts += ["## Instructions\n", *(_instruction(table, each) for each in table["instruction"])]
    parts += [f"## Cycles\n\n{_text(table['cycles'])}\n"]
    parts += [f"## Requantization\n\n{_text(table['arithmetic'])}\n", STATE, EXAMPLE]
    return "\n".join(parts)


def _text(text: str) -> str:
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
    lines = ["## Registers\n", "After reset `loop_count` is 0 and the others are undefined.\n"]
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
    lines.append(_text(instruction["effect"]) + "\n")
    if "illegal" in instruction:
        lines.append(f"Illegal: {instruction['illegal']}.\n")
    lines.append(f"[Cycles](#cycles): {instruction['cycles']}.\n")
    return "\n".join(lines)
