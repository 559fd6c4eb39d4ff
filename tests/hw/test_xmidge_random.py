"""Random programs with Xmidge: every instruction judged by the models, interrupts at any point."""

from __future__ import annotations

import numpy as np
import pytest
from midge_random import RandomProgram, generate
from midge_runner import Midge
from midge_rvfi import TRAP
from xmidge_model import CUSTOM_0, CUSTOM_1, DECODE, decode
from xmidge_random import XmidgeGenerator

# Slow: 100 programs of more than 10,000 instructions each are more than a million.
SLOW_SEEDS, SLOW_SEGMENTS, SLOW_LEAST = range(7000, 7100), 52, 10_000


def program_for(seed: int, segments: int = 40) -> RandomProgram:
    """Odd seeds run under a timer, one seed in four from SRAM."""
    in_sram = seed % 4 > 1 and seed % 8 > 3
    return generate(seed, segments, bool(seed & 1), (110, 400), in_sram, XmidgeGenerator)


@pytest.mark.parametrize("seed", range(1, 7))
def test_random_program_follows_the_model(xmidge: Midge, seed: int) -> None:
    program = program_for(seed)
    result = xmidge.check(program.image)
    assert len(result.records) > 5000
    assert bool(result.interrupts) == program.interrupts


@pytest.mark.slow
@pytest.mark.parametrize("seed", SLOW_SEEDS)
def test_a_million_random_instructions_follow_the_model(xmidge: Midge, seed: int) -> None:
    assert len(xmidge.check(program_for(seed, SLOW_SEGMENTS).image).records) > SLOW_LEAST


def test_random_programs_contain_everything(xmidge: Midge) -> None:
    """Each instruction with each group, each way to trap, loops that go back, interrupts within loops."""
    records = np.concatenate([xmidge.run(program_for(seed).image).records for seed in range(1, 9)])
    ours = records[np.isin(records["insn"] & 0x7F, (CUSTOM_0, CUSTOM_1))]
    trapped = (ours["flags"] & TRAP) != 0
    done = ours[~trapped]
    seen = {(insn >> 12 & 7, insn >> 25) for insn in done["insn"].tolist() if insn & 0x7F == CUSTOM_0}
    assert {key for key in DECODE if key not in seen} == set()
    assert set(ours["mcause"][trapped].tolist()) == {2, 4, 5, 7}
    reserved = [insn for insn in ours["insn"][trapped].tolist() if decode(insn) is None]
    assert 10 < len(reserved) < trapped.sum() - 10
    loops = (done["insn"] & 0x7F) == CUSTOM_1
    assert {0, 1} <= {int(taken) for taken in (done["next_pc"] == done["pc"] + 4)[loops]}
    back = (records["next_pc"] < records["pc"]) & ~np.isin(records["insn"] & 0x7F, (0x63, 0x67, 0x6F, 0x73))
    plain = back & ((records["insn"] & 3) == 3) & ((records["flags"] & TRAP) == 0)
    assert plain.sum() > 100, "instructions that the hardware loop follows"
