"""Results used at once, and after one or two others, in every combination of producer and consumer."""

from __future__ import annotations

import itertools

import midge_encoding as e
import pytest
from midge_runner import Midge, assemble

# x10 is written by the producer and read by the consumer. x2 points at data, x11 is 7.
# Each producer: instructions before it, then itself. What it leaves in x10 is small or an address in SRAM.
DATA = 0x10000100
PRODUCERS = {
    "add": ([*e.li(12, DATA)], e.op("add", 10, 12, 0)),
    "addi": ([*e.li(12, DATA)], e.op_imm("addi", 10, 12, 4)),
    "lui": ([], e.lui(10, DATA >> 12)),
    "auipc": ([], e.auipc(10, 0)),
    "c.mv": ([*e.li(12, DATA)], e.c_mv(10, 12)),
    "c.li": ([], e.c_li(10, -5)),
    "lw": ([], e.load("lw", 10, 2, 0)),
    "lh": ([], e.load("lh", 10, 2, 10)),
    "lbu": ([], e.load("lbu", 10, 2, 9)),
    "c.lwsp": ([], e.c_lwsp(10, 0)),
    "lw from program memory": ([e.auipc(12, 0)], e.load("lw", 10, 12, 0)),
    "mul": ([*e.li(12, DATA // 4), *e.li(13, 4)], e.op("mul", 10, 12, 13)),
    "mulh": ([*e.li(12, DATA), *e.li(13, 0x40000000)], e.op("mulh", 10, 12, 13)),
    "mulhsu": ([*e.li(12, -2), *e.li(13, 0x40000000)], e.op("mulhsu", 10, 12, 13)),
    "mulhu": ([*e.li(12, 0x40000400), *e.li(13, 0x40000000)], e.op("mulhu", 10, 12, 13)),
    "div": ([*e.li(12, DATA * 2), *e.li(13, 2)], e.op("div", 10, 12, 13)),
    "remu": ([*e.li(12, 1003), *e.li(13, 1000)], e.op("remu", 10, 12, 13)),
    "csrrw": ([*e.li(12, 0x1234)], e.csr("csrrw", 10, 0x340, 12)),
    "csrr minstret": ([], e.csr("csrrs", 10, 0xB02, 0)),
    "jal": ([], e.jal(10, 4)),
    "nothing": ([*e.li(10, 5)], e.store("sw", 11, 2, 32)),
}
CONSUMERS = {
    "first operand": e.op("sub", 14, 10, 11),
    "second operand": e.op("sub", 14, 11, 10),
    "both operands": e.op("add", 14, 10, 10),
    "itself": e.op("add", 10, 10, 11),
    "compressed": e.c_add(10, 10),
    "shift amount": e.op("sll", 14, 11, 10),
    "multiplier": e.op("mulh", 14, 11, 10),
    "multiplicand": e.op("mul", 14, 10, 11),
    "divisor": e.op("divu", 14, 11, 10),
    "dividend": e.op("rem", 14, 10, 11),
    "branch, first": e.branch("bltu", 10, 11, 8),
    "branch, second": e.branch("bge", 11, 10, 8),
    "compressed branch": e.c_branch("bnez", 10, 6),
    "store data": e.store("sw", 10, 2, 16),
    "store byte": e.store("sb", 10, 2, 17),
    "store address": e.store("sb", 11, 10, 3),
    "load address": e.load("lbu", 14, 10, 1),
    "load over it": e.load("lb", 10, 10, 2),
    "CSR operand": e.csr("csrrw", 14, 0x340, 10),
    "CSR address stays": e.csr("csrrs", 10, 0x340, 10),
}
BETWEEN = {
    "at once": [],
    "after one": [e.op_imm("addi", 15, 15, 1)],
    "after a load": [e.load("lw", 15, 2, 4)],
    "after a mulh": [e.op("mulh", 15, 15, 15)],
    "after a store": [e.store("sh", 15, 2, 24)],
    "after two": [e.C_NOP, e.op_imm("addi", 15, 15, 1)],
}


def text(instruction: int) -> str:
    size = "word" if instruction & 3 == 3 else "half"
    return f"  .{size} {instruction:#x}"


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_operand_is_the_last_value_written(midge: Midge, consumer: str) -> None:
    """Judged by the model; both alignments of the pair. What is no address traps, which is as good."""
    lines = [f"  li x2, {DATA:#x}", "  li x11, 7", "  li a5, 0x13579"]
    for offset in range(0, 32, 4):
        lines += [f"  li t0, {DATA + 32 + offset:#x}", f"  sw t0, {offset}(x2)"]
    for before, producer in PRODUCERS.values():
        for between in BETWEEN.values():
            for crossing in (False, True):
                lines += [text(i) for i in before]
                if crossing:
                    lines.append(text(e.C_NOP))
                lines += [text(i) for i in (producer, *between, CONSUMERS[consumer])]
                # the place skipped by a taken branch; then both results are used again
                lines += [text(e.op_imm("addi", 14, 14, 3)), text(e.op("xor", 16, 14, 10))]
    lines.append("  finish")
    image = assemble(".option norvc\n" + "\n".join(lines))
    result = midge.check(image.data)
    consumed = (result.records["insn"] == CONSUMERS[consumer]).sum()
    assert consumed >= len(PRODUCERS) * len(BETWEEN) * 2


ORDERS = [
    (a, b) for a in ("sb", "sh", "sw", "lb", "lhu", "lw") for b in ("sb", "sh", "sw", "lb", "lhu", "lw")
]


@pytest.mark.parametrize("first,second", ORDERS)
def test_back_to_back_accesses(midge: Midge, first: str, second: str) -> None:
    """Two accesses in a row at every aligned pair of offsets in two words, then both words are read back."""

    def access(name: str, register: int, offset: int) -> int:
        encode = e.store if name in e.STORE else e.load
        return encode(name, register, 2, offset)

    step = {"b": 1, "h": 2, "w": 4}
    lines = [
        f"  li x2, {DATA:#x}",
        "  li x10, 0x89abcdef",
        "  li x11, 0xfedcba98",
        "  sw x0, 0(x2)",
        "  sw x0, 4(x2)",
    ]
    for i in range(0, 8, step[first[1]]):
        for j in range(0, 8, step[second[1]]):
            words = (access(first, 10, i), access(second, 11, j), access("lw", 12, 0), access("lw", 13, 4))
            lines += [text(word) for word in words]
            lines += ["  addi x10, x10, 0x123", "  xori x11, x11, 0x2b7"]
    midge.check(assemble("\n".join([*lines, "  finish"])).data)


def test_loads_from_program_memory_between_fetches(midge: Midge) -> None:
    """Data reads of every width and alignment beside the fetches of a loop that does not fit the queue."""
    result, _ = midge.check_source("""
  la s0, table
  la s2, table_end
  li s1, 0
1: lbu a0, 0(s0)
  lb a1, 1(s0)
  lhu a2, 2(s0)
  lh a3, 0(s0)
  lw a4, 0(s0)
  c.lw a5, 4(s0)
  add s1, s1, a0
  add s1, s1, a1
  beqz a2, 2f
  add s1, s1, a3
  mul s1, s1, a4
2: add s1, s1, a5
  addi s0, s0, 4
  bne s0, s2, 1b
  report s1
  finish
.balign 4
table:
  .word 0x01020304, 0xfffefdfc, 0x80007fff, 0x00000080, 0x12345678, 0x8000ff00, 0, 0xdeadbeef
table_end:
  .word 0x55aa55aa
""")
    assert len(result.reported) == 1


@pytest.mark.parametrize("gap", [0, 1, 2, 4])
@pytest.mark.parametrize("width", ["lw", "lhu", "lb"])
def test_dense_loads_from_program_memory(midge: Midge, width: str, gap: int) -> None:
    """Every order of four loads from three words, two of them neighbours, `gap` instructions apart: each load
    gets its own word, whatever the memory holds ready or is fetching in that cycle."""
    lines = ["  la s0, table"]
    for order in itertools.product((0, 4, 40), repeat=4):
        for index, offset in enumerate(order):
            lines += [f"  {width} a{index}, {offset}(s0)", *["  addi t0, t0, 1"] * gap]
    values = ".word 0x80018283, 0x90019293" + ", 0x12345678" * 8 + ", 0xa001a2a3"
    midge.check_source("\n".join([*lines, "  finish", ".balign 4", f"table: {values}"]))


ACCESSES = {
    "program": "lw {r}, 4(s0)",
    "program neighbour": "lhu {r}, 10(s0)",
    "sram": "lw {r}, 8(s1)",
    "sram store": "sw s2, 12(s1)",
    "sram store, byte": "sb s2, 13(s1)",
    "system": "lw {r}, 4(s3)",
    "system, byte": "lb {r}, 4(s3)",
    "timer": "lw {r}, 8(s4)",
    "timer store": "sw s2, 8(s4)",
    "nowhere": "lw {r}, 0(s5)",
    "store nowhere": "sb s2, 1(s5)",
}


@pytest.mark.parametrize("first", ACCESSES)
def test_accesses_to_different_regions_in_a_row(midge: Midge, first: str) -> None:
    """Three accesses back to back, to any regions in any order: no answer is mixed up with another's."""
    lines = ["  la s0, table", "  li s1, 0x10000100", "  li s2, 0x0badcafe", "  li s3, 0x20020000"]
    lines += ["  li s4, 0x20010000", "  li s5, 0x30000000", "  li s6, 0x600df00d", "  sw s6, 8(s1)"]
    for second, third in itertools.product(ACCESSES, ACCESSES):
        for index, name in enumerate((first, second, third)):
            lines.append("  " + ACCESSES[name].format(r=f"a{index}"))
        lines += ["  lw a3, 12(s1)", "  lw a4, 8(s4)", "  xori s2, s2, -1"]
    result, _ = midge.check_source(
        "\n".join([*lines, "  finish", ".balign 4", "table: .word 1, 0x81828384, 0x91929394"])
    )
    compare_register = result.records[(result.records["mem_addr"] == 0x20010008)]
    written = 0xFFFFFFFF
    for record in compare_register.tolist():
        if record[6] >> 8:
            written = record[8]
        else:
            assert record[7] == written, "mtimecmp reads back as written"
