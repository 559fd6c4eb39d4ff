"""Encoders of RV32IMC instructions, from the unprivileged specification (20191213, chapters 16 and 24).

They share nothing with the decoder under test. 32-bit encoders return a word, names that start with `c_` a
half word. Registers are numbers, immediates are plain signed integers (bytes for offsets).
"""

from __future__ import annotations

OP = {
    "add": (0x00, 0), "sub": (0x20, 0), "sll": (0x00, 1), "slt": (0x00, 2), "sltu": (0x00, 3),
    "xor": (0x00, 4), "srl": (0x00, 5), "sra": (0x20, 5), "or": (0x00, 6), "and": (0x00, 7),
    "mul": (0x01, 0), "mulh": (0x01, 1), "mulhsu": (0x01, 2), "mulhu": (0x01, 3),
    "div": (0x01, 4), "divu": (0x01, 5), "rem": (0x01, 6), "remu": (0x01, 7),
}  # fmt: skip
OP_IMM = {"addi": 0, "slti": 2, "sltiu": 3, "xori": 4, "ori": 6, "andi": 7}
SHIFT_IMM = {"slli": (0x00, 1), "srli": (0x00, 5), "srai": (0x20, 5)}
LOAD = {"lb": 0, "lh": 1, "lw": 2, "lbu": 4, "lhu": 5}
STORE = {"sb": 0, "sh": 1, "sw": 2}
BRANCH = {"beq": 0, "bne": 1, "blt": 4, "bge": 5, "bltu": 6, "bgeu": 7}
CSR = {"csrrw": 1, "csrrs": 2, "csrrc": 3, "csrrwi": 5, "csrrsi": 6, "csrrci": 7}

ECALL, EBREAK, MRET, WFI = 0x00000073, 0x00100073, 0x30200073, 0x10500073
FENCE, FENCE_I = 0x0FF0000F, 0x0000100F
C_NOP, C_EBREAK = 0x0001, 0x9002


def _field(value: int, bits: int) -> int:
    if not -(1 << (bits - 1)) <= value < 1 << bits:
        raise ValueError(f"{value} does not fit in {bits} bits")
    return value & ((1 << bits) - 1)


def _bits(value: int, *positions: int) -> int:
    """The named bits of value, first one most significant."""
    result = 0
    for position in positions:
        result = result << 1 | (value >> position & 1)
    return result


def op(name: str, rd: int, rs1: int, rs2: int) -> int:
    funct7, funct3 = OP[name]
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33


def op_imm(name: str, rd: int, rs1: int, immediate: int) -> int:
    if name in SHIFT_IMM:
        funct7, funct3 = SHIFT_IMM[name]
        immediate = funct7 << 5 | immediate
    else:
        funct3 = OP_IMM[name]
    return _field(immediate, 12) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x13


def load(name: str, rd: int, rs1: int, offset: int) -> int:
    return _field(offset, 12) << 20 | rs1 << 15 | LOAD[name] << 12 | rd << 7 | 0x03


def store(name: str, rs2: int, rs1: int, offset: int) -> int:
    offset = _field(offset, 12)
    return offset >> 5 << 25 | rs2 << 20 | rs1 << 15 | STORE[name] << 12 | (offset & 31) << 7 | 0x23


def branch(name: str, rs1: int, rs2: int, offset: int) -> int:
    offset = _field(offset, 13)
    high = _bits(offset, 12, 10, 9, 8, 7, 6, 5)
    low = _bits(offset, 4, 3, 2, 1, 11)
    return high << 25 | rs2 << 20 | rs1 << 15 | BRANCH[name] << 12 | low << 7 | 0x63


def lui(rd: int, upper: int) -> int:
    """upper: bits 31:12 of the result, as a 20-bit number."""
    return (upper & 0xFFFFF) << 12 | rd << 7 | 0x37


def auipc(rd: int, upper: int) -> int:
    return (upper & 0xFFFFF) << 12 | rd << 7 | 0x17


def jal(rd: int, offset: int) -> int:
    offset = _field(offset, 21)
    return (
        (offset >> 20 & 1) << 31
        | (offset >> 1 & 0x3FF) << 21
        | (offset >> 11 & 1) << 20
        | (offset >> 12 & 0xFF) << 12
        | rd << 7
        | 0x6F
    )


def jalr(rd: int, rs1: int, offset: int) -> int:
    return _field(offset, 12) << 20 | rs1 << 15 | rd << 7 | 0x67


def csr(name: str, rd: int, address: int, operand: int) -> int:
    """operand: the number of rs1, or the 5-bit immediate of the forms that end in i."""
    return address << 20 | operand << 15 | CSR[name] << 12 | rd << 7 | 0x73


def li(rd: int, value: int) -> list[int]:
    """rd = value, in one or two 32-bit instructions."""
    value &= 0xFFFFFFFF
    low = (value & 0xFFF) - (0x1000 if value & 0x800 else 0)
    upper = (value - low) >> 12 & 0xFFFFF
    if upper == 0:
        return [op_imm("addi", rd, 0, low)]
    return [lui(rd, upper), op_imm("addi", rd, rd, low)]


# Compressed forms. Registers of the short forms are 8..15.


def c_addi4spn(rd: int, offset: int) -> int:
    return _bits(offset, 5, 4, 9, 8, 7, 6, 2, 3) << 5 | (rd - 8) << 2


def c_lw(rd: int, rs1: int, offset: int) -> int:
    return 0x4000 | _bits(offset, 5, 4, 3) << 10 | (rs1 - 8) << 7 | _bits(offset, 2, 6) << 5 | (rd - 8) << 2


def c_sw(rs2: int, rs1: int, offset: int) -> int:
    return 0xC000 | _bits(offset, 5, 4, 3) << 10 | (rs1 - 8) << 7 | _bits(offset, 2, 6) << 5 | (rs2 - 8) << 2


def _c_immediate(funct3: int, rd: int, immediate: int, quadrant: int = 1) -> int:
    immediate = _field(immediate, 6)
    return funct3 << 13 | (immediate >> 5) << 12 | rd << 7 | (immediate & 31) << 2 | quadrant


def c_addi(rd: int, immediate: int) -> int:
    return _c_immediate(0, rd, immediate)


def c_li(rd: int, immediate: int) -> int:
    return _c_immediate(2, rd, immediate)


def c_lui(rd: int, upper: int) -> int:
    """upper: bits 17:12 of the result as a signed number other than 0; rd other than 2."""
    return _c_immediate(3, rd, upper)


def c_addi16sp(immediate: int) -> int:
    return 0x6101 | (immediate >> 9 & 1) << 12 | _bits(immediate, 4, 6, 8, 7, 5) << 2


def c_slli(rd: int, amount: int) -> int:
    return _c_immediate(0, rd, amount, 2)


def c_alu_immediate(name: str, rd: int, immediate: int) -> int:
    """c.srli, c.srai (amount 0..31) and c.andi (-32..31)."""
    kind = {"srli": 0, "srai": 1, "andi": 2}[name]
    return _c_immediate(4, kind << 3 | (rd - 8), immediate)


def c_alu(name: str, rd: int, rs2: int) -> int:
    """c.sub, c.xor, c.or, c.and."""
    kind = {"sub": 0, "xor": 1, "or": 2, "and": 3}[name]
    return 0x8C01 | (rd - 8) << 7 | kind << 5 | (rs2 - 8) << 2


def c_mv(rd: int, rs2: int) -> int:
    return 0x8002 | rd << 7 | rs2 << 2


def c_add(rd: int, rs2: int) -> int:
    return 0x9002 | rd << 7 | rs2 << 2


def c_jr(rs1: int) -> int:
    return 0x8002 | rs1 << 7


def c_jalr(rs1: int) -> int:
    return 0x9002 | rs1 << 7


def c_jump(link: bool, offset: int) -> int:
    """c.jal (link) and c.j."""
    _field(offset, 12)
    return (0x2001 if link else 0xA001) | _bits(offset, 11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5) << 2


def c_branch(name: str, rs1: int, offset: int) -> int:
    """c.beqz and c.bnez."""
    _field(offset, 9)
    funct3 = {"beqz": 6, "bnez": 7}[name]
    high, low = _bits(offset, 8, 4, 3), _bits(offset, 7, 6, 2, 1, 5)
    return funct3 << 13 | high << 10 | (rs1 - 8) << 7 | low << 2 | 1


def c_lwsp(rd: int, offset: int) -> int:
    return 0x4002 | (offset >> 5 & 1) << 12 | rd << 7 | _bits(offset, 4, 3, 2, 7, 6) << 2


def c_swsp(rs2: int, offset: int) -> int:
    return 0xC002 | _bits(offset, 5, 4, 3, 2, 7, 6) << 7 | rs2 << 2
