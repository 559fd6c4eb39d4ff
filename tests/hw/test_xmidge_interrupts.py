"""Interrupts of programs that use Xmidge: at every cycle, without a trace."""

from __future__ import annotations

import xmidge_encoding as x
from midge_interrupts import places_missed
from midge_runner import Midge

WORDS = [0x01020304, 0x7F80FF01, 0x12345678, 0x9ABCDEF0, 0x55AA55AA, 0x80000000, 7, 0xFFFFFFFF]
BEFORE = """
  fill WEIGHT, words, 32
  fill WEIGHT, words, 32, 32
  fill BIAS, words, 8
  fill MULTIPLIER, words, 8
  put SHIFT, 0x03020100
  put SHIFT, 0, 1
"""
STRETCH = f"""
.option norvc
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
    missed, executed = places_missed(xmidge, STRETCH, "a1", 400, BEFORE, x.data("words", WORDS * 4))
    # Waits hide the places behind instructions of many beats or before a redirect.
    assert len(missed) <= len(executed) // 4, sorted(map(hex, missed))
