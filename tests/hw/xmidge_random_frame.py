"""The frame of a random program with Xmidge, and the values that its instructions work on.

The frame writes the whole hidden state at the beginning, and at the end reads it, and the memory around the
window.
"""

from __future__ import annotations

import midge_encoding as e
import xmidge_encoding as x
from midge_random import Generator
from midge_random_frame import CODE_BASE, SRAM_BASE, SRAM_BYTES, WINDOW, WINDOW_BYTES
from xmidge_model import REGISTERS

STEPS = (-64, -36, -9, -4, -1, 0, 1, 2, 3, 4, 8, 16, 20, 33, 64)
PROGRAM_END, SRAM_END = 0x00100000, SRAM_BASE + SRAM_BYTES
MULTIPLIERS = (0, 1, 1 << 30, 1 << 31, (1 << 32) - 1, (1 << 31) - 1)
SHIFTS = (-31, -30, -8, -1, 0, 0, 1, 2, 7, 15, 30, 31)


class XmidgeFrame(Generator):
    """Chooses values and addresses, and writes what surrounds the random part."""

    # -- values

    def constant(self, value: int) -> int:
        """A free register that holds the value; x0 for 0 as a rule."""
        if value == 0 and self.chance(0.7):
            return 0
        register = self.target() or 3
        if register in self.pointers:
            return 0
        self.word(*e.li(register, value))
        return register

    def two_constants(self, first: int, second: int) -> tuple[int, int]:
        """In different registers (unless one is x0)."""
        left = self.constant(first)
        while True:
            right = self.target()
            if right not in (0, left):
                self.word(*e.li(right, second))
                return left, right

    def pointer(self, address: int) -> int:
        register = 0
        while register == 0:
            register = self.target()
        self.word(*e.li(register, address))
        return register

    def read_address(self, size: int, aligned: bool) -> int:
        """Mostly of readable data; sometimes near the end of a memory or of nothing."""
        draw = self.random.random()
        if draw < 0.03:
            address = self.random.choice((PROGRAM_END, SRAM_END)) - self.random.randrange(0, 4 * size + 8, 4)
        elif draw < 0.25:
            address = CODE_BASE + self.random.randrange(0, 4096, 4)
        else:
            address = WINDOW + self.random.randrange(0, WINDOW_BYTES, 4)
        if not aligned or self.chance(0.02):
            address += self.random.randrange(4)
        return address

    def write_address(self) -> int:
        draw = self.random.random()
        if draw < 0.02:
            return SRAM_END - self.random.randrange(48)
        if draw < 0.03:
            return self.random.choice((CODE_BASE, SRAM_BASE - 2, 0x30000000))
        return WINDOW + self.random.randrange(WINDOW_BYTES)

    def shape(self) -> int:
        rnd = self.random
        if self.chance(0.03):
            return rnd.getrandbits(15)
        width, vector = rnd.randrange(3), self.chance(0.2)
        most = rnd.choice((1, 2, 4, 4, 6, 64 if vector else 16))
        return x.shape(
            width, 1 if vector else rnd.randint(1, 4), 1 << rnd.randint(0, width), rnd.randint(1, most),
            int(vector), rnd.randrange(2),
        )  # fmt: skip

    def window(self) -> int:
        rnd = self.random
        if self.chance(0.03):
            return rnd.getrandbits(19)
        first = rnd.randrange(4)
        taps = rnd.choice((1, 2, 3, 3, 4, 5, 5, 7, 8, 11, 16))
        return x.window(first, rnd.randint(0, 4 - first), taps, rnd.randint(1, 4), rnd.randint(1, 4))

    def output(self) -> int:
        rnd = self.random
        if self.chance(0.03):
            return rnd.getrandbits(32)
        minimum = rnd.choice((-128, -128, rnd.randrange(-128, 128)))
        maximum = rnd.choice((127, 127, rnd.randrange(minimum, 128)))
        return x.output(rnd.randrange(-128, 128), minimum, maximum, rnd.randrange(32))

    def register_value(self, name: str) -> int:
        rnd = self.random
        if name in ("shape", "window", "output"):
            return getattr(self, name)()
        if name == "loop_count":
            return rnd.randrange(3)
        if name == "position":
            return rnd.getrandbits(7 if self.chance(0.05) else 6)
        if name.endswith("_step"):
            return rnd.choice(STEPS)
        if name == "multiplier":
            return rnd.choice((*MULTIPLIERS, rnd.getrandbits(32)))
        if name == "shift":
            return int.from_bytes(bytes(rnd.choice(SHIFTS) & 255 for _ in range(4)), "little")
        return rnd.choice((0, 1, -1, 0x7FFFFFFF, -0x80000000, rnd.getrandbits(8), rnd.getrandbits(32)))

    # -- the whole state

    def frame_start(self) -> None:
        super().frame_start()
        for name in REGISTERS:
            length = REGISTERS[name]["length"]
            if name in ("shift", "multiplier"):
                for element in range(length):
                    self.word(*e.li(5, self.register_value(name)), *e.li(6, element), x.nn_set(name, 5, 6))
            elif length > 1:
                first = CODE_BASE + self.random.randrange(0, 512, 4)
                self.word(*e.li(5, first), *e.li(6, length << 16), x.nn_ldm(name, 5, 6))
        self.word(*e.li(5, x.shape(2, 4, 4)), x.nn_set("shape", 5), *e.li(5, 16), x.nn_set("pixel_step", 5))
        self.word(*e.li(5, WINDOW), x.nn("lda", rs1=5), x.nn_set("loop_count", 0))
        for name in ("column_step", "output_step"):
            self.word(*e.li(5, self.random.choice(STEPS)), x.nn_set(name, 5))
        self.word(*e.li(5, x.output()), x.nn_set("output", 5), x.nn_set("position", 0))
        self.word(*e.li(5, x.window()), x.nn_set("window", 5), *e.li(6, 0))

    def frame_end(self) -> None:
        """Reads every element of the state, then the memory around the window."""
        self.word(e.csr("csrrci", 0, 0x300, 8))
        for name in REGISTERS:
            if REGISTERS[name]["length"] == 1:
                self.word(x.nn_get(name, 5))
            else:
                self.word(e.op_imm("addi", 6, 0, 0), e.op_imm("addi", 7, 0, REGISTERS[name]["length"]))
                loop = self.here
                self.word(x.nn_get(name, 5, 6), e.op_imm("addi", 6, 6, 1))
                self.word(e.branch("bne", 6, 7, loop - self.here))
        # The activations, one byte of every pixel at a time, from one-hot weights.
        self.word(*e.li(5, x.shape(2, 4, 4)), x.nn_set("shape", 5), *e.li(7, 1), *e.li(8, SRAM_BASE + 0x2000))
        loop = self.here
        self.word(e.store("sw", 7, 8, 0), e.op_imm("addi", 9, 8, 0), x.nn("macf", rs1=9))
        self.word(*e.li(6, 48))
        pixels = self.here
        self.word(x.nn_get("accumulator", 5, 6), e.op_imm("addi", 6, 6, -16))
        self.word(e.branch("bge", 6, 0, pixels - self.here), e.op_imm("slli", 7, 7, 2))
        self.word(e.branch("bne", 7, 0, loop - self.here))
        self.word(*e.li(6, WINDOW - 256), *e.li(7, WINDOW + WINDOW_BYTES + 256))
        loop = self.here
        self.word(e.load("lw", 5, 6, 0), e.op_imm("addi", 6, 6, 4))
        self.word(e.branch("bne", 6, 7, loop - self.here))
        super().frame_end()
