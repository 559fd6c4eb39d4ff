"""A small model of Midge's architecture in Python, which judges the RVFI records of a run one by one.

It covers RV32IMC, machine mode and the memory map. What only the hardware knows (mcycle, mtime, mip, the
UART, the moment of an interrupt) is taken from the record; everything else must come out equal. It needs
nothing that is not in the development environment; Spike is the second judge, where it is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from midge_expand import expand
from midge_rvfi import INTERRUPTED, TRAP

PROGRAM_BYTES, SRAM_BASE, SRAM_BYTES = 1 << 20, 0x10000000, 0x40000
PERIPHERALS = (
    *range(0x20000000, 0x20000008, 4),
    *range(0x20010000, 0x20010010, 4),
    *range(0x20020000, 0x20020010, 4),
)
SYSTEM_ID, ID_VALUE = 0x20020004, 0x4D494447
FETCH_FAULT, ILLEGAL, BREAKPOINT, ECALL = 1, 2, 3, 11
MISALIGNED, FAULT = {"load": 4, "store": 6}, {"load": 5, "store": 7}
MASK = 0xFFFFFFFF
EXTENSION_OPCODES = (0x0B, 0x2B)  # custom-0, custom-1
VOLATILE_CSRS = (0x344, 0xB00, 0xB80, 0xC00, 0xC80)
READ_ONLY_ZERO = {
    *range(0xB03, 0xB20), *range(0xB83, 0xBA0), *range(0x323, 0x340),
    *range(0xC03, 0xC20), *range(0xC83, 0xCA0), 0xF11, 0xF12, 0xF13, 0xF14, 0xF15, 0x310,
}  # fmt: skip
WRITABLE = {
    0x300: 0x88, 0x304: 0x888, 0x305: 0xFFFFFFFD, 0x320: 5, 0x340: MASK, 0x341: 0xFFFFFFFE,
    0x342: 0x8000000F, 0x343: MASK, 0xB02: MASK, 0xB82: MASK,
}  # fmt: skip
ALWAYS_SET = {0x300: 0x1800, 0x301: 0x40001104}


class Trap(Exception):
    """A synchronous exception."""

    def __init__(self, cause: int, value: int = 0):
        super().__init__(cause, value)
        self.cause, self.value = cause, value


def signed(value: int) -> int:
    return value - (1 << 32) if value & 0x80000000 else value


def _divide(a: int, b: int) -> int:
    """Quotient rounded to zero; by zero all ones."""
    if b == 0:
        return -1
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


ALU = {
    (0x00, 0): lambda a, b: a + b,
    (0x20, 0): lambda a, b: a - b,
    (0x00, 1): lambda a, b: a << (b & 31),
    (0x00, 2): lambda a, b: int(signed(a) < signed(b)),
    (0x00, 3): lambda a, b: int(a < b),
    (0x00, 4): lambda a, b: a ^ b,
    (0x00, 5): lambda a, b: a >> (b & 31),
    (0x20, 5): lambda a, b: signed(a) >> (b & 31),
    (0x00, 6): lambda a, b: a | b,
    (0x00, 7): lambda a, b: a & b,
    (0x01, 0): lambda a, b: a * b,
    (0x01, 1): lambda a, b: signed(a) * signed(b) >> 32,
    (0x01, 2): lambda a, b: signed(a) * b >> 32,
    (0x01, 3): lambda a, b: a * b >> 32,
    (0x01, 4): lambda a, b: _divide(signed(a), signed(b)),
    (0x01, 5): lambda a, b: a // b if b else -1,
    (0x01, 6): lambda a, b: signed(a) - signed(b) * _divide(signed(a), signed(b)) if b else a,
    (0x01, 7): lambda a, b: a % b if b else a,
}
SHIFTS = ((0x00, 1), (0x00, 5), (0x20, 5))
BRANCH = {
    0: lambda a, b: a == b,
    1: lambda a, b: a != b,
    4: lambda a, b: signed(a) < signed(b),
    5: lambda a, b: signed(a) >= signed(b),
    6: lambda a, b: a < b,
    7: lambda a, b: a >= b,
}


@lru_cache(maxsize=1 << 16)
def _fields(insn: int) -> tuple[int, int, int, int, int, int, int]:
    """(opcode, rd, funct3, rs1, rs2, funct7, immediate) of a 32-bit instruction."""
    opcode = insn & 0x7F
    immediate = insn >> 20
    width = 12
    if opcode == 0x23:
        immediate = (insn >> 25) << 5 | (insn >> 7 & 31)
    elif opcode == 0x63:
        immediate = (
            (insn >> 31) << 12 | (insn >> 7 & 1) << 11 | (insn >> 25 & 63) << 5 | (insn >> 8 & 15) << 1
        )
        width = 13
    elif opcode == 0x6F:
        immediate = (
            insn >> 31 << 20 | (insn >> 12 & 255) << 12 | (insn >> 20 & 1) << 11 | (insn >> 21 & 1023) << 1
        )
        width = 21
    elif opcode in (0x37, 0x17):
        immediate, width = insn & 0xFFFFF000, 32
    if immediate >> (width - 1):
        immediate -= 1 << width
    return opcode, insn >> 7 & 31, insn >> 12 & 7, insn >> 15 & 31, insn >> 20 & 31, insn >> 25, immediate


@dataclass
class Effect:
    """What one instruction did, with the fields of an RVFI record."""

    next_pc: int
    rd: int = 0
    rd_value: int = 0
    address: int = 0
    read_mask: int = 0
    write_mask: int = 0
    read_data: int = 0
    write_data: int = 0


class Extension(Protocol):
    """What Model needs of instructions beyond RV32IMC; xmidge_model.py has them."""

    def execute(
        self, insn: int, pc: int, registers: list[int], memory: Model
    ) -> tuple[int | None, int | None]:
        """(value for rd or None, address of the next instruction if it is a jump); may raise Trap."""

    def after(self, next_pc: int) -> int:
        """The next instruction's address after one that ends at next_pc and did not jump."""


class Model:
    """Registers, CSRs and memories; `check` runs one instruction and says what a record has wrong."""

    def __init__(self, image: bytes, extension: Extension | None = None):
        self.program = image.ljust(PROGRAM_BYTES, b"\0")
        self.sram = bytearray(SRAM_BYTES)
        self.registers = [0] * 32
        self.csrs = {address: ALWAYS_SET.get(address, 0) for address in (*WRITABLE, *ALWAYS_SET)}
        self.possible_causes: list[int] = []
        self.instret_written = False
        self.pc = 0
        self.extension = extension

    # -- memory

    def _fetch(self) -> tuple[int, int]:
        """(instruction as it lies in memory, its bytes)."""
        first = self._half(self.pc)
        if first & 3 != 3:
            return first, 2
        return self._half(self.pc + 2 & MASK) << 16 | first, 4

    def _half(self, address: int) -> int:
        memory, base = self.program, 0
        if SRAM_BASE <= address < SRAM_BASE + SRAM_BYTES:
            memory, base = self.sram, SRAM_BASE
        elif address >= PROGRAM_BYTES:
            raise Trap(FETCH_FAULT, address)
        return int.from_bytes(memory[address - base : address - base + 2], "little")

    def block(self, address: int, size: int) -> bytes | None:
        """Words that lie in one memory as a whole, else None."""
        for memory, base in ((self.sram, SRAM_BASE), (self.program, 0)):
            if address % 4 == 0 and base <= address <= base + len(memory) - size:
                return bytes(memory[address - base : address - base + size])
        return None

    def load(self, address: int, size: int, observed: int = 0) -> int:
        if address % size:
            raise Trap(MISALIGNED["load"], address)
        if SRAM_BASE <= address < SRAM_BASE + SRAM_BYTES:
            return int.from_bytes(self.sram[address - SRAM_BASE : address - SRAM_BASE + size], "little")
        if address < PROGRAM_BYTES:
            return int.from_bytes(self.program[address : address + size], "little")
        if address & ~3 not in PERIPHERALS:
            raise Trap(FAULT["load"], address)
        return ID_VALUE if address == SYSTEM_ID and size == 4 else observed

    def store(self, address: int, size: int, value: int) -> None:
        if address % size:
            raise Trap(MISALIGNED["store"], address)
        if SRAM_BASE <= address < SRAM_BASE + SRAM_BYTES:
            self.sram[address - SRAM_BASE : address - SRAM_BASE + size] = value.to_bytes(size, "little")
        elif address & ~3 not in PERIPHERALS:
            raise Trap(FAULT["store"], address)

    # -- CSRs

    def _csr(self, insn: int, funct3: int, rs1: int, observed: int) -> int:
        """Reads and writes; the value read."""
        address = insn >> 20
        writes = funct3 & 3 == 1 or rs1 != 0
        if address in VOLATILE_CSRS:
            value = observed
        elif address in (0xC02, 0xC82):
            value = self.csrs[address - 0x100]
        elif address == 0x342 and observed in self.possible_causes:
            value = observed
        elif address in self.csrs:
            value = self.csrs[address]
        elif address in READ_ONLY_ZERO:
            value = 0
        else:
            raise Trap(ILLEGAL, insn)
        if writes and address >> 10 == 3:
            raise Trap(ILLEGAL, insn)
        if writes and address in WRITABLE:
            operand = rs1 if funct3 & 4 else self.registers[rs1]
            new = {1: operand, 2: value | operand, 3: value & ~operand}[funct3 & 3]
            self.possible_causes = [] if address == 0x342 else self.possible_causes
            self.csrs[address] = new & WRITABLE[address] | ALWAYS_SET.get(address, 0)
            self.instret_written = address in (0xB02, 0xB82)
        return value

    def _enter_trap(self, cause: int, value: int) -> None:
        status = self.csrs[0x300]
        self.possible_causes = []
        self.csrs[0x300] = 0x1800 | (status & 8) << 4
        self.csrs[0x341], self.csrs[0x342], self.csrs[0x343] = self.pc, cause, value
        vector = self.csrs[0x305]
        self.pc = (vector & ~3) + (4 * (cause & 15) if vector & 1 and cause >> 31 else 0) & MASK

    def interrupt(self, handler: int) -> str | None:
        """Takes an interrupt before the next instruction; says why that cannot be.

        Which one of several enabled interrupts it is shows at the latest when the program reads mcause.
        """
        enabled = [cause for cause in (7, 11) if self.csrs[0x304] >> cause & 1]
        if not self.csrs[0x300] & 8 or not enabled:
            return "an interrupt is taken although none is enabled"
        vector = self.csrs[0x305]
        if vector & 1:
            enabled = [cause for cause in enabled if (vector & ~3) + 4 * cause == handler] or enabled
        self._enter_trap(0x80000000 | enabled[0], 0)
        self.possible_causes = [0x80000000 | cause for cause in enabled]
        return None

    # -- instructions

    def _execute(self, insn: int, size: int, observed_value: int) -> Effect:
        full = insn
        if size == 2:
            expanded = expand(insn)
            if expanded is None:
                raise Trap(ILLEGAL, insn)
            full = expanded
        opcode, rd, funct3, rs1, rs2, funct7, immediate = _fields(full)
        a, b = self.registers[rs1], self.registers[rs2]
        effect = Effect(self.pc + size & MASK)
        value = target = None
        if opcode == 0x33 and (funct7, funct3) in ALU:
            value = ALU[funct7, funct3](a, b)
        elif opcode == 0x13 and (funct3 not in (1, 5) or (funct7, funct3) in SHIFTS):
            value = ALU[funct7 if funct3 == 5 else 0, funct3](a, immediate & MASK)
        elif opcode == 0x37:
            value = immediate
        elif opcode == 0x17:
            value = self.pc + immediate
        elif opcode == 0x6F:
            value, target = effect.next_pc, self.pc + immediate & MASK
        elif opcode == 0x67 and funct3 == 0:
            value, target = effect.next_pc, a + immediate & MASK & ~1
        elif opcode == 0x63 and funct3 in BRANCH:
            if BRANCH[funct3](a, b):
                target = self.pc + immediate & MASK
        elif opcode == 0x03 and funct3 in (0, 1, 2, 4, 5):
            size = 1 << (funct3 & 3)
            effect.address = a + immediate & MASK
            effect.read_mask = (1 << size) - 1
            effect.read_data = self.load(effect.address, size, observed_value) & (1 << 8 * size) - 1
            value = effect.read_data
            if not funct3 & 4 and value >> (8 * size - 1):
                value -= 1 << 8 * size
        elif opcode == 0x23 and funct3 < 3:
            size = 1 << funct3
            effect.address = a + immediate & MASK
            effect.write_mask = (1 << size) - 1
            effect.write_data = b & (1 << 8 * size) - 1
            self.store(effect.address, size, effect.write_data)
        elif opcode == 0x0F and funct3 == 1:
            target = effect.next_pc
        elif (opcode == 0x0F and funct3 == 0) or full == 0x10500073:
            pass
        elif opcode == 0x73 and funct3 & 3:
            value = self._csr(full, funct3, rs1, observed_value)
        elif full == 0x30200073:
            target = self.csrs[0x341]
            self.csrs[0x300] = 0x1880 | (self.csrs[0x300] & 0x80) >> 4
        elif full == 0x00000073:
            raise Trap(ECALL)
        elif full == 0x00100073:
            raise Trap(BREAKPOINT, self.pc)
        elif self.extension is not None and opcode in EXTENSION_OPCODES:
            value, target = self.extension.execute(insn, self.pc, self.registers, self)
        else:
            raise Trap(ILLEGAL, insn)
        if value is not None and rd:
            effect.rd, effect.rd_value = rd, value & MASK
        if target is not None:
            effect.next_pc = target
        elif self.extension is not None:
            effect.next_pc = self.extension.after(effect.next_pc)
        return effect

    def check(self, record: tuple[int, ...]) -> str | None:
        """Runs one instruction; what is wrong first with its record (a tuple in RECORD's order), or None."""
        flags = record[9]
        if flags & INTERRUPTED:
            problem = self.interrupt(record[0])
            if problem:
                return problem
        if record[0] != self.pc:
            return f"pc should be {self.pc:#010x}"
        self.instret_written = False
        insn = None
        try:
            insn, size = self._fetch()
            # A value that only the hardware knows is in rd, or if rd is x0 nowhere.
            effect = self._execute(insn, size, record[7] if record[6] else record[4])
        except Trap as trap:
            self._enter_trap(trap.cause, trap.value)
            if not flags & TRAP:
                return f"should trap with mcause {trap.cause}"
            # Where no instruction could be fetched, the record's instruction means nothing.
            got, want = record[10], trap.cause
            if insn is not None and record[2] != insn:
                return f"insn should be {insn:#x}"
            if got != want:
                return f"mcause should be {want:#x}"
            return None if record[1] == self.pc else f"next pc should be {self.pc:#010x}"
        self.registers[effect.rd] = effect.rd_value
        self.pc = effect.next_pc
        if not self.instret_written and not self.csrs[0x320] & 4:
            total = (self.csrs[0xB82] << 32 | self.csrs[0xB02]) + 1
            self.csrs[0xB02], self.csrs[0xB82] = total & MASK, total >> 32 & MASK
        want_fields = (
            ("next pc", effect.next_pc), ("insn", insn), ("rd", effect.rd), ("rd value", effect.rd_value),
            ("address", effect.address), ("mask", effect.read_mask | effect.write_mask << 8),
            ("data read", effect.read_data), ("data written", effect.write_data),
        )  # fmt: skip
        for (name, want), got in zip(want_fields, record[1:9], strict=True):
            if want != got:
                return f"{name} should be {want:#x}, is {got:#x}"
        return "should not trap" if flags & TRAP else None


def first_problem(
    image: bytes, records: np.ndarray, extension: Extension | None = None
) -> tuple[int, str] | None:
    """(index of the record, what is wrong with it) of the first wrong record of a run from reset."""
    model = Model(image, extension)
    for index, record in enumerate(records.tolist()):
        problem = model.check(record)
        if problem:
            return index, problem
    return None
