"""The hardware loop: bodies of every kind, ways out of it and into it."""

from __future__ import annotations

import pytest
import xmidge_encoding as x
from midge_runner import Midge


def reported(xmidge: Midge, source: str) -> list[int]:
    return xmidge.check_source(f".option norvc\n{source}")[0].reported


@pytest.mark.parametrize("count", [0, 1, 2, 3, 17])
@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_a_body_runs_as_often_as_it_should(xmidge: Midge, length: int, count: int) -> None:
    body = "  addi a1, a1, 1\n" * length
    got = reported(
        xmidge,
        f"""
  li a0, {count}
  li a1, 0
  nn.loop a0, {4 * length}
{body}
  report a1
  nn.get LOOP_COUNT, a2
  report a2
  finish
""",
    )
    assert got == [length * count, 0]


def test_counts_of_32_bits(xmidge: Midge) -> None:
    """The body leaves the loop by a branch; its registers show where it was."""
    result, image = xmidge.check_source("""
.option norvc
  li a0, 0x80000000
  li a1, 3
start:
  nn.loop a0, 8
  addi a1, a1, -1
  beqz a1, out
out:
  nn.get LOOP_COUNT, a2
  report a2
  nn.get LOOP_START, a2
  report a2
  nn.get LOOP_END, a2
  report a2
  nn.set LOOP_COUNT, zero
  finish
""")
    start = image.symbols["start"]
    assert result.reported == [0x80000000 - 1 - 2, start + 4, start + 12]


def test_compressed_instructions_in_and_at_the_end_of_a_body(xmidge: Midge) -> None:
    """The last instruction may have 16 bits, or 32 at a half-word address."""
    got = reported(
        xmidge,
        """
  li a0, 5
  li a1, 0
  li a2, 0
  nn.loop a0, 4
.option rvc
  c.addi a1, 1
  c.addi a2, 2
.option norvc
  report a1
  report a2
  nn.loop a0, 8
.option rvc
  c.addi a1, 1
  c.addi a2, 2
  c.add a1, a2
  c.addi a1, 3
.option norvc
  report a1
  nn.loop a0, 8
.option rvc
  c.addi a1, 1
.option norvc
  addi a2, a2, 7
.option rvc
  c.nop
.option norvc
  report a2
  finish
""",
    )
    a1, a2 = 5, 10
    want = [a1, a2]
    for _ in range(5):
        a2 += 2
        a1 += 1 + a2 + 3
    assert got == [*want, a1, a2 + 35]


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("form", ["bnez a3, 9f", "c.bnez a3, 9f"])
def test_a_branch_as_the_last_instruction(xmidge: Midge, form: str, taken: bool) -> None:
    """Not taken, the loop goes on; taken, it is left, even to the address behind it."""
    got = reported(
        xmidge,
        f"""
  li a0, 4
  li a1, 0
  li a3, {int(taken)}
  nn.loop a0, {8 if form[0] == "b" else 4}
{"" if form[0] == "b" else ".option rvc"}
  addi a1, a1, 1
  {form}
9:
.option norvc
  report a1
  nn.get LOOP_COUNT, a2
  report a2
  nn.set LOOP_COUNT, zero
  finish
""",
    )
    assert got == ([1, 3] if taken else [4, 0])


@pytest.mark.parametrize(
    "last, times",
    [
        ("lw a2, 0(a4)\n  add a1, a1, a2", 6),
        ("mul a2, a1, a1", 6),
        ("div a2, a0, a1", 6),
        ("sw a1, 0(a5)", 6),
        ("csrr a2, mstatus", 6),
        ("csrw mscratch, a1", 6),
        ("fence", 6),
        ("fence.i", 1),
        ("jal ra, 9f", 1),
        ("nn.set LOOP_COUNT, a3", 1),
        ("nn.set SHAPE, a3", 6),
        ("nn.get ACCUMULATOR, a2", 6),
        ("nn.max4 a2, a1, a1", 6),
        ("nn.rqv a2, a1, zero", 6),
        ("nn.colva a3", 6),
        ("nn.macf a6", 6),
        ("nn.lda a6", 6),
    ],
)
def test_every_kind_of_last_instruction(xmidge: Midge, last: str, times: int) -> None:
    """It goes back after all but those that count as jumps."""
    size = 8 + 4 * last.count("\n")
    got = reported(
        xmidge,
        f"""
  put SHAPE, 0
  put WINDOW, {x.window(0, 0, 3, 1)}
  li a0, 6
  li a1, 0
  li a3, 0
  la a4, word
  li a5, 0x10005000
  li a6, 0x10005000
  li s0, 0
  nn.loop a0, {size}
  addi s0, s0, 1
  {last}
9:
  report s0
  nn.set LOOP_COUNT, zero
  finish
.balign 4
word: .word 3
""",
    )
    assert got == [times]


def test_loops_follow_each_other_and_can_be_saved_for_an_inner_loop(xmidge: Midge) -> None:
    got = reported(
        xmidge,
        """
  li a0, 3
  li a1, 0
  nn.loop a0, 4
  addi a1, a1, 1
  nn.loop a0, 4
  addi a1, a1, 1
  report a1
  li a2, 4
  nn.loop a2, 40
  nn.get LOOP_COUNT, s0
  nn.get LOOP_START, s1
  nn.get LOOP_END, s2
  nn.loop a0, 8
  addi a1, a1, 1
  addi a1, a1, 2
  nn.set LOOP_START, s1
  nn.set LOOP_END, s2
  nn.set LOOP_COUNT, s0
  addi a1, a1, 100
  report a1
  finish
""",
    )
    assert got == [6, 6 + 4 * (9 + 100)]


def test_loops_one_inside_the_other_with_a_branch_outside(xmidge: Midge) -> None:
    got = reported(
        xmidge,
        """
  li a0, 7
  li a1, 0
  li a2, 5
1: nn.loop a0, 4
  addi a1, a1, 1
  addi a2, a2, -1
  bnez a2, 1b
  report a1
  finish
""",
    )
    assert got == [35]


def test_a_loop_in_sram_and_one_of_the_largest_size(xmidge: Midge) -> None:
    body = "  addi a1, a1, 1\n" * 511
    got = reported(
        xmidge,
        f"""
  la a0, code
  la a1, code_end
  li a2, 0x10008000
1: lw a3, 0(a0)
  sw a3, 0(a2)
  addi a0, a0, 4
  addi a2, a2, 4
  bne a0, a1, 1b
  fence.i
  li a0, 3
  li a1, 0
  li a2, 0x10008000
  jalr ra, 0(a2)
  report a1
  finish
code:
  nn.loop a0, 2044
{body}
  nn.loop a0, 4
  addi a1, a1, 1
  jr ra
code_end:
""",
    )
    assert got == [511 * 3 + 3]


def test_a_trap_inside_a_body_and_at_its_end(xmidge: Midge) -> None:
    """The handler's mret is a jump: inside the body the loop goes on, behind its end it has been left."""
    got = reported(
        xmidge,
        """
  li a0, 3
  li a1, 0
  nn.loop a0, 12
  addi a1, a1, 1
i: ecall
  addi a1, a1, 16
  report a1
  nn.loop a0, 8
  addi a1, a1, 1
j: ecall
  report a1
  nn.get LOOP_COUNT, a2
  report a2
  nn.set LOOP_COUNT, zero
  finish
""",
    )
    causes = [value for value in got if value == 11]
    assert len(causes) == 4
    assert (got[9], got[-2:]) == (51, [52, 2])


def test_an_exception_of_an_extension_instruction_at_the_end_of_a_body(xmidge: Midge) -> None:
    """A mac that faults is repeated by the handler with a good pointer, and the loop goes on."""
    got = reported(
        xmidge,
        f"""
  la t0, handler
  csrw mtvec, t0
  put SHAPE, {x.shape(channels=2)}
  put ACCUMULATOR, 0, 0
  put ACCUMULATOR, 0, 1
  la a0, one
  nn.lda a0
  li a1, 0x1003FFFC
  la a0, one
  lw a2, 0(a0)
  sw a2, 0(a1)
  li a3, 4
  nn.loop a3, 4
  nn.mac a1
  report_elements ACCUMULATOR, 2
  finish
.balign 4
handler:
  csr_report mcause
  csr_report mtval
  la a1, one
  mret
.balign 4
one: .word 1, 1, 1, 1, 1, 1, 1, 1
""",
    )
    assert got == [5, 0x10040000, 1 + 4, 4]


def test_setting_the_registers_of_a_loop_at_a_half_word_address(xmidge: Midge) -> None:
    """The fetch starts anew behind the instruction."""
    result, _ = xmidge.check_source("""
  la a0, start
  la a1, end
  li a2, 3
  li a3, 0
.balign 4
  c.nop
.option norvc
  nn.set LOOP_START, a0
  nn.set LOOP_END, a1
  nn.set LOOP_COUNT, a2
.option rvc
  c.addi a3, 8
start:
  c.addi a3, 1
  c.nop
end:
  report a3
  finish
""")
    assert result.reported == [8 + 4]


@pytest.mark.parametrize("place, sum_of_one", [("middle", 1 + 16 + 256), ("last", 1 + 256)])
def test_mret_into_a_body(xmidge: Midge, place: str, sum_of_one: int) -> None:
    got = reported(
        xmidge,
        f"""
  li a0, 4
  li a1, 0
  la a2, {place}
  csrw mepc, a2
  nn.loop a0, 20
  addi a1, a1, 1
  mret
  ebreak
middle:
  addi a1, a1, 16
last:
  addi a1, a1, 256
  report a1
  finish
""",
    )
    assert got == [4 * sum_of_one]
