"""Illegal operands, reserved encodings, misaligned and failing accesses of Xmidge."""

from __future__ import annotations

import pytest
import xmidge_encoding as x
from midge_runner import Midge
from test_traps import in_threes, words_frame
from xmidge_model import CUSTOM_0, CUSTOM_1, decode

SRAM_END = 0x10040000
LOAD_MISALIGNED, LOAD_FAULT, STORE_FAULT = 4, 5, 7


def test_reserved_encodings_trap_with_themselves_in_mtval(xmidge: Midge) -> None:
    """Every funct3 and funct7 with fields that no instruction has, and what loop does not allow."""
    fields = [(10, 11, 12), (10, 10, 12), (0, 11, 12), (10, 0, 12), (0, 0, 12), (10, 11, 0)]
    words = [
        funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | CUSTOM_0
        for funct3 in range(8) for funct7 in range(128) for rd, rs1, rs2 in fields
    ]  # fmt: skip
    immediates = (0, 1, 2, 3, 5, 6, 2046, 0x800, 0xFFC, 0xFFF)
    words += [immediate << 20 | 10 << 15 | CUSTOM_1 for immediate in immediates]
    words += [8 << 20 | 10 << 15 | f3 << 12 | rd << 7 | CUSTOM_1 for f3 in range(8) for rd in (0, 5)]
    words = [word for word in words if decode(word) is None]
    assert len(words) > 5000
    result = xmidge.check(words_frame(words).image())
    assert result.traps["insn"].tolist() == words
    assert set(result.traps["mcause"].tolist()) == {2}


ILLEGAL_VALUES = {
    "SHAPE": [
        x.shape(width=3), x.shape(0, words=2), x.shape(1, words=4), x.shape(2, words=3), x.shape(channels=17),
        x.shape(pixels=2, vector=1), 1 << 14, 1 << 31,
    ],
    "WINDOW": [x.window(0, 5), x.window(1, 4), x.window(3, 2), 1 << 5, 1 << 14, 1 << 18],
    "OUTPUT": [1 << 29, 1 << 31],
    "POSITION": [1 << 6, 1 << 31],
    "LOOP_START": [1, 2],
    "LOOP_END": [1, 2],
}  # fmt: skip


@pytest.mark.parametrize("register", ILLEGAL_VALUES)
def test_illegal_values_of_registers(xmidge: Midge, register: str) -> None:
    """The register keeps its value."""
    values = ILLEGAL_VALUES[register]
    tries = "\n".join(f"  li a0, {value}\n  nn.set {register}, a0" for value in values)
    result, _ = xmidge.check_source(f"""
.option norvc
  put {register}, 4
{tries}
  nn.get {register}, a0
  report a0
  finish
""")
    assert [cause for cause, _, _ in in_threes(result.reported[:-1])] == [2] * len(values)
    assert result.reported[-1] == 4


LENGTHS = {
    "SHAPE": 1, "LOOP_COUNT": 1, "ACCUMULATOR": 64, "COLUMN": 4, "WEIGHT": 64, "BIAS": 64, "MULTIPLIER": 64,
    "SHIFT": 16, "TABLE_A": 256, "TABLE_B": 256,
}  # fmt: skip


@pytest.mark.parametrize("register", LENGTHS)
def test_elements_beyond_the_last(xmidge: Midge, register: str) -> None:
    length = LENGTHS[register]
    beyond = [length, length + 256, 65536, 0x80000000]
    lines = [
        f"  li a1, {element}\n  nn.set {register}, zero, a1\n  nn.get {register}, a2, a1"
        for element in beyond
    ]
    ranges = [1, length - 1 | 2 << 16, length + 1 << 16, length | 1 << 16, 0xFFFF0000 | 1]
    if length > 1:
        lines += [f"  li a0, 0x10000000\n  li a1, {value}\n  nn.ldm {register}, a0, a1" for value in ranges]
    result, _ = xmidge.check_source(".option norvc\n" + "\n".join(lines) + "\n  finish\n")
    expected = 2 * len(beyond) + (len(ranges) if length > 1 else 0)
    assert [cause for cause, _, _ in in_threes(result.reported)] == [2] * expected


ILLEGAL_OPERANDS = {
    "rqc": (
        f"put SHAPE, {x.shape(channels=16)}", "li a0, 0x10005000", ["li a1, 49", "li a1, -1"],
        "nn.rqc a0, a1",
    ),
    "rqc of a vector": (
        f"put SHAPE, {x.shape(vector=1, channels=64)}", "li a0, 0x10005000", ["li a1, 1"], "nn.rqc a0, a1",
    ),
    "rqw": (
        f"put WINDOW, {x.window(lanes=4)}", "li a0, 0x10005000",
        ["li a1, 0", "li a1, 0x1100", "li a1, 0x110", "li a1, 0x3D0100", "li a1, 0x80000100"],
        "nn.rqw a0, a1",
    ),
    "rqv": ("", "li a0, 1", ["li a1, 64", "li a1, 0x80000000"], "nn.rqv a2, a0, a1"),
    "taba": ("", "li a1, 0", ["li a0, 128", "li a0, -129", "li a0, 0x80000000"], "nn.taba a0, a1"),
    "tabb": ("", "li a0, 0", ["li a1, 64", "li a1, 0x100"], "nn.tabb a0, a1"),
    "add": (f"put SHAPE, {x.shape(channels=5)}", "li a1, 0", ["li a0, 0x10005000"], "nn.add a0, a1"),
    "sub": ("put SHAPE, 0", "li a0, 0x10005000", ["li a1, 64"], "nn.sub a0, a1"),
    "col": (f"put WINDOW, {x.window(0, 1, 6)}", "li a0, 0x10005000", ["nop"], "nn.col a0, 2"),
    "cola": (f"put WINDOW, {x.window(0, 1, 9)}", "li a0, 0x10005000", ["nop"], "nn.cola a0, 1"),
    "colva": (f"put WINDOW, {x.window(0, 1, 5)}", "li a0, 0", ["nop"], "nn.colva a0, 3"),
}  # fmt: skip


@pytest.mark.parametrize("case", ILLEGAL_OPERANDS)
def test_illegal_operands(xmidge: Midge, case: str) -> None:
    """mtval is the instruction; nothing has changed."""
    setup, first, seconds, instruction = ILLEGAL_OPERANDS[case]
    tries = "\n".join(
        f"  {second}\n{'t' if index == 0 else f't{index}'}_: {instruction}"
        for index, second in enumerate(seconds)
    )
    result, image = xmidge.check_source(f"""
.option norvc
  {setup}
  {first}
{tries}
  lw a3, 0(gp)
  report_elements ACCUMULATOR, 2
  nn.get POSITION, a3
  report a3
  report a0
  finish
""")
    traps = in_threes(result.reported[: 3 * len(seconds)])
    insn = int.from_bytes(image.data[image.symbols["t_"] :][:4], "little")
    assert [(cause, value) for cause, _, value in traps] == [(2, insn)] * len(seconds)
    assert result.reported[3 * len(seconds) :][:3] == [0, 0, 0]


def test_a_loop_at_a_half_word_address(xmidge: Midge) -> None:
    result, image = xmidge.check_source("""
  li a0, 3
.balign 4
  c.nop
.option norvc
t: nn.loop a0, 4
.option rvc
  c.nop
.option norvc
  nn.get LOOP_COUNT, a1
  report a1
  finish
""")
    [(cause, place, _)] = in_threes(result.reported[:3])
    assert (cause, place, result.reported[3]) == (2, image.symbols["t"], 0)


@pytest.mark.parametrize("offset", [1, 2, 3])
@pytest.mark.parametrize(
    "instruction", ["nn.mac a0", "nn.macf a0", "nn.ldm BIAS, a0, a1", "nn.add a0, a2", "nn.sub a0, a2"]
)
def test_misaligned_words(xmidge: Midge, instruction: str, offset: int) -> None:
    address = 0x10005000 + offset
    result, _ = xmidge.check_source(f"""
.option norvc
  put SHAPE, {x.shape(channels=4)}
  li a0, {address}
  li a1, 2 << 16
  li a2, 0
  {instruction}
  report a0
  finish
""")
    cause, _, value, pointer = result.reported
    assert (cause, value, pointer) == (LOAD_MISALIGNED, address, address)


def test_a_misaligned_second_operand_of_add(xmidge: Midge) -> None:
    result, _ = xmidge.check_source("""
.option norvc
  put SHAPE, 0
  put PIXEL_STEP, 6
  li a0, 0x10005000
  nn.add a0, zero
  report a0
  finish
""")
    assert result.reported[0::2] == [LOAD_MISALIGNED, 0x10005006]


def faulting(xmidge: Midge, setup: str, instruction: str, reports: str) -> tuple[tuple[int, int], list[int]]:
    """((mcause, mtval) of the one trap, what is reported afterwards)."""
    result, _ = xmidge.check_source(f"""
.option norvc
{setup}
  {instruction}
{reports}
  finish
""")
    cause, _, value = result.reported[:3]
    return (cause, value), result.reported[3:]


def test_weights_that_end_in_the_middle_of_mac(xmidge: Midge) -> None:
    trap, after = faulting(
        xmidge,
        f"""
  put SHAPE, {x.shape(channels=6)}
  li a0, 0x10005000
  li a1, 1
  sw a1, 0(a0)
  nn.lda a0
  li a0, {SRAM_END - 12}
  li a1, 7
  sw a1, 0(a0)
  sw a1, 4(a0)
  sw a1, 8(a0)""",
        "nn.macf a0",
        "  report_elements ACCUMULATOR, 6\n  report a0",
    )
    assert trap == (LOAD_FAULT, SRAM_END)
    assert after == [7, 7, 7, 0, 0, 0, SRAM_END - 12]


@pytest.mark.parametrize("offset", [0, 3])
def test_activations_that_end_in_the_middle_of_lda(xmidge: Midge, offset: int) -> None:
    """The words that were complete are there, as a dot product with ones shows."""
    trap, after = faulting(
        xmidge,
        f"""
  put SHAPE, {x.shape(2, 2, 4, 4)}
  put PIXEL_STEP, 4
  li a0, {SRAM_END - 16}
  li a1, 0x01010101
  sw a1, 0(a0)
  sw a1, 4(a0)
  sw a1, 8(a0)
  sw a1, 12(a0)
  addi a0, a0, {offset}
  la a1, planes""",
        "nn.lda a0",
        f"""
  nn.macf a1
  report_elements ACCUMULATOR, 4
  report_elements ACCUMULATOR, 4, 16
  report a0
  j 9f
{x.data("planes", [0x01010101, 0x04040404, 0x10101010, 0x40404040])}
9:""",
    )
    assert trap == (LOAD_FAULT, SRAM_END)
    whole = [4, 4, 4, 4, 4, 4, 4, 0] if offset == 0 else [4, 4, 4, 0, 0, 0, 0, 0]
    assert after == [*whole, SRAM_END - 16 + offset]


def test_a_column_whose_second_row_fails(xmidge: Midge) -> None:
    """The first row is in column; nothing is accumulated and position stays."""
    trap, after = faulting(
        xmidge,
        f"""
  put WINDOW, {x.window(0, 3, 1)}
  put PIXEL_STEP, 4
  put WEIGHT, 0x01010101
  li a0, {SRAM_END - 4}
  li a1, 0x04030201
  sw a1, 0(a0)""",
        "nn.cola a0",
        """
  report_elements COLUMN, 2
  report_elements ACCUMULATOR, 1
  nn.get POSITION, a1
  report a1
  report a0""",
    )
    assert trap == (LOAD_FAULT, SRAM_END)
    assert after == [0x04030201, 0, 0, 0, SRAM_END - 4]


def test_a_list_of_parameters_that_ends(xmidge: Midge) -> None:
    trap, after = faulting(
        xmidge,
        f"""
  li a0, {SRAM_END - 8}
  li a1, 0x01234567
  sw a1, 0(a0)
  sw a1, 4(a0)
  li a2, 5 + 65536 * 4""",
        "nn.ldm BIAS, a0, a2",
        "  report_elements BIAS, 4, 5\n  report a0",
    )
    assert trap == (LOAD_FAULT, SRAM_END)
    assert after == [0x01234567, 0x01234567, 0, 0, SRAM_END - 8]


@pytest.mark.parametrize(
    "setup, instruction",
    [
        (f"put SHAPE, {x.shape(channels=8)}\n  li a1, 0", "nn.rqc a0, a1"),
        (f"put WINDOW, {x.window(lanes=2)}\n  put OUTPUT_STEP, 2\n  li a1, 0x400", "nn.rqw a0, a1"),
    ],
)
def test_outputs_that_run_out_of_memory(xmidge: Midge, setup: str, instruction: str) -> None:
    """The bytes before the end are written."""
    trap, after = faulting(
        xmidge,
        f"""
  put OUTPUT, {x.output(5, 5, 5)}
  {setup}
  li a0, {SRAM_END - 5}""",
        instruction,
        f"  report_words {SRAM_END - 8}, 2",
    )
    assert trap == (STORE_FAULT, SRAM_END)
    assert after == [0x05000000, 0x05050505]


def test_outputs_to_program_memory(xmidge: Midge) -> None:
    trap, _ = faulting(xmidge, f"  put SHAPE, {x.shape(channels=2)}\n  li a0, 64", "nn.rqc a0, zero", "")
    assert trap == (STORE_FAULT, 64)


def test_an_addition_whose_result_has_no_place(xmidge: Midge) -> None:
    trap, after = faulting(
        xmidge,
        f"""
  put SHAPE, {x.shape(channels=4)}
  put PIXEL_STEP, 0
  put OUTPUT_STEP, 6
  li a0, {SRAM_END - 8}""",
        "nn.add a0, zero",
        "  report a0",
    )
    assert trap == (STORE_FAULT, SRAM_END)
    assert after == [SRAM_END - 8]
