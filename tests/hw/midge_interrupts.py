"""Pieces of the programs that test interrupts."""

from __future__ import annotations

from midge_runner import Midge

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

MRET = 0x30200073


def places_missed(
    midge: Midge, stretch: str, result: str, delays: int, before: str = "", data: str = ""
) -> tuple[set[int], set[int]]:
    """Run `stretch` again and again while the timer fires one cycle later each time, `delays` times.

    result: the register that must be the same after each run; before, data: code that runs once before, and
    what lies behind the program. s0, s1, s10, s11 and t0 are taken. (Addresses of the stretch from which no
    handler returned, all that were executed.)
    """
    run, image = midge.check_source(f"""
{SETUP}{SET_HANDLER}
  li t0, 0x80
  csrw mie, t0
  li s0, 0            # delay
  li s1, 0            # result of the first run
{before}
again:
  lw t0, 0(s10)
  add t0, t0, s0
  sw t0, 8(s10)
  csrsi mstatus, 8
  sw zero, 12(s10)
.balign 4
stretch:
{stretch}
stretch_end:
  csrci mstatus, 8
  li t0, -1
  sw t0, 12(s10)
  bnez s0, 4f
  mv s1, {result}
4: beq s1, {result}, 5f
  report s0
5: addi s0, s0, 1
  li t0, {delays}
  bne s0, t0, again
  finish
{data}
{QUIET_HANDLER}
""")
    assert run.reported == [], "delays at which the result was another one"
    inside = set(range(image.symbols["stretch"], image.symbols["stretch_end"]))
    returned = set(run.records["next_pc"][run.records["insn"] == MRET].tolist())
    executed = set(run.records["pc"].tolist()) & inside
    return executed - returned, executed
