"""What each 16-bit instruction of RV32C stands for, in the order of the specification (chapter 16).

Independent of the decompressor under test: it is written as calls of the encoders in midge_encoding.
"""

from __future__ import annotations

from functools import lru_cache

import midge_encoding as e


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _gather(half: int, *fields: tuple[int, int, int]) -> int:
    """Builds a number from (lowest bit in the half word, count, lowest bit in the number)."""
    return sum((half >> source & (1 << count) - 1) << target for source, count, target in fields)


@lru_cache(maxsize=1 << 16)
def expand(half: int) -> int | None:
    """The 32-bit equivalent, or None if the encoding is reserved on RV32C without floating point."""
    row = (half & 3, half >> 13)
    rd, rs2 = half >> 7 & 31, half >> 2 & 31
    low, high = 8 + (half >> 2 & 7), 8 + (half >> 7 & 7)
    immediate = _signed(_gather(half, (2, 5, 0), (12, 1, 5)), 6)
    word_offset = _gather(half, (6, 1, 2), (10, 3, 3), (5, 1, 6))
    jump = _signed(
        _gather(
            half, (3, 3, 1), (11, 1, 4), (2, 1, 5), (7, 1, 6), (6, 1, 7), (9, 2, 8), (8, 1, 10), (12, 1, 11)
        ),
        12,
    )
    if row == (0, 0):
        offset = _gather(half, (6, 1, 2), (5, 1, 3), (11, 2, 4), (7, 4, 6))
        return e.op_imm("addi", low, 2, offset) if offset else None
    if row == (0, 2):
        return e.load("lw", low, high, word_offset)
    if row == (0, 6):
        return e.store("sw", low, high, word_offset)
    if row == (1, 0):
        return e.op_imm("addi", rd, rd, immediate)
    if row in ((1, 1), (1, 5)):
        return e.jal(1 if row[1] == 1 else 0, jump)
    if row == (1, 2):
        return e.op_imm("addi", rd, 0, immediate)
    if row == (1, 3):
        if rd == 2:
            step = _signed(_gather(half, (6, 1, 4), (2, 1, 5), (5, 1, 6), (3, 2, 7), (12, 1, 9)), 10)
            return e.op_imm("addi", 2, 2, step) if step else None
        return e.lui(rd, immediate) if immediate else None
    if row == (1, 4):
        return _arithmetic(half, high, low, immediate)
    if row in ((1, 6), (1, 7)):
        offset = _signed(_gather(half, (3, 2, 1), (10, 2, 3), (2, 1, 5), (5, 2, 6), (12, 1, 8)), 9)
        return e.branch("beq" if row[1] == 6 else "bne", high, 0, offset)
    if row == (2, 0):
        return e.op_imm("slli", rd, rd, immediate) if immediate >= 0 else None
    if row == (2, 2):
        offset = _gather(half, (4, 3, 2), (12, 1, 5), (2, 2, 6))
        return e.load("lw", rd, 2, offset) if rd else None
    if row == (2, 4):
        return _register(rd, rs2, link=bool(half >> 12 & 1))
    if row == (2, 6):
        return e.store("sw", rs2, 2, _gather(half, (9, 4, 2), (7, 2, 6)))
    return None


def _arithmetic(half: int, rd: int, rs2: int, immediate: int) -> int | None:
    kind = half >> 10 & 3
    if kind < 2:
        return e.op_imm(("srli", "srai")[kind], rd, rd, immediate) if immediate >= 0 else None
    if kind == 2:
        return e.op_imm("andi", rd, rd, immediate)
    return None if half >> 12 & 1 else e.op(("sub", "xor", "or", "and")[half >> 5 & 3], rd, rd, rs2)


def _register(rd: int, rs2: int, link: bool) -> int | None:
    if rs2:
        return e.op("add", rd, rd if link else 0, rs2)
    if rd:
        return e.jalr(int(link), rd, 0)
    return e.EBREAK if link else None
