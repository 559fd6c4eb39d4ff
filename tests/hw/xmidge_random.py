"""Seeded random programs that mix Xmidge with everything of midge_random."""

from __future__ import annotations

import midge_encoding as e
import xmidge_encoding as x
from midge_random import KINDS, WEIGHTS
from midge_random_frame import COUNTER, SRAM_BASE, WINDOW
from xmidge_model import CUSTOM_1, REGISTERS
from xmidge_random_frame import SRAM_END, XmidgeFrame

ARRAYS = [name for name, register in REGISTERS.items() if register["length"] > 1]
LOOP = ("loop_count", "loop_start", "loop_end")


class XmidgeGenerator(XmidgeFrame):
    """Adds Xmidge's instructions to the kinds of items."""

    def items(self, count: int) -> None:
        for _ in range(count):
            self.random.choices(ALL_KINDS, ALL_WEIGHTS)[0](self)

    def nn_set(self) -> None:
        rnd = self.random
        # A count that is set within a body would keep it running for ever.
        name = rnd.choice([name for name in REGISTERS if name not in (LOOP if self.depth else LOOP[1:])])
        length = REGISTERS[name]["length"]
        element = (
            rnd.randrange(length) if self.chance(0.97) else length + rnd.choice((0, 1, rnd.getrandbits(16)))
        )
        value, index = self.register_value(name), element
        if index == 0:
            self.word(x.nn_set(name, self.constant(value)))
        else:
            self.word(x.nn_set(name, *self.two_constants(value, index)))

    def nn_shape(self) -> None:
        self.word(x.nn_set("shape", self.constant(self.shape())))

    def nn_window(self) -> None:
        self.word(x.nn_set("window", self.constant(self.window())))

    def nn_get(self) -> None:
        name = self.random.choice(list(REGISTERS))
        length = REGISTERS[name]["length"]
        element = self.random.randrange(length) if self.chance(0.97) else length
        index = self.constant(element) if element else 0
        self.word(x.nn_get(name, self.target(), index))
        if self.chance(0.3):
            self.alu()

    def nn_accumulators(self) -> None:
        """A few accumulators in a row."""
        rd, index = self.target(), self.pointer(self.random.randrange(60))
        for _ in range(self.random.randint(1, 4)):
            self.word(x.nn_get("accumulator", rd, index), e.op_imm("addi", index, index, 1))

    def nn_ldm(self) -> None:
        name = self.random.choice(ARRAYS)
        if name == "shift":
            self.ldm_of_shifts()
            return
        length = REGISTERS[name]["length"]
        first = self.random.randrange(length)
        count = self.random.randint(1, min(length - first, 8)) if self.chance(0.97) else length - first + 1
        address = self.read_address(4 * count, aligned=True)
        self.word(x.nn_ldm(name, *self.two_constants(address, first | count << 16)))

    def ldm_of_shifts(self) -> None:
        """Loaded from the program, where the bytes are in range."""
        first, count = self.random.randrange(13), self.random.randint(1, 3)
        index = self.pointer(first | count << 16)
        address = next(r for r in range(16, 28) if r != index and r not in self.pointers)
        self.align()
        self.word(e.auipc(address, 0), e.jal(0, 4 + 4 * count))
        self.word(*(self.register_value("shift") for _ in range(count)))
        self.word(e.op_imm("addi", address, address, 8), x.nn_ldm("shift", address, index))

    def nn_lda(self) -> None:
        self.word(x.nn("lda", rs1=self.pointer(self.read_address(64, aligned=False))))

    def nn_mac(self) -> None:
        register = self.pointer(self.read_address(64, aligned=True))
        for _ in range(self.random.randint(1, 2)):
            self.word(x.nn(self.random.choice(("mac", "mac", "macf")), rs1=register))

    def nn_column(self) -> None:
        register = self.pointer(self.read_address(64, aligned=False))
        for _ in range(self.random.randint(1, 4)):
            name, group = (
                self.random.choice(("col", "cola", "cola")),
                self.random.choice((0, 0, 0, 0, 1, 1, 2, 3)),
            )
            self.word(x.nn(name, rs1=register, group=group))

    def nn_padding(self) -> None:
        name, group = self.random.choice(("colv", "colva")), self.random.choice((0, 0, 0, 1, 2, 3))
        self.word(x.nn(name, rs1=self.source(), group=group))

    def nn_requantize(self) -> None:
        rnd = self.random
        address = self.write_address()
        if self.chance(0.5):
            first = rnd.choice((0, 0, 1, rnd.randrange(64), 65))
            left, right = self.two_constants(address, first)
            self.word(x.nn("rqc", rs1=left, rs2=right))
        else:
            slot, windows, first = rnd.randrange(16), rnd.randint(1, 4), rnd.randrange(62)
            if self.chance(0.05):
                slot, windows = rnd.randrange(15, 18), rnd.choice((0, 16, 17))
            left, right = self.two_constants(address, slot | windows << 8 | first << 16)
            self.word(x.nn("rqw", rs1=left, rs2=right))
        for _ in range(rnd.randrange(3)):
            if SRAM_BASE <= address < SRAM_END - 4:
                self.word(*e.li(left or 3, address)) if left not in self.pointers and left else None
                if left:
                    self.word(e.load("lbu", self.target(), left, rnd.randrange(4)))

    def nn_value(self) -> None:
        index = self.constant(self.random.choice((0, 5, 17, 63, 63, 64)))
        self.word(x.nn("rqv", self.target(), self.source(), index))

    def nn_table(self) -> None:
        zero_point = self.random.choice((-128, 127, 0, self.random.randrange(-128, 128)))
        if self.chance(0.05):
            zero_point = self.random.choice((128, -129))
        left, right = self.two_constants(zero_point, self.random.choice((0, 1, 30, 63, 64)))
        self.word(x.nn(self.random.choice(("taba", "tabb")), rs1=left, rs2=right))

    def nn_add(self) -> None:
        if self.chance(0.8):
            self.word(x.nn_set("shape", self.pointer(x.shape(channels=self.random.randint(1, 4)))))
        step = self.random.randrange(-64, 65, 4)
        self.word(x.nn_set("pixel_step", self.pointer(step)))
        left, right = self.two_constants(self.read_address(4, aligned=True), self.random.randrange(64))
        if left:
            self.word(x.nn(self.random.choice(("add", "sub")), rs1=left, rs2=right))

    def nn_bytes(self) -> None:
        sources = self.source(), self.source()
        self.word(x.nn(self.random.choice(("max4", "min4")), self.target(), *sources))

    def nn_illegal(self) -> None:
        rnd = self.random
        rest = rnd.getrandbits(32) & ~0x7F
        draw = rnd.randrange(4)
        if draw == 0:
            word = rest & ~0x7000 | rnd.randrange(1, 8) << 12 | CUSTOM_1
        elif draw == 1:  # loop with rd, or a size that will not do
            word = rest & ~0x7000 | CUSTOM_1 | rnd.choice((1 << 7, 1 << 20))
        elif draw == 2:  # a funct7 that has no meaning
            word = x.word(rnd.randrange(8), rnd.randrange(24, 128), 0, 10, 0)
        else:  # rd and rs1 differ, or a field that must be 0 is not
            word = rnd.choice(
                (
                    x.nn("lda", rs1=10) ^ 1 << 7, x.nn("mac", rs1=10, rs2=3), x.nn("colv", rd=1, rs1=10),
                    x.nn("rqc", rd=1, rs1=10, rs2=11), x.nn_get("bias", 5) | 1 << 15,
                    x.nn_set("bias", 10) | 1 << 7, x.word(2, 6, 10, 10, 11), x.word(0, 7, 0, 10, 11),
                )
            )  # fmt: skip
        self.word(word)

    # -- loops

    def align(self) -> None:
        if self.here % 4:
            self.half(e.C_NOP)

    def nn_loop(self) -> None:
        """A hardware loop over anything; loops in it replace its registers, jumps stay inside."""
        if self.depth >= 2:
            return
        count = self.pointer(self.random.choice((0, 1, 2, 3, 4, 7)))
        self.align()
        start = self.here
        self.word(0)
        if self.chance(0.6):
            self.nested(self.random.randrange(4))
            self.align()
        self.last_of_loop()
        size = self.here - start - 4
        self.patch(start, x.nn_loop(count, size) if size < 2048 else e.op_imm("addi", 0, 0, 0), 4)

    def last_of_loop(self) -> None:
        """4 bytes, or two instructions of 2."""
        rnd = self.random
        draw = rnd.randrange(10)
        first = next(iter(self.pointers))
        if draw == 0:
            self.half(e.c_addi(self.target(), 1), e.c_mv(self.target() or 1, rnd.randrange(1, 32)))
        elif draw == 1:
            self.word(e.branch(rnd.choice(list(e.BRANCH)), self.source(), self.source(), 4))
        elif draw == 2:
            self.word(e.load("lw", self.target(), first, self.offset(first, "lw")))
        elif draw == 3:
            self.word(e.store("sb", self.source(), first, self.offset(first, "sb")))
        elif draw == 4:
            self.word(e.op("mul", *self.sources_then_target(2)))
        elif draw == 5:
            self.word(x.nn("macf", rs1=self.random.choice([r for r in range(8, 16)])))
        elif draw == 6:
            self.word(x.nn("colva", rs1=self.source()))
        elif draw == 7:
            self.word(x.nn_get("accumulator", self.target(), 0))
        elif draw == 8:
            self.word(rnd.choice((e.ECALL, e.FENCE, e.FENCE_I, e.csr("csrrs", self.target(), 0xB02, 0))))
        else:
            self.word(x.nn("rqv", self.target(), self.source(), 0))

    def nn_tile(self) -> None:
        """What a kernel does: loop over lda and mac, then rqc."""
        rnd = self.random
        width = rnd.randrange(3)
        words, pixels, channels = 1 << rnd.randint(0, width), rnd.randint(1, 4), rnd.randint(1, 8)
        steps = rnd.randint(1, 3)
        self.word(x.nn_set("shape", self.pointer(x.shape(width, pixels, words, channels))))
        data, weights = self.two_constants(WINDOW + rnd.randrange(256), WINDOW + rnd.randrange(0, 256, 4))
        if not data or not weights:
            return
        self.word(x.nn("lda", rs1=data), x.nn("macf", rs1=weights))
        count = next(r for r in range(16, 28) if r not in (data, weights, *self.pointers))
        self.word(*e.li(count, steps))
        self.align()
        self.word(x.nn_loop(count, 8), x.nn("lda", rs1=data), x.nn("mac", rs1=weights))
        self.word(*e.li(count, self.write_address()), x.nn("rqc", rs1=count))

    def nn_loop_by_hand(self) -> None:
        """The registers of the loop, set one by one, around a few instructions."""
        rnd = self.random
        register = self.pointer(1)
        self.align()
        at = self.here
        self.word(*[0] * 7)
        start = self.here
        for _ in range(rnd.randint(1, 3)):
            self.word(e.op_imm("addi", register, register, 1))
        end = self.here
        count = rnd.randrange(4)
        words = [e.auipc(register, 0), e.op_imm("addi", register, register, start - at)]
        words += [x.nn_set("loop_start", register), e.op_imm("addi", register, register, end - start)]
        words += [x.nn_set("loop_end", register), e.op_imm("addi", register, 0, count)]
        words += [x.nn_set("loop_count", register)]
        for index, word in enumerate(words):
            self.patch(at + 4 * index, word, 4)

    def nn_mret_into_loop(self) -> None:
        """mepc on the last instruction of a loop; mret goes there and the loop goes on."""
        if self.interrupts:  # a handler would change mepc
            return
        count = self.pointer(self.random.randint(2, 4))
        back = self.pointer(0)
        if back == count:
            return
        self.align()
        start = self.here
        self.word(x.nn_loop(count, 24), e.auipc(back, 0), e.op_imm("addi", back, back, 20))
        self.word(e.csr("csrrw", 0, 0x341, back), e.MRET, e.EBREAK)
        self.word(e.op_imm("addi", COUNTER, COUNTER, 0))
        assert self.here == start + 28


_MORE = (
    (XmidgeGenerator.nn_set, 6),
    (XmidgeGenerator.nn_shape, 3),
    (XmidgeGenerator.nn_window, 3),
    (XmidgeGenerator.nn_get, 6),
    (XmidgeGenerator.nn_accumulators, 3),
    (XmidgeGenerator.nn_ldm, 3),
    (XmidgeGenerator.nn_lda, 6),
    (XmidgeGenerator.nn_mac, 8),
    (XmidgeGenerator.nn_column, 8),
    (XmidgeGenerator.nn_padding, 4),
    (XmidgeGenerator.nn_requantize, 6),
    (XmidgeGenerator.nn_value, 4),
    (XmidgeGenerator.nn_table, 0.6),
    (XmidgeGenerator.nn_add, 4),
    (XmidgeGenerator.nn_bytes, 3),
    (XmidgeGenerator.nn_illegal, 2),
    (XmidgeGenerator.nn_loop, 6),
    (XmidgeGenerator.nn_tile, 3),
    (XmidgeGenerator.nn_loop_by_hand, 1),
    (XmidgeGenerator.nn_mret_into_loop, 1),
)
ALL_KINDS = (*KINDS, *(kind for kind, _ in _MORE))
ALL_WEIGHTS = (*WEIGHTS, *(weight for _, weight in _MORE))
