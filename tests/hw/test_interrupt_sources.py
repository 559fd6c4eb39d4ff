"""wfi, the external interrupt, priorities, vectors and nesting."""

from __future__ import annotations

import pytest
from midge_interrupts import EXTERNAL_CAUSE, QUIET_HANDLER, SET_HANDLER, SETUP, TIMER_CAUSE
from midge_runner import Midge


@pytest.mark.parametrize("enabled", [True, False], ids=["MIE=1", "MIE=0"])
def test_wfi_sleeps_until_the_timer(midge: Midge, enabled: bool) -> None:
    """With MIE set the interrupt is taken after the wfi; without, execution goes on behind it."""
    result, image = midge.check_source(f"""
.option norvc
{SETUP}{SET_HANDLER}
  li a1, 0x80
  csrw mie, a1
  {"csrsi mstatus, 8" if enabled else "nop"}
  sw zero, 12(s10)
  lw a0, 0(s10)
  addi a2, a0, 1500
  sw a2, 8(s10)
  csrw minstret, zero
  wfi
after:
  lw a3, 0(s10)
  csrr a4, minstret
  sltu a5, a3, a2
  report a5            # woke too early?
  sub a3, a3, a2
  report a3
  report a4
  finish
.balign 4
handler:
  csr_report mepc
  csr_report mcause
  li t0, -1
  sw t0, 12(s10)
  mret
""")
    reports = result.reported
    if enabled:
        assert reports[:2] == [image.symbols["after"], TIMER_CAUSE]
        reports = reports[2:]
    early, late, instructions = reports
    assert early == 0
    assert late < (60 if not midge.has_wait_states else 300)
    assert instructions == (2 if not enabled else 9), "asleep, nothing is executed"
    assert result.interrupts == int(enabled)


def test_wfi_goes_on_at_once_when_an_interrupt_is_pending(midge: Midge) -> None:
    result, _ = midge.check_source(f"""
{SETUP}{SET_HANDLER}
  li a1, 0x80
  csrw mie, a1
  sw zero, 12(s10)
  sw zero, 8(s10)
1: csrr a0, mip
  beqz a0, 1b
  lw a0, 0(s10)
  wfi
  wfi
  lw a1, 0(s10)
  sub a1, a1, a0
  report a1
  finish
{QUIET_HANDLER}
""")
    assert result.interrupts == 0
    assert result.reported[0] < 100


def test_received_byte_interrupts(midge: Midge) -> None:
    """The external interrupt is pending while the UART holds a byte; reading DATA ends it; it wakes wfi."""
    result, _ = midge.check_source(f"""
{SETUP}{SET_HANDLER}
  li a1, 0x800
  csrw mie, a1
  csrsi mstatus, 8
  li a3, 0
1: wfi
  li a4, 4
  bne a3, a4, 1b
  csr_report mip
  finish
.balign 4
handler:
  csr_report mcause
  csr_report mip
  lw a0, 0(s11)
  report a0
  sw a0, 0(s11)
  addi a3, a3, 1
  mret
""", stdin=b"\x00Mi\xff")  # fmt: skip
    want = [word for byte in b"\x00Mi\xff" for word in (EXTERNAL_CAUSE, 0x800, byte)]
    assert result.reported == [*want, 0]
    assert result.output == b"\x00Mi\xff"


@pytest.mark.parametrize("vectored", [False, True], ids=["direct", "vectored"])
def test_external_comes_before_timer_and_each_goes_to_its_vector(midge: Midge, vectored: bool) -> None:
    """Both pending, then enabled together. In vectored mode exceptions still go to the base."""
    result, _ = midge.check_source(f"""
.option norvc
{SETUP}
  la t0, table
  ori t0, t0, {int(vectored)}
  csrw mtvec, t0
1: lw a0, 4(s11)        # until a byte is there
  andi a0, a0, 1
  beqz a0, 1b
  sw zero, 12(s10)
  sw zero, 8(s10)
2: csrr a0, mip
  li a1, 0x880
  bne a0, a1, 2b
  li s9, {0x80000000 if vectored else 0:#x}
  csrw mie, a1
  csrsi mstatus, 8
  nop
  csrci mstatus, 8
  ecall
  finish
.balign 64
table:
  j base
.rept 6
  j wrong
.endr
  j timer
.rept 3
  j wrong
.endr
  j external
wrong:
  finish 3
base:
  csrr t0, mcause
  bgez t0, exception
  bnez s9, wrong       # vectored interrupts do not come here
  andi t0, t0, 15
  li t1, 7
  beq t0, t1, timer
external:
  csr_report mcause
  lw a0, 0(s11)
  mret
timer:
  csr_report mcause
  li t0, -1
  sw t0, 12(s10)
  mret
exception:
  report t0
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  mret
""", stdin=b"x")  # fmt: skip
    assert result.reported == [EXTERNAL_CAUSE, TIMER_CAUSE, 11]


def test_interrupts_nest_when_the_handler_allows_it(midge: Midge) -> None:
    """The handler saves mepc and mstatus, sets MIE, and is itself interrupted."""
    result, _ = midge.check_source(f"""
.option norvc
{SETUP}{SET_HANDLER}
  li sp, 0x10001000
  li a1, 0x80
  csrw mie, a1
  li s0, 0
  sw zero, 12(s10)
  sw zero, 8(s10)
  csrsi mstatus, 8
  nop
  nop
  csrci mstatus, 8
  report s0
  report sp
  finish
.balign 4
handler:
  addi sp, sp, -12
  csrr t0, mepc
  sw t0, 0(sp)
  csrr t0, mstatus
  sw t0, 4(sp)
  addi s0, s0, 1
  li t1, 5
  bne s0, t1, 1f
  li t0, -1
  sw t0, 12(s10)
1: csrsi mstatus, 8     # taken again here until the fifth moved the timer
  nop
  csrci mstatus, 8
  lw t0, 0(sp)
  csrw mepc, t0
  lw t0, 4(sp)
  csrw mstatus, t0
  addi sp, sp, 12
  mret
""")
    assert result.reported == [5, 0x10001000]
    assert result.interrupts == 5


def test_registers_without_an_interrupt_line_do_nothing(midge: Midge) -> None:
    """mie.MSIE can be set, but there is no software interrupt: mip cannot be written."""
    result, _ = midge.check_source(f"""
{SETUP}{SET_HANDLER}
  li a0, -1
  csrw mip, a0
  csrw mie, a0
  csrsi mstatus, 8
  nop
  csr_report mip
  csr_report mie
  finish
{QUIET_HANDLER}
""")
    assert result.reported == [0, 0x888]
    assert result.interrupts == 0
