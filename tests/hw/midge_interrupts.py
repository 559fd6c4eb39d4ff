"""Pieces of the programs that test interrupts."""

TIMER_CAUSE, EXTERNAL_CAUSE = 0x80000007, 0x8000000B

# s10: the timer's registers; s11: UART. Timer off, interrupts off.
SETUP = """
  li s10, 0x20010000
  li s11, 0x20000000
  li t0, -1
  sw t0, 12(s10)
  sw t0, 8(s10)
  csrci mstatus, 8
"""
SET_HANDLER = """
  la t0, handler
  csrw mtvec, t0
"""
# A handler that turns the timer off and keeps every register.
QUIET_HANDLER = """
.option rvc
.balign 4
handler:
  csrw mscratch, t0
  li t0, -1
  sw t0, 12(s10)
  csrr t0, mscratch
  mret
"""
