"""The system instructions of random programs: CSRs, environment calls, illegal encodings of every kind."""

from __future__ import annotations

import midge_encoding as e
from midge_random_frame import (
    MCAUSE,
    MEPC,
    MIE,
    MINSTRET,
    MINSTRETH,
    MIP,
    MISSING_CSRS,
    MSCRATCH,
    MSTATUS,
    MTVAL,
    MTVEC,
    READ_ONLY_CSRS,
    SCRATCH_1,
    ZERO_CSRS,
    Frame,
)

OPCODES_WITHOUT_MEANING = (
    0x07, 0x0B, 0x1B, 0x1F, 0x27, 0x2B, 0x2F, 0x3B, 0x3F, 0x43, 0x47, 0x4B, 0x4F, 0x53, 0x57, 0x5B, 0x5F,
    0x6B, 0x77, 0x7B, 0x7F,
)  # fmt: skip


def _illegal_halves() -> list[int]:
    """Reserved and floating-point encodings of the C extension; test_compressed.py has all of them."""
    halves = [0x0000, *(rd << 7 | 0x6001 for rd in range(32))]  # c.addi4spn 0; c.lui 0 and c.addi16sp 0
    halves += [0x8000 | i << 5 for i in range(0, 256, 7)]  # quadrant 0, funct3 4
    halves += [f << 13 | i << 2 for f in (1, 3, 5, 7) for i in range(0, 2048, 97)]  # quadrant 0, float
    halves += [f << 13 | i << 2 | 2 for f in (1, 3, 5, 7) for i in range(0, 2048, 89)]  # quadrant 2, float
    halves += [0x9C01 | i << 2 for i in range(256) if i & 0xE0 == 0]  # c.subw and its row
    halves += [0x9001 | i << 2 for i in range(0, 512, 5) if i & 0x100 == 0]  # c.srli, c.srai by 32 and more
    halves += [0x1002 | i << 2 for i in range(0, 1024, 11)]  # c.slli by 32 and more
    halves += [0x4002 | i << 2 for i in range(32)]  # c.lwsp to x0
    return [*halves, 0x8002]  # c.jr x0


ILLEGAL_HALVES = _illegal_halves()


class SystemInstructions(Frame):
    """Kinds of items that trap, or read and write machine state."""

    def environment(self) -> None:
        if self.chance(0.3):
            self.half(e.C_EBREAK)
        else:
            self.word(self.random.choice((e.ECALL, e.EBREAK, e.FENCE, e.FENCE_I)))

    def illegal(self) -> None:
        rnd = self.random
        rest = rnd.getrandbits(32)
        draw = rnd.randrange(9)
        if draw == 0:
            word = rest & ~0x7F | rnd.choice(OPCODES_WITHOUT_MEANING)
        elif draw == 1:  # OP with a wrong funct7
            word = (
                rest & 0x01FFFF80 | rnd.choice([f for f in range(128) if f not in (0, 1, 0x20)]) << 25 | 0x33
            )
        elif draw == 2:  # OP with sub's funct7
            word = 0x20 << 25 | rest & 0x01FF8F80 | rnd.choice((1, 2, 3, 4, 6, 7)) << 12 | 0x33
        elif draw == 3:  # shifts by immediate
            funct3 = rnd.choice((1, 5))
            allowed = (0,) if funct3 == 1 else (0, 0x20)
            funct7 = rnd.choice([f for f in range(128) if f not in allowed])
            word = funct7 << 25 | rest & 0x01FF8F80 | funct3 << 12 | 0x13
        elif draw == 4:  # loads, stores, branches, jalr, fence with a wrong funct3
            opcode, wrong = rnd.choice(
                (
                    (0x03, (3, 6, 7)),
                    (0x23, (3, 4, 5, 6, 7)),
                    (0x63, (2, 3)),
                    (0x67, range(1, 8)),
                    (0x0F, range(2, 8)),
                )
            )
            word = rest & 0xFFFF8F80 | rnd.choice(wrong) << 12 | opcode
        elif draw == 5:  # privileged instructions of other modes, and spoiled ones
            word = rnd.choice(
                (0x10200073, 0x00200073, 0x7B200073, 0x12000073, 0x30200173, 0x30208073, 0x000000F3)
            )
        elif draw == 6:
            name = rnd.choice(list(e.CSR))
            word = e.csr(name, self.target(), rnd.choice(MISSING_CSRS), rnd.randrange(32))
        elif draw == 7:
            name = rnd.choice(("csrrw", "csrrwi", "csrrs", "csrrc", "csrrsi", "csrrci"))
            word = e.csr(name, self.target(), rnd.choice(READ_ONLY_CSRS), rnd.randrange(1, 32))
        else:
            self.half(rnd.choice(ILLEGAL_HALVES))
            return
        self.word(word)

    def csr(self) -> None:
        rnd = self.random
        rd, rs1 = self.sources_then_target(1)
        draw = rnd.randrange(8)
        if draw == 0:
            self.word(e.csr(rnd.choice(("csrrs", "csrrc")), rd, rnd.choice(ZERO_CSRS), 0))
        elif draw == 1:
            readable = (MSTATUS, MIE, MTVEC, MEPC, MCAUSE, MTVAL, 0x301, *(() if self.interrupts else (MIP,)))
            self.word(e.csr(rnd.choice(("csrrs", "csrrc")), rd, rnd.choice(readable), 0))
        elif draw == 2:
            name = rnd.choice(("csrrsi", "csrrci"))
            self.word(e.csr(name, rd, rnd.choice((MSTATUS, MIE)), rnd.choice((0, 8))))
        elif draw == 3:
            self.word(*e.li(SCRATCH_1, rnd.choice((0x80, 0x88, 0x800, 0x888))))
            self.word(e.csr(rnd.choice(("csrrs", "csrrc")), rd, rnd.choice((MSTATUS, MIE)), SCRATCH_1))
        elif draw == 4:
            self.word(e.csr("csrrwi", rd, MCAUSE, rnd.choice((0, 2, 3, 7, 11))))
        elif draw == 5:
            counter = rnd.choice((MINSTRET, MINSTRETH, 0xC02, 0xC82))
            self.word(e.csr("csrrs", rd, counter, 0))
        elif draw == 6 and self.chance(0.3):
            self.word(e.csr("csrrw", rd, rnd.choice((MINSTRET, MINSTRETH)), rs1))
        else:
            name = rnd.choice(list(e.CSR))
            self.word(e.csr(name, rd, rnd.choice((MSCRATCH, MEPC, MTVAL)), rs1))
