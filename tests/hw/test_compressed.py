"""Every one of the 49,152 encodings of 16 bits: legal ones do what they stand for, reserved ones trap."""

from __future__ import annotations

import random

import midge_encoding as e
import numpy as np
import pytest
from midge_expand import expand
from midge_random_frame import FREE, Frame
from midge_runner import Midge, Result
from midge_rvfi import TRAP
from midge_spike import Run, lock_step

HALVES = [half for half in range(65536) if half & 3 != 3]
RESERVED = [half for half in HALVES if expand(half) is None]
LEGAL = [half for half in HALVES if expand(half) is not None]
MEMORY = 0x10008000
RETURN = e.c_jr(9)
JUMP_ROWS = ((1, 1), (1, 5), (1, 6), (1, 7))  # (quadrant, funct3) of c.jal, c.j, c.beqz, c.bnez
ROWS = sorted({(half & 3, half >> 13) for half in LEGAL} - {*JUMP_ROWS})


def row(half: int) -> tuple[int, int]:
    return half & 3, half >> 13


def is_indirect(half: int) -> bool:
    return row(half) == (2, 4) and half >> 2 & 31 == 0


def start_frame() -> Frame:
    frame = Frame(seed=1, interrupts=False, interrupt_period=(1000, 1001))
    frame.frame_start()
    return frame


def executed(result: Result, trapped: bool) -> set[int]:
    records = result.records
    chosen = (records["insn"] & 3 != 3) & (((records["flags"] & TRAP) != 0) == trapped)
    return set(np.unique(records["insn"][chosen]).tolist())


def reserved_frame(halves: list[int]) -> Frame:
    """Nothing but illegal instructions; the trap handler steps over each."""
    frame = start_frame()
    frame.half(*halves)
    frame.frame_end()
    return frame


def legal_frame(encoded_row: tuple[int, int], halves: list[int]) -> Frame:
    """Instructions of a row without jumps, on registers of changing contents."""
    rng = random.Random(encoded_row[0] * 8 + encoded_row[1])
    frame = start_frame()
    for index, half in enumerate(halves):
        if index % 64 == 0:
            for register in rng.sample(FREE, 8):
                frame.word(*e.li(register, rng.getrandbits(32)))
        if encoded_row[1] in (2, 6) and encoded_row[0] != 1:  # loads and stores want an address
            frame.word(e.lui(2 if encoded_row[0] == 2 else 8 + (half >> 7 & 7), MEMORY >> 12))
        frame.half(half)
    frame.frame_end()
    return frame


def legal_halves(encoded_row: tuple[int, int]) -> list[int]:
    return [half for half in LEGAL if row(half) == encoded_row and not is_indirect(half)]


@pytest.mark.parametrize("quadrant", [0, 1, 2])
def test_reserved_encodings_trap_with_themselves_in_mtval(fast_midge: Midge, quadrant: int) -> None:
    """mcause and mtval are read by the handler and judged by the model."""
    halves = [half for half in RESERVED if half & 3 == quadrant]
    # Whole rows are floating point: a fifth of those, of all others every one.
    halves = [half for half in halves if half >> 13 & 1 == 0 or row(half) == (1, 3) or half % 5 == 0]
    result = fast_midge.check(reserved_frame(halves).image())
    assert set(result.traps["mcause"].tolist()) == {2}
    assert executed(result, trapped=True) == set(halves)


@pytest.mark.parametrize("encoded_row", ROWS)
def test_legal_encodings_do_what_they_stand_for(midge: Midge, encoded_row: tuple[int, int]) -> None:
    """Every encoding with one-cycle memories, an eighth of them with wait states."""
    halves = legal_halves(encoded_row)
    if midge.has_wait_states:
        halves = random.Random(1).sample(halves, len(halves) // 8)
    result = midge.check(legal_frame(encoded_row, halves).image())
    assert executed(result, trapped=False) >= set(halves)


@pytest.mark.slow
@pytest.mark.parametrize("encoded_row", ROWS)
def test_legal_encodings_in_lock_step_with_spike(
    fast_midge: Midge, encoded_row: tuple[int, int], spike_python: str, request: pytest.FixtureRequest
) -> None:
    image = legal_frame(encoded_row, legal_halves(encoded_row)).image()
    run = Run(f"compressed row {encoded_row}", image, fast_midge.run(image).records)
    assert lock_step(spike_python, run, f"python -m pytest -m slow '{request.node.nodeid}'") > len(
        legal_halves(encoded_row)
    )


@pytest.mark.slow
@pytest.mark.parametrize("quadrant", [0, 1, 2])
def test_reserved_encodings_in_lock_step_with_spike(
    fast_midge: Midge, quadrant: int, spike_python: str, request: pytest.FixtureRequest
) -> None:
    """All of them: Spike finds the same ones illegal, with the same mtval."""
    image = reserved_frame([half for half in RESERVED if half & 3 == quadrant]).image()
    run = Run(f"reserved encodings of quadrant {quadrant}", image, fast_midge.run(image).records)
    assert lock_step(spike_python, run, f"python -m pytest -m slow '{request.node.nodeid}'") > 1000


@pytest.mark.parametrize("name", ["c.j", "c.jal", "c.beqz", "c.bnez"])
def test_every_offset_of_jumps_and_branches(fast_midge: Midge, name: str) -> None:
    """Each encoding stands in a field of returns (c.jr x9) and lands on one; branches are also not taken."""
    is_branch = name in ("c.beqz", "c.bnez")
    reach = 256 if is_branch else 2048
    registers = (8, 10, 11, 12, 13, 14, 15)
    encodings = {
        offset: e.c_branch(name[2:], registers[offset // 2 % 7], offset)
        if is_branch
        else e.c_jump(name == "c.jal", offset)
        for offset in range(-reach, reach, 2)
        if offset != 0  # a jump to itself never ends
    }
    places = _places(encodings)
    size = max(places.values()) + reach
    field = [RETURN] * (size + size % 2)
    for offset, place in places.items():
        field[place] = encodings[offset]
    frame = start_frame()
    frame.word(e.jal(0, 4 + 2 * len(field)))
    base = frame.here
    frame.half(*field)
    for value in (0, 5) if is_branch else (0,):
        for register in registers:
            frame.word(e.op_imm("addi", register, 0, value))
        for place in places.values():
            frame.word(e.auipc(9, 0), e.op_imm("addi", 9, 9, 12), e.jal(0, base + 2 * place - frame.here - 8))
    frame.frame_end()
    result = fast_midge.check(frame.image())
    jumps = result.records[result.records["insn"] & 3 != 3]
    distances = (jumps["next_pc"].astype(np.int64) - jumps["pc"])[jumps["insn"] != RETURN]
    assert set(distances.tolist()) == {*encodings, *((2,) if is_branch else ())}


def _places(encodings: dict[int, int]) -> dict[int, int]:
    """Half-word indices for instructions that leap `offset` bytes; none lands on another of them."""
    rng = random.Random(3)
    instructions: set[int] = set()
    landings: set[int] = set()
    places = {}
    for offset in encodings:
        while True:
            place = rng.randrange(1024, 1024 + 8 * len(encodings))
            lands = {place + offset // 2, place + 1}
            if place not in landings | instructions and not lands & instructions:
                break
        instructions.add(place)
        landings |= lands
        places[offset] = place
    return places


def test_indirect_jumps_through_every_register(midge: Midge) -> None:
    """c.jr and c.jalr; c.jalr x1 reads its target before it writes the link."""
    frame = start_frame()
    encodings = [encode(register) for encode in (e.c_jr, e.c_jalr) for register in range(1, 32)]
    for half in encodings:
        register = half >> 7 & 31
        frame.word(e.auipc(register, 0), e.op_imm("addi", register, register, 14))
        frame.half(half)
        frame.word(e.op_imm("addi", 10, 0, -1))  # jumped over
    frame.half(e.C_EBREAK, e.C_NOP)
    frame.frame_end()
    result = midge.check(frame.image())
    assert executed(result, trapped=False) >= set(encodings)
    assert executed(result, trapped=True) == {e.C_EBREAK}
    assert result.traps["mcause"].tolist() == [3]


def test_encoders_and_expansion_agree() -> None:
    """The two tables that the tests stand on were written separately; each must undo the other."""
    for offset in range(-2048, 2048, 2):
        assert expand(e.c_jump(True, offset)) == e.jal(1, offset)
        assert expand(e.c_jump(False, offset)) == e.jal(0, offset)
    for offset in range(-256, 256, 2):
        assert expand(e.c_branch("beqz", 9, offset)) == e.branch("beq", 9, 0, offset)
        assert expand(e.c_branch("bnez", 14, offset)) == e.branch("bne", 14, 0, offset)
    for offset in range(0, 128, 4):
        assert expand(e.c_lw(8, 15, offset)) == e.load("lw", 8, 15, offset)
        assert expand(e.c_sw(15, 8, offset)) == e.store("sw", 15, 8, offset)
    for offset in range(0, 256, 4):
        assert expand(e.c_lwsp(31, offset)) == e.load("lw", 31, 2, offset)
        assert expand(e.c_swsp(17, offset)) == e.store("sw", 17, 2, offset)
    for offset in range(4, 1024, 4):
        assert expand(e.c_addi4spn(11, offset)) == e.op_imm("addi", 11, 2, offset)
    for step in range(-512, 512, 16):
        assert expand(e.c_addi16sp(step)) == (e.op_imm("addi", 2, 2, step) if step else None)
    for value in range(-32, 32):
        assert expand(e.c_addi(21, value)) == e.op_imm("addi", 21, 21, value)
        assert expand(e.c_li(21, value)) == e.op_imm("addi", 21, 0, value)
        assert expand(e.c_lui(21, value)) == (e.lui(21, value) if value else None)
        assert expand(e.c_alu_immediate("andi", 10, value)) == e.op_imm("andi", 10, 10, value)
    for amount in range(32):
        assert expand(e.c_slli(21, amount)) == e.op_imm("slli", 21, 21, amount)
        assert expand(e.c_alu_immediate("srli", 10, amount)) == e.op_imm("srli", 10, 10, amount)
        assert expand(e.c_alu_immediate("srai", 10, amount)) == e.op_imm("srai", 10, 10, amount)
    for name in ("sub", "xor", "or", "and"):
        assert expand(e.c_alu(name, 8, 15)) == e.op(name, 8, 8, 15)
    assert expand(e.c_mv(3, 30)) == e.op("add", 3, 0, 30)
    assert expand(e.c_add(3, 30)) == e.op("add", 3, 3, 30)
    assert expand(e.C_EBREAK) == e.EBREAK
