"""Interrupts of programs that use Xmidge: at every cycle, without a trace."""

from __future__ import annotations

import xmidge_encoding as x
from midge_interrupts import QUIET_HANDLER, SET_HANDLER, SETUP
from midge_runner import Midge

STRETCH = f"""
  put SHAPE, {x.shape(0, 2, 1, 5)}
  put PIXEL_STEP, 3
  put OUTPUT_STEP, 5
  put OUTPUT, {x.output()}
  put WINDOW, {x.window(0, 2, 3)}
  put POSITION, 0
  la a0, words
  la a1, words
  li a2, 3
  nn.lda a0
  nn.macf a1
  nn.loop a2, 8
  nn.lda a0
  nn.mac a1
  li a3, 0x10005000
  nn.rqc a3, zero
  nn.loop a2, 4
  nn.cola a0
  li a4, 0x10005010
  li a5, 3 * 256
  nn.rqw a4, a5
  li a1, 0
  nn.loop a2, 4
.option rvc
  c.addi a1, 1
  c.add a1, a0
.option norvc
  nn.loop a2, 12
  lw a4, 0(a3)
  add a1, a1, a4
  nn.get ACCUMULATOR, a4
  add a1, a1, a4
"""


def test_an_interrupt_at_every_cycle_leaves_the_result_alone(xmidge: Midge) -> None:
    """A stretch of loops runs again and again while the timer fires one cycle later each time."""
    result, image = xmidge.check_source(f"""
{SETUP}{SET_HANDLER}
  li t0, 0x80
  csrw mie, t0
  fill WEIGHT, words, 32
  fill WEIGHT, words, 32, 32
  fill BIAS, words, 8
  fill MULTIPLIER, words, 8
  put SHIFT, 0x03020100
  put SHIFT, 0, 1
  li s0, 0
  li s1, 0
again:
  lw t0, 0(s10)
  add t0, t0, s0
  sw t0, 8(s10)
  csrsi mstatus, 8
  sw zero, 12(s10)
.balign 4
.option norvc
stretch:
{STRETCH}
stretch_end:
  csrci mstatus, 8
  li t0, -1
  sw t0, 12(s10)
  bnez s0, 4f
  mv s1, a1
4: beq s1, a1, 5f
  report s0
5: addi s0, s0, 1
  li t0, 400
  bne s0, t0, again
  finish
{x.data("words", [0x01020304, 0x7F80FF01, 0x12345678, 0x9ABCDEF0, 0x55AA55AA, 0x80000000, 7, 0xFFFFFFFF] * 4)}
{QUIET_HANDLER}
""")
    assert result.reported == [], "delays at which the result was another one"
    returned = set(result.records["next_pc"][result.records["insn"] == 0x30200073].tolist())
    stretch = set(range(image.symbols["stretch"], image.symbols["stretch_end"]))
    executed = set(result.records["pc"].tolist()) & stretch
    missed = executed - returned
    # Waits hide the places behind instructions of many beats or before a redirect.
    assert len(missed) <= len(executed) // 4, sorted(map(hex, missed))
