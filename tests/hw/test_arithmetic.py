"""Arithmetic on corner operands: literal answers where the specification gives them, the model elsewhere."""

from __future__ import annotations

import itertools

import midge_encoding as e
import pytest
from midge_random_frame import CORNERS
from midge_runner import Midge, Result, assemble

MIN, MAX, ONES = 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF

# (operand 1, operand 2, result); divisions by zero and overflow from table 7.1 of the specification.
LITERAL = {
    "add": [(ONES, 1, 0), (MAX, 1, MIN), (MIN, MIN, 0)],
    "sub": [(0, 1, ONES), (MIN, 1, MAX), (5, 5, 0), (0, MIN, MIN)],
    "sll": [(1, 31, MIN), (1, 32, 1), (0xDEADBEEF, 4, 0xEADBEEF0), (ONES, ONES, MIN)],
    "srl": [(MIN, 31, 1), (MIN, 32, MIN), (0xDEADBEEF, 4, 0x0DEADBEE), (ONES, ONES, 1)],
    "sra": [(MIN, 31, ONES), (MIN, 32, MIN), (0xDEADBEEF, 4, 0xFDEADBEE), (MAX, 31, 0)],
    "slt": [(MIN, MAX, 1), (MAX, MIN, 0), (ONES, 0, 1), (0, 0, 0)],
    "sltu": [(MIN, MAX, 0), (MAX, MIN, 1), (ONES, 0, 0), (0, ONES, 1)],
    "xor": [(0xF0F0F0F0, 0xFF00FF00, 0x0FF00FF0)],
    "or": [(0xF0F0F0F0, 0xFF00FF00, 0xFFF0FFF0)],
    "and": [(0xF0F0F0F0, 0xFF00FF00, 0xF000F000)],
    "mul": [(ONES, ONES, 1), (MIN, MIN, 0), (0x10001, 0x10001, 0x20001), (MAX, 2, 0xFFFFFFFE)],
    "mulh": [(ONES, ONES, 0), (MIN, MIN, 0x40000000), (MIN, MAX, 0xC0000000), (MAX, MAX, 0x3FFFFFFF)],
    "mulhsu": [(ONES, ONES, ONES), (MIN, MIN, 0xC0000000), (MIN, ONES, MIN), (MAX, ONES, 0x7FFFFFFE)],
    "mulhu": [(ONES, ONES, 0xFFFFFFFE), (MIN, MIN, 0x40000000), (MIN, MAX, 0x3FFFFFFF), (MAX, 2, 0)],
    "div": [(7, 0, ONES), (0, 0, ONES), (MIN, ONES, MIN), (MIN, 1, MIN), (-7 & ONES, 2, -3 & ONES),
            (7, -2 & ONES, -3 & ONES)],
    "divu": [(7, 0, ONES), (0, 0, ONES), (MIN, ONES, 0), (ONES, 1, ONES), (ONES, MIN, 1)],
    "rem": [(7, 0, 7), (0, 0, 0), (MIN, ONES, 0), (MIN, 0, MIN), (-7 & ONES, 2, ONES), (7, -2 & ONES, 1)],
    "remu": [(7, 0, 7), (0, 0, 0), (MIN, ONES, MIN), (ONES, MIN, MAX), (ONES, 0, ONES)],
}  # fmt: skip
IMMEDIATES = (0, 1, -1, 2, 31, 255, 2047, -2048, -1366, 1365)


def run_words(midge: Midge, words: list[int]) -> tuple[Result, int]:
    """Runs encoded instructions; the result and the address of the first."""
    data = "\n".join(f"  .word {word:#010x}" for word in words)
    image = assemble(f".option norvc\nbody:\n{data}\n  finish")
    return midge.check(image.data), image.symbols["body"]


@pytest.mark.parametrize("name", e.OP)
def test_register_operation(midge: Midge, name: str) -> None:
    cases = LITERAL[name]
    pairs = [(a, b) for a, b, _ in cases] + list(itertools.product(CORNERS, CORNERS))
    words: list[int] = []
    places = []
    for a, b in pairs:
        words += [*e.li(10, a), *e.li(11, b)]
        places.append(4 * len(words))
        words.append(e.op(name, 12, 10, 11))
    result, body = run_words(midge, words)
    for (a, b, want), place in zip(cases, places, strict=False):
        [record] = result.at(body + place)
        assert record["rd_value"] == want, f"{name} {a:#x}, {b:#x}"


@pytest.mark.parametrize("name", e.OP_IMM)
def test_immediate_operation(midge: Midge, name: str) -> None:
    words = []
    for value, immediate in itertools.product(CORNERS, IMMEDIATES):
        words += [*e.li(10, value), e.op_imm(name, 12, 10, immediate)]
    run_words(midge, words)


@pytest.mark.parametrize("name", e.SHIFT_IMM)
def test_shift_by_every_amount(midge: Midge, name: str) -> None:
    register_form = name.removesuffix("i")
    words = []
    for value, amount in itertools.product((ONES, MIN, 1, 0xDEADBEEF, MAX), range(32)):
        words += [*e.li(10, value), e.op_imm(name, 12, 10, amount), *e.li(11, amount | 0x60)]
        words += [e.op(register_form, 13, 10, 11), e.op("xor", 14, 12, 13), e.store("sw", 14, 3, 0)]
    result, _ = run_words(midge, words)
    assert result.reported == [0] * 160


def test_upper_immediates(midge: Midge) -> None:
    words = []
    for upper in (0, 1, 0x7FFFF, 0x80000, 0xFFFFF, 0xABCDE):
        words += [e.lui(10, upper), e.auipc(11, upper)]
    run_words(midge, words)


@pytest.mark.parametrize("name", e.BRANCH)
def test_branch_decisions(midge: Midge, name: str) -> None:
    words = []
    for a, b in itertools.product(CORNERS, CORNERS):
        words += [*e.li(10, a), *e.li(11, b), e.branch(name, 10, 11, 8), e.op_imm("addi", 12, 12, 1)]
    run_words(midge, words)


@pytest.mark.parametrize("offset", [-4096, -2050, -2048, -6, -4, 6, 8, 30, 2046, 2048, 4094])
def test_branches_reach_every_distance(midge: Midge, offset: int) -> None:
    """A taken branch over `offset` bytes lands there, also at an odd half word."""
    forward = f"b:\n  beq x0, x0, t\n  .skip {offset - 4}\nt:\n  j ok\n" if offset > 0 else ""
    backward = f"  j b\nt:\n  j ok\n  .skip {-offset - 4}\nb:\n  beq x0, x0, t\n" if offset < 0 else ""
    result, image = midge.check_source(
        f".option norvc\n  nop\n.option rvc\n  c.nop\n.option norvc\n{forward}{backward}ok:\n  finish"
    )
    [record] = result.at(image.symbols["b"])
    assert int(record["next_pc"]) - int(record["pc"]) == offset


@pytest.mark.parametrize("offset", [-(1 << 19), -4096, -6, 6, 2050, 0x1000, 0x80000 - 2])
def test_jal_reaches_every_distance(midge: Midge, offset: int) -> None:
    forward = f"b:\n  jal x1, t\n  .skip {offset - 4}\nt:\n  j ok\n" if offset > 0 else ""
    backward = f"  j b\nt:\n  j ok\n  .skip {-offset - 4}\nb:\n  jal x1, t\n" if offset < 0 else ""
    result, image = midge.check_source(f".option norvc\n{forward}{backward}ok:\n  finish")
    [record] = result.at(image.symbols["b"])
    assert int(record["next_pc"]) - int(record["pc"]) == offset
    assert record["rd_value"] == record["pc"] + 4


def test_jalr_adds_its_offset_and_clears_bit_0(midge: Midge) -> None:
    """The link is written after the target is read, also when both are the same register."""
    result, image = midge.check_source("""
.option norvc
  la a0, there + 2000
a: jalr a0, -1999(a0)
  finish 1
there:
  report a0
  la a1, end - 2048 + 1
b: jalr zero, 2047(a1)
  finish 2
end:
  finish
""")
    assert result.reported == [image.symbols["a"] + 4]
    assert result.at(image.symbols["a"])["next_pc"].tolist() == [image.symbols["there"]]
    assert result.at(image.symbols["b"])["next_pc"].tolist() == [image.symbols["end"]]


def test_x0_is_never_written(midge: Midge) -> None:
    """Every way to write a register, with rd = x0, then x0 is used at once."""
    words = [*e.li(10, 0x1234), *e.li(2, 0x10000000), e.store("sw", 10, 2, 0)]
    writers = [e.op(name, 0, 10, 10) for name in e.OP]
    writers += [e.op_imm(name, 0, 10, 5) for name in (*e.OP_IMM, *e.SHIFT_IMM)]
    writers += [e.load(name, 0, 2, 0) for name in e.LOAD]
    writers += [e.lui(0, 0x12345), e.auipc(0, 1), e.jal(0, 4), e.csr("csrrs", 0, 0x305, 0)]
    writers += [e.csr("csrrw", 0, 0x340, 10), e.csr("csrrs", 0, 0xB02, 0)]
    for writer in writers:
        words += [writer, e.op("add", 11, 0, 0), e.store("sw", 11, 3, 0), e.store("sw", 0, 3, 0)]
    result, _ = run_words(midge, words)
    assert result.reported == [0] * (2 * len(writers))
    assert not (result.records["rd_value"][result.records["rd"] == 0]).any()
