"""Seeded random RV32IMC programs that exercise everything a lock-step comparison can decide.

A program is a chain of segments. Each segment first points a few registers at memory (these it does not
overwrite), then mixes instructions of all kinds; its branches, loops and calls stay inside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import midge_encoding as e
from midge_random_frame import (
    CODE_BASE,
    CORNERS,
    COUNTER,
    FRAME,
    FREE,
    MIE,
    MSTATUS,
    RESUME,
    SCRATCH_1,
    SRAM_BASE,
    SRAM_BYTES,
    SRAM_CODE_BASE,
    UNMAPPED,
    WINDOW,
    WINDOW_BYTES,
)
from midge_random_system import SystemInstructions

ALIGNMENT = {"lb": 1, "lbu": 1, "sb": 1, "lh": 2, "lhu": 2, "sh": 2, "lw": 4, "sw": 4}


@dataclass(frozen=True)
class RandomProgram:
    """Program memory from address 0 on, and what makes it again."""

    seed: int
    segments: int
    interrupts: bool
    image: bytes


class Generator(SystemInstructions):
    depth = 0
    in_loop = False

    def segment(self, items: int) -> None:
        others = [1, *range(3, 8), *range(16, 28)]
        self.pointers = {}
        for register in (2, *self.random.sample(range(8, 16), 2), self.random.choice(others)):
            address = WINDOW + self.random.randrange(0, WINDOW_BYTES // 2, 4)
            if register != 2 and self.chance(0.2):
                address += self.random.randrange(1, 4)
            self.word(*e.li(register, address))
            self.pointers[register] = address
        for register in self.random.sample([r for r in FREE if r not in self.pointers], 3):
            self.word(*e.li(register, self.random.choice(CORNERS)))
        if self.interrupts:
            self.enable_timer()
            self.word(e.csr("csrrsi", 0, MSTATUS, 8))
        self.items(items)

    def items(self, count: int) -> None:
        for _ in range(count):
            self.random.choices(KINDS, WEIGHTS)[0](self)

    def nested(self, count: int) -> None:
        """Items inside a branch, loop or jump."""
        self.depth += 1
        self.items(count if self.depth < 3 else 0)
        self.depth -= 1

    def enable_timer(self) -> None:
        self.word(*e.li(SCRATCH_1, 0x80), e.csr("csrrs", 0, MIE, SCRATCH_1))

    # -- arithmetic

    def alu(self) -> None:
        name = self.random.choice(list(e.OP))
        self.word(e.op(name, *self.sources_then_target(2)))

    def alu_immediate(self) -> None:
        rd, rs1 = self.sources_then_target(1)
        if self.chance(0.3):
            self.word(e.op_imm(self.random.choice(list(e.SHIFT_IMM)), rd, rs1, self.random.randrange(32)))
        else:
            immediate = self.random.choice((0, 1, -1, 2047, -2048, self.random.randrange(-2048, 2048)))
            self.word(e.op_imm(self.random.choice(list(e.OP_IMM)), rd, rs1, immediate))

    def corner(self) -> None:
        value = self.random.choice(CORNERS) if self.chance(0.8) else self.random.getrandbits(32)
        self.word(*e.li(self.target(), value))

    def upper(self) -> None:
        encode = self.random.choice((e.lui, e.auipc))
        self.word(encode(self.target(), self.random.getrandbits(20)))

    def compressed(self) -> None:
        draw = self.random.randrange(12)
        six = self.random.choice([i for i in range(-32, 32) if i])
        if draw == 0:
            self.half(e.c_addi(self.target(), self.random.randrange(-32, 32)))
        elif draw == 1:
            self.half(e.c_li(self.target(), self.random.randrange(-32, 32)))
        elif draw == 2:
            self.half(e.c_lui(self.target(), six))  # x2 is always a pointer
        elif draw == 3:
            self.half(e.c_slli(self.target(), self.random.randrange(32)))
        elif draw == 4:
            self.half(e.c_addi4spn(self.short_target(), self.random.randrange(4, 1024, 4)))
        elif draw == 5:
            name = self.random.choice(("srli", "srai", "andi"))
            low, high = (-32, 32) if name == "andi" else (0, 32)
            self.half(e.c_alu_immediate(name, self.short_target(), self.random.randrange(low, high)))
        elif draw in (6, 7, 8):
            rs2 = self.short_source()
            self.half(e.c_alu(self.random.choice(("sub", "xor", "or", "and")), self.short_target(), rs2))
        elif draw == 9:
            self.half(e.C_NOP)
        else:
            encode = self.random.choice((e.c_mv, e.c_add))
            rs2 = self.source() or 1
            self.half(encode(self.target(), rs2))

    def move_stack_pointer(self) -> None:
        """c.addi16sp there and back, x2 being a pointer."""
        step = self.random.choice([i for i in range(-512, 512, 16) if i not in (0, -512)])
        self.half(e.c_addi16sp(step), e.c_addi16sp(-step))

    # -- memory

    def offset(self, pointer: int, name: str) -> int:
        """An offset into the data window, mostly aligned."""
        address = WINDOW + self.random.randrange(WINDOW_BYTES - 3)
        if self.chance(0.93):
            address -= address % ALIGNMENT[name]
        return address - self.pointers[pointer]

    def load(self) -> None:
        name, pointer = self.random.choice(list(e.LOAD)), self.random.choice(list(self.pointers))
        rd = self.target()
        self.word(e.load(name, rd, pointer, self.offset(pointer, name)))
        if self.chance(0.4):  # use it at once
            self.word(e.op(self.random.choice(list(e.OP)), self.target(), rd, self.source()))

    def store(self) -> None:
        name, pointer = self.random.choice(list(e.STORE)), self.random.choice(list(self.pointers))
        self.word(e.store(name, self.source(), pointer, self.offset(pointer, name)))

    def compressed_memory(self) -> None:
        draw = self.random.randrange(4)
        short = [r for r in self.pointers if 8 <= r < 16]
        if draw == 0:
            self.half(
                e.c_lwsp(
                    self.target() or 1 if 1 not in self.pointers else 3, self.random.randrange(0, 256, 4)
                )
            )
        elif draw == 1:
            self.half(e.c_swsp(self.source(), self.random.randrange(0, 256, 4)))
        elif draw == 2:
            pointer = self.random.choice(short)
            self.half(e.c_lw(self.short_target(), pointer, self.random.randrange(0, 128, 4)))
        else:
            self.half(
                e.c_sw(self.short_source(), self.random.choice(short), self.random.randrange(0, 128, 4))
            )

    def wild_memory(self) -> None:
        """An access that faults, or touches the last bytes of SRAM."""
        register = self.target() or RESUME
        if self.chance(0.3):
            self.word(*e.li(register, SRAM_BASE + SRAM_BYTES), e.store("sw", self.source(), register, -4))
            name = self.random.choice(list(e.LOAD))
            self.word(e.load(name, self.target(), register, self.random.randrange(-4, 4)))
        else:
            self.word(e.lui(register, self.random.choice(UNMAPPED) >> 12))
            offset = self.random.randrange(64)
            if self.chance(0.5):
                self.word(e.load(self.random.choice(list(e.LOAD)), self.target(), register, offset))
            else:
                self.word(e.store(self.random.choice(list(e.STORE)), self.source(), register, offset))

    def program_memory(self) -> None:
        """Loads from the program: bursts from a few words, near and far, in any order.

        Stores to it fault; there are none where it is in SRAM.
        """
        rnd = self.random
        register = self.target() or RESUME
        reach = min(2000, self.here - self.base)
        start = self.here
        self.word(e.auipc(register, 0))
        if self.base == CODE_BASE and self.chance(0.15):
            name = rnd.choice(list(e.STORE))
            self.word(e.store(name, self.source(), register, -rnd.randrange(1, reach)))
            return
        first = rnd.randrange(8, reach)
        words = [(start - back & ~3) - start for back in (first, first - 4, rnd.randrange(8, reach))]
        others = [r for r in range(32) if r not in self.pointers and r not in (register, *FRAME)]
        for _ in range(rnd.choice((1, 2, 3, 5, 8))):
            name = rnd.choice(list(e.LOAD))
            inside = rnd.randrange(0, 4, ALIGNMENT[name]) if self.chance(0.97) else rnd.randrange(4)
            self.word(e.load(name, rnd.choice(others), register, rnd.choice(words) + inside))
            if self.chance(0.2):
                self.half(e.c_swsp(self.source(), rnd.randrange(0, 256, 4)))

    # -- control flow

    def branch(self) -> None:
        """A forward branch over a few items."""
        start, compressed = self.here, self.chance(0.4)
        rs1, rs2, short = self.source(), self.source(), self.short_source()
        name = self.random.choice(list(e.BRANCH))
        self.code += b"\0" * (2 if compressed else 4)
        self.nested(self.random.randrange(4))
        distance = self.here - start
        if not compressed:
            self.patch(start, e.branch(name, rs1, rs2, distance), 4)
        elif distance < 256:
            self.patch(start, e.c_branch(self.random.choice(("beqz", "bnez")), short, distance), 2)
        else:
            self.patch(start, e.C_NOP, 2)

    def jump(self) -> None:
        """A direct jump over a few items, which are reached by a jump back or not at all."""
        start, compressed = self.here, self.chance(0.5)
        link = self.target()
        self.code += b"\0" * (2 if compressed else 4)
        skipped = self.here
        self.nested(self.random.randrange(3))
        out = self.here
        self.word(0)
        distance = self.here - start
        if compressed and distance < 2048:
            # c.jal writes x1, which may be a pointer
            self.patch(start, e.c_jump(1 not in self.pointers and self.chance(0.5), distance), 2)
        elif compressed:
            self.patch(start, e.C_NOP, 2)
        else:
            self.patch(start, e.jal(link, distance), 4)
        if self.chance(0.5):
            self.word(e.jal(0, skipped - self.here))
        self.patch(out, e.jal(0, self.here - out), 4)

    def indirect(self) -> None:
        """auipc, then jalr, c.jr or c.jalr past a few items."""
        register = self.target() or RESUME
        start = self.here
        self.word(0, 0)
        kind = self.random.randrange(3 if 1 not in self.pointers else 2)
        link, inside = self.target(), self.random.randrange(-60, 60)
        jump = self.here
        self.code += b"\0" * (4 if kind == 0 else 2)
        self.nested(self.random.randrange(3))
        distance = self.here - start
        # jalr clears bit 0 of its target
        odd = self.random.randrange(2) if kind == 0 else 0
        adjust = distance + odd - (inside if kind == 0 else 0)
        upper = adjust + 0x800 >> 12
        self.patch(start, e.auipc(register, upper), 4)
        self.patch(start + 4, e.op_imm("addi", register, register, adjust - (upper << 12)), 4)
        if kind == 0:
            self.patch(jump, e.jalr(link, register, inside), 4)
        else:
            self.patch(jump, (e.c_jr if kind == 1 else e.c_jalr)(register), 2)

    def loop(self) -> None:
        if self.in_loop:
            return
        self.in_loop = True
        self.word(e.op_imm("addi", COUNTER, 0, self.random.randrange(1, 7)))
        top = self.here
        self.nested(self.random.randrange(1, 6))
        self.word(e.op_imm("addi", COUNTER, COUNTER, -1))
        self.word(e.branch("bne", COUNTER, 0, top - self.here))
        self.in_loop = False

    def wild_jump(self) -> None:
        """A jump to where nothing can be fetched; the handler comes back through RESUME."""
        register = self.target() or 1
        if register in self.pointers:
            return
        self.word(*e.li(register, self.random.choice(UNMAPPED) + self.random.randrange(64, 128, 2)))
        self.word(e.auipc(RESUME, 0), e.op_imm("addi", RESUME, RESUME, 12))
        self.word(e.jalr(self.target(), register, self.random.randrange(-64, 64)))

    def wait(self) -> None:
        """wfi with the timer enabled, so that it ends."""
        if self.interrupts:
            self.enable_timer()
            self.word(e.WFI)


_WEIGHTED = (
    (Generator.alu, 22),
    (Generator.alu_immediate, 12),
    (Generator.compressed, 20),
    (Generator.corner, 6),
    (Generator.upper, 2),
    (Generator.move_stack_pointer, 1),
    (Generator.load, 10),
    (Generator.store, 9),
    (Generator.compressed_memory, 9),
    (Generator.wild_memory, 1.5),
    (Generator.program_memory, 3),
    (Generator.branch, 9),
    (Generator.jump, 3),
    (Generator.indirect, 3),
    (Generator.loop, 2),
    (Generator.wild_jump, 0.7),
    (Generator.environment, 1),
    (Generator.illegal, 2.5),
    (Generator.csr, 3),
    (Generator.wait, 0.7),
)
KINDS, WEIGHTS = zip(*_WEIGHTED, strict=True)


def generate(
    seed: int,
    segments: int = 40,
    interrupts: bool = False,
    interrupt_period: tuple[int, int] = (80, 400),
    in_sram: bool = False,
    kind: type[Generator] = Generator,
) -> RandomProgram:
    """A program of `segments` x 25 items, some 60 executed instructions a segment.

    With interrupts, the timer fires again and again, one fixed period (cycles, drawn from interrupt_period)
    after the last. With in_sram, it first copies itself to SRAM. kind: what makes the items.
    """
    base = SRAM_CODE_BASE if in_sram else CODE_BASE
    generator = kind(seed, interrupts, interrupt_period, base)
    generator.frame_start()
    for _ in range(segments):
        generator.segment(25)
    generator.frame_end()
    return RandomProgram(seed, segments, interrupts, generator.image())
