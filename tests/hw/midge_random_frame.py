"""The frame of a random program: reset, trap handler, register and memory contents, end.

Every trap goes to a handler that reads mcause and mtval, steps over the instruction and returns; a timer
interrupt sets the next one. x28 to x31 belong to the frame (resume address, handler scratch, loop counter),
all other registers are free.
"""

from __future__ import annotations

import random

import midge_encoding as e

CODE_BASE, SRAM_CODE_BASE = 0x00010000, 0x10010000
SRAM_BASE, SRAM_BYTES = 0x10000000, 0x40000
WINDOW, WINDOW_BYTES = SRAM_BASE + 0x4000, 512  # the random data window, filled before the program starts
SHADOW = SRAM_BASE + 0x1000  # the handler's copy of mtimecmp
TIMER, EXIT = 0x20010000, 0x20020000
UNMAPPED = (0x00200000, 0x0F000000, 0x10040000, 0x10080000, 0x30000000, 0x80000000, 0xFFFFF000)

CORNERS = (
    0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 0x7F, 0x80, 0xFF, 0x100, 0x7FF, 0x800, 0x7FFF, 0x8000, 0xFFFF, 0x10000,
    0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 0xAAAAAAAA, 0x55555555, 0xFFFF0000, 0xFFFE,
)  # fmt: skip

MSTATUS, MIE, MTVEC, MSCRATCH, MEPC, MCAUSE, MTVAL, MIP = (
    0x300,
    0x304,
    0x305,
    0x340,
    0x341,
    0x342,
    0x343,
    0x344,
)
MINSTRET, MINSTRETH = 0xB02, 0xB82
MISSING_CSRS = (0x000, 0x001, 0x100, 0x105, 0x180, 0x200, 0x7C0, 0x800, 0x9C0, 0xBC0, 0xCC0, 0xFC0)
READ_ONLY_CSRS = (0xC02, 0xC82, 0xF14, 0xF11)
ZERO_CSRS = (0xF14, 0xB03, 0xB1F, 0xB83, 0x323, 0x33F)

RESUME, SCRATCH_1, SCRATCH_2, COUNTER = 28, 29, 30, 31
FRAME = (RESUME, SCRATCH_1, SCRATCH_2, COUNTER)
FREE = range(1, 28)


def _bytes(*words: int) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


class Frame:
    """Emits instructions, chooses registers, and writes what surrounds the random part."""

    def __init__(self, seed: int, interrupts: bool, interrupt_period: tuple[int, int], base: int = CODE_BASE):
        self.base = base
        self.random = random.Random(seed)
        self.interrupts = interrupts
        self.interrupt_period = interrupt_period
        self.code = bytearray()
        self.pointers: dict[int, int] = {}  # register -> address it holds in this segment
        self.recent = [1, 2, 3, 4]

    # -- emitting

    @property
    def here(self) -> int:
        return self.base + len(self.code)

    def word(self, *instructions: int) -> None:
        for instruction in instructions:
            self.code += instruction.to_bytes(4, "little")

    def half(self, *instructions: int) -> None:
        for instruction in instructions:
            self.code += instruction.to_bytes(2, "little")

    def patch(self, address: int, instruction: int, size: int) -> None:
        offset = address - self.base
        self.code[offset : offset + size] = instruction.to_bytes(size, "little")

    # -- choosing

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def source(self) -> int:
        """A register to read, often one that was just written."""
        draw = self.random.random()
        if draw < 0.5:
            return self.random.choice(self.recent)
        return 0 if draw < 0.55 else self.random.randrange(1, 32)

    def target(self) -> int:
        """A register to write: anything but the frame's and this segment's pointers; sometimes x0."""
        if self.chance(0.05):
            return 0
        register = self.random.choice([r for r in FREE if r not in self.pointers])
        self.recent = [*self.recent[1:], register]
        return register

    def short_source(self) -> int:
        return self.random.randrange(8, 16)

    def short_target(self) -> int:
        register = self.random.choice([r for r in range(8, 16) if r not in self.pointers])
        self.recent = [*self.recent[1:], register]
        return register

    def sources_then_target(self, count: int) -> list[int]:
        """[rd, rs1, ...]: sources are drawn first, so that rd does not count as just written for itself."""
        sources = [self.source() for _ in range(count)]
        return [self.target(), *sources]

    # -- the frame

    def frame_start(self) -> None:
        """Reset code, the trap table and handler, register and memory contents."""
        table_jump = self.here
        self.word(0)
        self.code += b"\0" * (-len(self.code) % 64)
        table = self.here
        self.word(*[0] * 12)  # one jump for every cause of an interrupt, if vectored
        handler = self.here
        for index in range(12):
            self.patch(table + 4 * index, e.jal(0, handler - table - 4 * index), 4)
        self.handler()
        self.patch(table_jump, e.jal(0, self.here - table_jump), 4)

        vectored = self.random.randrange(2)
        self.word(*e.li(SCRATCH_1, table + vectored), e.csr("csrrw", 0, MTVEC, SCRATCH_1))
        self.word(e.csr("csrrw", 0, MIE, 0), e.csr("csrrw", 0, MSCRATCH, 0))
        self.word(e.csr("csrrci", 0, MSTATUS, 8))
        # Fill the window with a multiplicative sequence.
        self.word(*e.li(SCRATCH_1, WINDOW), *e.li(SCRATCH_2, self.random.getrandbits(32) | 1))
        self.word(*e.li(COUNTER, WINDOW_BYTES // 4), *e.li(RESUME, 0x9E3779B1))
        loop = self.here
        self.word(
            e.store("sw", SCRATCH_2, SCRATCH_1, 0),
            e.op("mul", SCRATCH_2, SCRATCH_2, RESUME),
            e.op_imm("addi", SCRATCH_1, SCRATCH_1, 4),
            e.op_imm("addi", COUNTER, COUNTER, -1),
        )
        self.word(e.branch("bne", COUNTER, 0, loop - self.here))
        for register in FREE:
            self.word(*e.li(register, self.random.choice(CORNERS)))
        if self.interrupts:
            first = self.random.randrange(2000, 6000)
            self.word(*e.li(SCRATCH_1, SHADOW), *e.li(SCRATCH_2, first), *e.li(COUNTER, TIMER))
            self.word(e.store("sw", SCRATCH_2, SCRATCH_1, 0), e.store("sw", 0, COUNTER, 12))
            self.word(e.store("sw", SCRATCH_2, COUNTER, 8))
        self.word(e.csr("csrrw", 0, MCAUSE, 0), e.csr("csrrw", 0, MEPC, 0), e.csr("csrrw", 0, MTVAL, 0))
        self.word(e.csr("csrrw", 0, MINSTRETH, 0), e.csr("csrrw", 0, MINSTRET, 0))

    def image(self) -> bytes:
        """Program memory from address 0 on: a jump to CODE_BASE; there the code, or its copier to SRAM."""
        start = _bytes(e.lui(5, CODE_BASE >> 12), e.jalr(0, 5, 0)).ljust(CODE_BASE, b"\0")
        if self.base == CODE_BASE:
            return start + bytes(self.code)
        copier = [*e.li(5, CODE_BASE + 128), *e.li(6, self.base), *e.li(7, self.base + len(self.code))]
        loop = [e.load("lw", register, 5, 4 * (register - 10)) for register in range(10, 14)]
        loop += [e.store("sw", register, 6, 4 * (register - 10)) for register in range(10, 14)]
        loop += [e.op_imm("addi", 5, 5, 16), e.op_imm("addi", 6, 6, 16)]
        loop += [e.branch("bltu", 6, 7, -4 * len(loop)), *e.li(5, self.base), e.jalr(0, 5, 0)]
        code = bytes(self.code) + b"\0" * (-len(self.code) % 16)
        return start + _bytes(*copier, *loop).ljust(128, b"\0") + code

    def handler(self) -> None:
        period = self.random.randrange(*self.interrupt_period)
        interrupt = [
            *e.li(SCRATCH_2, SHADOW),
            e.load("lw", SCRATCH_1, SCRATCH_2, 0),
            e.op_imm("addi", SCRATCH_1, SCRATCH_1, period),
            e.store("sw", SCRATCH_1, SCRATCH_2, 0),
            *e.li(SCRATCH_2, TIMER),
            e.store("sw", SCRATCH_1, SCRATCH_2, 8),
            e.csr("csrrs", SCRATCH_2, MEPC, 0),
            e.MRET,
        ]
        fetch_fault = [e.csr("csrrw", 0, MEPC, RESUME), e.MRET]
        exception = [
            e.csr("csrrs", SCRATCH_2, MTVAL, 0),
            e.op_imm("addi", SCRATCH_1, SCRATCH_1, -1),
            0,  # to fetch_fault, below
            e.csr("csrrs", SCRATCH_2, MEPC, 0),
            e.load("lhu", SCRATCH_1, SCRATCH_2, 0),
            e.op_imm("andi", SCRATCH_1, SCRATCH_1, 3),
            e.op_imm("addi", SCRATCH_1, SCRATCH_1, -3),
            e.op_imm("addi", SCRATCH_2, SCRATCH_2, 2),
            e.branch("bne", SCRATCH_1, 0, 8),
            e.op_imm("addi", SCRATCH_2, SCRATCH_2, 2),
            e.csr("csrrw", 0, MEPC, SCRATCH_2),
            e.csr("csrrs", SCRATCH_1, MSTATUS, 0),
            e.MRET,
        ]
        exception[2] = e.branch("beq", SCRATCH_1, 0, 4 * (len(exception) - 2))
        past = 4 * (len(exception) + len(fetch_fault) + 1)
        self.word(e.csr("csrrs", SCRATCH_1, MCAUSE, 0), e.branch("blt", SCRATCH_1, 0, past))
        self.word(*exception, *fetch_fault, *interrupt)

    def frame_end(self) -> None:
        self.word(e.csr("csrrw", 0, MIE, 0))
        self.word(*e.li(SCRATCH_1, EXIT), e.store("sw", 0, SCRATCH_1, 0), e.jal(0, 0))
