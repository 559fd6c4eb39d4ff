"""Control and status registers: which exist, what can be written, and what the counters count."""

from __future__ import annotations

import midge_encoding as e
import pytest
from midge_random_frame import Frame
from midge_runner import Midge

READ_WRITE = {
    0x300,
    0x301,
    0x304,
    0x305,
    0x320,
    0x340,
    0x341,
    0x342,
    0x343,
    0x344,
    0xB00,
    0xB02,
    0xB80,
    0xB82,
}
READ_WRITE |= {0x310, *range(0xB03, 0xB20), *range(0xB83, 0xBA0), *range(0x323, 0x340)}
READ_ONLY = {0xC00, 0xC02, 0xC80, 0xC82, *range(0xC03, 0xC20), *range(0xC83, 0xCA0), *range(0xF11, 0xF16)}


def run_words(midge: Midge, words: list[int]):
    frame = Frame(seed=1, interrupts=False, interrupt_period=(1000, 1001))
    frame.frame_start()
    frame.word(*words)
    frame.frame_end()
    return midge.check(frame.image())


def test_exactly_the_documented_csrs_exist(fast_midge: Midge) -> None:
    """All 4,096 addresses are read; an absent one is an illegal instruction."""
    words = [e.csr("csrrs", 10, address, 0) for address in range(4096)]
    result = run_words(fast_midge, words)
    trapped = {insn >> 20 for insn in result.traps["insn"].tolist()}
    assert set(range(4096)) - trapped == READ_WRITE | READ_ONLY
    assert set(result.traps["mcause"].tolist()) == {2}


@pytest.mark.parametrize("name", e.CSR)
def test_writes_to_read_only_csrs_trap(midge: Midge, name: str) -> None:
    """csrrs and csrrc with rs1 = x0 do not write and are allowed, whatever x0 holds; csrrw always writes."""
    addresses = sorted(READ_ONLY)
    writing = [e.csr(name, 10, address, 5) for address in addresses]
    silent = [e.csr(name, 10, address, 0) for address in addresses]
    result = run_words(midge, writing + silent)
    always = name in ("csrrw", "csrrwi")
    assert result.traps["insn"].tolist() == writing + (silent if always else [])


@pytest.mark.parametrize(
    "name,address,kept,fixed",
    [
        ("mscratch", 0x340, 0xFFFFFFFF, 0),
        ("mepc", 0x341, 0xFFFFFFFE, 0),
        ("mcause", 0x342, 0x8000000F, 0),
        ("mtval", 0x343, 0xFFFFFFFF, 0),
        ("mtvec", 0x305, 0xFFFFFFFD, 0),
        ("mstatus", 0x300, 0x88, 0x1800),
        ("mie", 0x304, 0x888, 0),
        ("mcountinhibit", 0x320, 5, 0),
        ("misa", 0x301, 0, 0x40001104),
        ("mstatush", 0x310, 0, 0),
        ("mip", 0x344, 0, 0),
        ("mhpmcounter3", 0xB03, 0, 0),
        ("mhpmevent31", 0x33F, 0, 0),
    ],
)
def test_which_bits_are_kept(midge: Midge, name: str, address: int, kept: int, fixed: int) -> None:
    """All six CSR instructions; the old value is what they return."""
    result, _ = midge.check_source(f"""
  csrr s0, mtvec
  li a0, -1
  li a1, 0x5a5a5a5a
  csrw {address:#x}, zero
  csrrw a2, {address:#x}, a0
  csrrc a3, {address:#x}, a1
  csrrs a4, {address:#x}, a1
  csrrw a5, {address:#x}, zero
  csrrsi a6, {address:#x}, 0x1f
  csrrci a7, {address:#x}, 0x15
  csrrwi s1, {address:#x}, 0x0c
  csrrwi s2, {address:#x}, 0
  csrw mtvec, s0
  report a2
  report a3
  report a4
  report a5
  report a6
  report a7
  report s1
  report s2
  finish
""")
    written = [0, 0xFFFFFFFF, 0xA5A5A5A5, 0xFFFFFFFF, 0, 0x1F, 0x0A, 0x0C]
    assert result.reported == [value & kept | fixed for value in written]


def test_minstret_counts_instructions_that_retire(midge: Midge) -> None:
    """Not those that trap, and not the write itself; instret shadows it, the halves carry."""
    result, _ = midge.check_source("""
.option norvc
  csrw minstret, zero
  csr_report minstret        # 0
  nop
  nop
  csr_report instret         # 4 more
  li a0, -2
  csrw minstreth, a0
  csrw minstret, a0
  nop
  nop
  csr_report minstret        # wrapped: 0
  csr_report minstreth       # 0xffffffff
  csr_report instreth
  li a1, 5
  csrw minstreth, a1
  csrw minstret, a1
  la t0, handler
  csrw mtvec, t0
  csrw minstret, zero
  nop
  ecall                      # does not count
.balign 4
handler:
  csr_report minstret        # 1 nop
  csr_report minstreth
  csrwi mcountinhibit, 4
  csrr a0, minstret
  nop
  nop
  csrr a1, minstret
  sub a1, a1, a0
  report a1
  csrwi mcountinhibit, 0
  csrr a0, minstret
  nop
  csrr a1, minstret
  sub a1, a1, a0
  report a1
  finish
""")
    assert result.reported == [0, 4, 0, 0xFFFFFFFF, 0xFFFFFFFF, 1, 5, 0, 2]


def test_mcycle_counts_cycles(midge: Midge) -> None:
    """It advances with every instruction, carries into its high half, holds when inhibited, can be set."""
    result, _ = midge.check_source("""
.option norvc
  csrr a0, mcycle
.rept 50
  nop
.endr
  csrr a1, cycle
  sub a1, a1, a0
  report a1
  li a0, 7
  csrw mcycleh, a0
  li a0, -3
  csrw mcycle, a0
  nop
  nop
  nop
  nop
  csr_report mcycleh
  csr_report cycleh
  csrr a0, mcycle
  report a0
  csrwi mcountinhibit, 1
  csrr a0, mcycle
  nop
  nop
  csrr a1, mcycle
  sub a1, a1, a0
  report a1
  csrwi mcountinhibit, 0
  csrr a0, mcycle
  nop
  csrr a1, mcycle
  sltu a1, a0, a1
  report a1
  finish
""")
    passed, high, high_shadow, low, held, moves = result.reported
    assert (51 <= passed <= 60) if not midge.has_wait_states else (51 <= passed < 400)
    assert (high, high_shadow) == (8, 8)
    assert low < 400
    assert (held, moves) == (0, 1)


def test_timer_and_mcycle_advance_together(midge: Midge) -> None:
    """mtime counts the same clock: over a stretch both advance equally, but for the reads' own distance."""
    result, _ = midge.check_source("""
  li a5, 0x20010000
  csrr a0, mcycle
  lw a1, 0(a5)
  li a2, 100
1: mul a3, a2, a2
  div a3, a3, a2
  addi a2, a2, -1
  bnez a2, 1b
  csrr a3, mcycle
  lw a4, 0(a5)
  sub a0, a3, a0
  sub a1, a4, a1
  sub a0, a0, a1
  report a0
  report a1
  finish
""")
    difference, passed = result.reported
    assert passed > 3000
    assert abs(difference - (1 << 32) if difference >> 31 else difference) < 40
