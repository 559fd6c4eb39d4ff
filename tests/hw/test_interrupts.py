"""The timer interrupt: taken between two instructions, at any of them, without a trace."""

from __future__ import annotations

import numpy as np
import pytest
from midge_interrupts import QUIET_HANDLER, SET_HANDLER, SETUP, TIMER_CAUSE, places_missed
from midge_runner import Midge
from midge_rvfi import INTERRUPTED

STRETCH = """
  li a0, 12345
  li a1, 77
  sw a0, 0(sp)
  lw a2, 0(sp)
  add a2, a2, a1
  mul a3, a2, a0
  mulhu a4, a3, a3
  add a4, a4, a3
  div a5, a3, a1
  sh a5, 4(sp)
  lb a1, 4(sp)
  add a5, a5, a1
  beq a5, a1, 1f
  jal ra, 2f
1: xor a5, a5, ra
  bnez a5, 3f
  li a5, 0
2: addi a5, a5, 3
  jr ra
3: csrr a1, mie
  add a5, a5, a1
  remu a4, a4, a5
  add a5, a5, a4
"""


@pytest.mark.parametrize("width", ["compressed", "wide"])
def test_an_interrupt_at_every_cycle_leaves_the_result_alone(midge: Midge, width: str) -> None:
    """A stretch with loads, products, a division, stores, branches and a call runs again and again while the
    timer fires one cycle later each time. Its result never changes; every instruction is interrupted."""
    encoding = ".option rvc" if width == "compressed" else ".option norvc"
    missed, _ = places_missed(midge, f"{encoding}\n{STRETCH}", "a5", 420, "  li sp, 0x10000100")
    # Waits hide some places: behind a division, and where several instructions come out of one fetch.
    assert len(missed) <= 3 if not midge.has_wait_states else len(missed) <= 12, sorted(map(hex, missed))


def test_timer_fires_when_mtime_reaches_mtimecmp(midge: Midge) -> None:
    """Not before, and within a few cycles after; mepc is the instruction that has not run yet."""
    result, image = midge.check_source(f"""
{SETUP}{SET_HANDLER}
  li t0, 0x80
  csrw mie, t0
  csrsi mstatus, 8
  sw zero, 12(s10)
  lw a0, 0(s10)
  addi a0, a0, 200
  sw a0, 8(s10)
  li a2, 0
loop: addi a2, a2, 1
  j loop
.balign 4
handler:
  lw a1, 0(s10)
  sub a1, a1, a0
  report a1
  csr_report mcause
  csr_report mip
  csr_report mepc
  csr_report mtval
  csr_report mstatus
  li t0, -1
  sw t0, 8(s10)
  nop                  # the line follows the comparison a cycle later
  nop
  csr_report mip
  finish
""")
    late, cause, pending, epc, value, status, pending_after = result.reported
    assert late < (20 if not midge.has_wait_states else 80)
    assert (cause, value, pending, status) == (TIMER_CAUSE, 0, 0x80, 0x1880)
    assert pending_after == 0
    assert image.symbols["loop"] <= epc < image.symbols["handler"]
    before = int(np.flatnonzero(result.records["flags"] & INTERRUPTED)[0]) - 1
    assert result.records["next_pc"][before] == epc


@pytest.mark.parametrize("how", ["csrsi mstatus, 8", "csrs mie, a1", "mret"])
def test_a_pending_interrupt_is_taken_as_soon_as_it_is_enabled(midge: Midge, how: str) -> None:
    """The very next instruction does not run."""
    mie_first = how != "csrs mie, a1"
    result, image = midge.check_source(f"""
.option norvc
{SETUP}{SET_HANDLER}
  li a1, 0x80
  {"csrw mie, a1" if mie_first else "csrsi mstatus, 8"}
  la t0, next
  csrw mepc, t0
  {"csrs mstatus, a1" if how == "mret" else ""}
  sw zero, 12(s10)
  sw zero, 8(s10)
1: csrr a0, mip
  beqz a0, 1b
  nop
  {how}
next:
  finish 1
.balign 4
handler:
  csr_report mepc
  csr_report mcause
  finish
""")
    assert result.reported == [image.symbols["next"], TIMER_CAUSE]


@pytest.mark.parametrize("off", ["mstatus", "mie"])
def test_a_disabled_interrupt_is_not_taken(midge: Midge, off: str) -> None:
    result, _ = midge.check_source(f"""
{SETUP}{SET_HANDLER}
  li a1, 0x80
  {"csrw mie, a1" if off == "mstatus" else "csrsi mstatus, 8"}
  sw zero, 12(s10)
  sw zero, 8(s10)
  li a2, 200
1: addi a2, a2, -1
  bnez a2, 1b
  csr_report mip
  finish
{QUIET_HANDLER}
""")
    assert result.interrupts == 0
    assert result.reported == [0x80]


def test_no_second_interrupt_after_the_timer_is_moved(midge: Midge) -> None:
    """mtimecmp is written and mret follows at once: the old interrupt does not come back."""
    result, _ = midge.check_source(f"""
.option norvc
{SETUP}{SET_HANDLER}
  li a1, 0x80
  csrw mie, a1
  li a3, 0
  li a4, 50
1: sw zero, 8(s10)
  sw zero, 12(s10)
  csrsi mstatus, 8
  nop
  nop
  nop
  nop
  csrci mstatus, 8
  addi a4, a4, -1
  bnez a4, 1b
  report a3
  finish
.balign 4
handler:
  addi a3, a3, 1
  li t0, -1
  sw t0, 12(s10)
  mret
""")
    assert result.reported == [50]
