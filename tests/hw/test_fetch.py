"""Fetching: instructions across word boundaries, jumps to every alignment, code in SRAM."""

from __future__ import annotations

import itertools
import random

import pytest
from midge_runner import Image, Midge, assemble

from smidgen.device.simulators import verilator


@pytest.mark.parametrize("seed", range(4))
def test_jumps_between_every_pair_of_alignments(midge: Midge, seed: int) -> None:
    """Short blocks of 16- and 32-bit instructions in random order, each ended by a jump: every kind of
    jump and branch, every alignment of its two ends and of the instructions across word boundaries."""
    rng = random.Random(seed)
    blocks = list(range(120))
    order = rng.sample(blocks, len(blocks))
    follower = dict(itertools.pairwise(order))
    jumps = (
        ".option norvc\n  j {0}\n",
        ".option norvc\n  beq x0, x0, {0}\n",
        ".option rvc\n  c.beqz a2, {0}\n",
        ".option rvc\n  c.j {0}\n",
        ".option norvc\n  la a3, {0}\n  jr a3\n",
        ".option norvc\n  la a3, {0}\n.option rvc\n  c.jalr a3\n",
        ".option norvc\n  lui a3, %hi({0})\n  jalr ra, %lo({0})(a3)\n",
        ".option norvc\n  bne a0, zero, {0}\n  finish 1\n",
    )
    lines = ["  li a0, 1", "  li a1, 0", "  li a2, 0", f"  j b{order[0]}"]
    for block in blocks:
        lines.append(f"b{block}:")
        for _ in range(rng.randrange(5)):
            wide = rng.randrange(2)
            lines.append(".option norvc\n  addi a1, a1, 3" if wide else ".option rvc\n  c.addi a1, 1")
        near = block in follower and abs(follower[block] - block) < 6
        choice = rng.choice(jumps) if near else rng.choice([j for j in jumps if "c.beqz" not in j])
        lines.append(choice.format(f"b{follower[block]}") if block in follower else "  finish")
    image = assemble("\n".join(lines))
    result = midge.check(image.data)
    entered = [pc for pc in result.records["pc"].tolist() if pc in starts(image, blocks)]
    assert [starts(image, blocks)[pc] for pc in entered] == order


def starts(image: Image, blocks: list[int]) -> dict[int, int]:
    """The block that begins at an address."""
    return {image.symbols[f"b{block}"]: block for block in blocks}


@pytest.mark.parametrize("shift", [0, 2], ids=["aligned", "across words"])
def test_code_in_sram(midge: Midge, shift: int) -> None:
    """Code copied to SRAM runs there, beside loads from and stores to the same memory."""
    result, _ = midge.check_source(f"""
  la a0, code
  la a1, code_end
  li a2, 0x10002000 + {shift}
  mv s0, a2
1: lhu a3, 0(a0)
  sh a3, 0(a2)
  addi a0, a0, 2
  addi a2, a2, 2
  bltu a0, a1, 1b
  li s1, 0x10000040
  jalr ra, 0(s0)
  report a0
  finish
.balign 4
code:
  li a0, 0
  li a1, 20
2: sw a1, 0(s1)
  lw a2, 0(s1)
  add a0, a0, a2
  mul a0, a0, a1
  sb a0, 1(s1)
  lbu a2, 1(s1)
  xor a0, a0, a2
  addi a1, a1, -1
  bnez a1, 2b
  ret
code_end:
""")
    value = 0
    for count in range(20, 0, -1):
        value = (value + count) * count & 0xFFFFFFFF
        value ^= value & 0xFF
    assert result.reported == [value]


@pytest.mark.parametrize("shift", [0, 2], ids=["aligned", "across words"])
def test_fence_i_makes_new_code_visible(midge: Midge, shift: int) -> None:
    """Code in SRAM rewrites the instruction behind its fence.i; the new one runs, whatever was fetched."""
    result, _ = midge.check_source(f"""
.option norvc
  la a0, code
  la a1, code_end
  li a2, 0x10002000 + {shift}
  mv s0, a2
1: lhu a3, 0(a0)
  sh a3, 0(a2)
  addi a0, a0, 2
  addi a2, a2, 2
  bltu a0, a1, 1b
  fence.i
  li a4, 0x00150513     # addi a0, a0, 1
  li a5, 0x00250513     # addi a0, a0, 2
  li a0, 0
  li s2, 20
2: jalr ra, 0(s0)
  mv t0, a4             # the other one next time
  mv a4, a5
  mv a5, t0
  addi s2, s2, -1
  bnez s2, 2b
  report a0
  finish
.balign 4
code:
  sh a4, 16(s0)
  srli t1, a4, 16
  sh t1, 18(s0)
  fence.i
  addi a0, a0, 100      # rewritten before it runs
  ret
code_end:
""")
    assert result.reported == [10 * 1 + 10 * 2]


def test_jumps_between_program_memory_and_sram(midge: Midge) -> None:
    """Back and forth at every turn, so that one memory's answer never serves the other's request."""
    result, _ = midge.check_source("""
.option norvc
  li s0, 0x10003000
  li a0, 0x00150513     # addi a0, a0, 1
  sw a0, 0(s0)
  li a0, 0x00008067     # ret
  sw a0, 4(s0)
  sw a0, 8(s0)
  li a0, 0
  li s1, 30
1: jalr ra, 0(s0)
  jalr ra, 0(s0)
  addi a0, a0, 5
  jalr ra, 4(s0)
  mul a0, a0, s1
  jalr ra, 0(s0)
  addi s1, s1, -1
  bnez s1, 1b
  report a0
  finish
""")
    value = 0
    for count in range(30, 0, -1):
        value = (value + 7) * count + 1 & 0xFFFFFFFF
    assert result.reported == [value]


def test_speculative_fetch_past_a_jump_is_harmless(midge: Midge) -> None:
    """The words behind a jump at the very end of memory do not exist; nobody runs them."""
    result, _ = midge.check_source("""
.option norvc
  la a0, last
  jalr ra, 0(a0)
  li a0, 0x1003fffc
  li a1, 0x00008067
  sw a1, 0(a0)
  jalr ra, 0(a0)
  finish
.org 0xffffc
last:
  ret
""")
    assert len(result.traps) == 0


def test_reset_register_starts_over(midge: Midge) -> None:
    """RESET with its key starts the core at 0 with SRAM kept; any other value does nothing."""
    image = assemble("""
  li a0, 0x10000000
  li a1, 0x5eed1234
  lw a2, 0(a0)
  li a3, 0x20020000
  beq a2, a1, second
  sw a1, 0(a0)
  li a4, 0x52535420
  sw a4, 12(a3)
  report a4
  addi a4, a4, 1
  sw a4, 12(a3)
1: j 1b
second:
  csr_report mstatus
  lw a4, 4(a3)
  report a4
  lw a4, 8(a3)
  report a4
  finish 42
""")
    result = midge.run(image.data)
    assert result.code == 42
    before, status, identity, clock = result.reported
    assert (before, status, identity) == (0x52535420, 0x1800, 0x4D494447)
    assert clock == verilator.configurations()[midge.configuration]["CLOCK_HZ"]
