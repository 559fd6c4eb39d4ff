"""Exceptions: cause, value, return address and machine state, from programs that report what they see."""

from __future__ import annotations

import midge_encoding as e
import pytest
from midge_random_frame import Frame
from midge_runner import Midge
from midge_spike import Run, lock_step

LOAD_MISALIGNED, LOAD_FAULT, STORE_MISALIGNED, STORE_FAULT = 4, 5, 6, 7
SRAM, SRAM_END, PROGRAM_END = 0x10000000, 0x10040000, 0x00100000
SIZE = {"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "sb": 1, "sh": 2, "sw": 4}


def in_threes(words: list[int]) -> list[tuple[int, ...]]:
    """The (mcause, mepc, mtval) triples that the trap handler reports."""
    return list(zip(words[0::3], words[1::3], words[2::3], strict=True))


def faults_of(midge: Midge, accesses: list[tuple[str, int]]) -> list[tuple[int, int] | None]:
    """(mcause, mtval) of each access (mnemonic, address), None if it succeeds; checks mepc and rd as well."""
    lines = []
    for index, (name, address) in enumerate(accesses):
        lines += [
            f"  li a1, {address:#x}",
            "  li a0, 0x5a5a5a5a",
            f"a{index}: {name} a0, 0(a1)",
            "  mv a2, a0",
        ]
    result, image = midge.check_source(".option norvc\n" + "\n".join([*lines, "  finish"]))
    by_place = {place: (cause, value) for cause, place, value in in_threes(result.reported)}
    assert len(by_place) == len(result.traps)
    for index in range(len(accesses)):
        place = image.symbols[f"a{index}"]
        [record] = result.at(place)
        if place in by_place:
            assert record["rd"] == 0, "a load that traps writes nothing"
            assert record["mem_mask"] == 0, "an access that traps does not happen"
    return [by_place.get(image.symbols[f"a{index}"]) for index in range(len(accesses))]


@pytest.mark.parametrize("name", SIZE)
@pytest.mark.parametrize("base", [SRAM + 64, 64], ids=["sram", "program"])
def test_misaligned_access(midge: Midge, name: str, base: int) -> None:
    store = name in e.STORE
    accesses = [(name, base + offset) for offset in range(8)]
    want: list[tuple[int, int] | None] = []
    for _, address in accesses:
        if address % SIZE[name]:
            want.append((STORE_MISALIGNED if store else LOAD_MISALIGNED, address))
        else:
            want.append((STORE_FAULT, address) if store and base < PROGRAM_END else None)
    assert faults_of(midge, accesses) == want


@pytest.mark.parametrize("name", SIZE)
def test_access_outside_the_memory_map(midge: Midge, name: str) -> None:
    """On both sides of every region; a misaligned address is reported as misaligned, not as a fault."""
    store, size = name in e.STORE, SIZE[name]
    fault = STORE_FAULT if store else LOAD_FAULT
    bad = [
        PROGRAM_END, 0x0FFFFFFC, SRAM_END, 0x1FFFFFFC, 0x20000008, 0x2000000C, 0x20000010, 0x2000FFFC,
        0x20010010, 0x2001FFFC, 0x20020010, 0x20030000, 0x30000000, 0x7FFFFFFC, 0x80000000, 0xFFFFFFFC,
    ]  # fmt: skip
    good = [SRAM, SRAM_END - 4, 0x20010000, 0x2001000C] + ([] if store else [0, PROGRAM_END - 4, 0x20020004])
    if size < 4 and store:
        good = [SRAM, SRAM_END - size]
    assert faults_of(midge, [(name, address) for address in bad]) == [(fault, address) for address in bad]
    assert faults_of(midge, [(name, address) for address in good]) == [None] * len(good)
    if size > 1:
        cause = STORE_MISALIGNED if store else LOAD_MISALIGNED
        odd = [0x30000001, SRAM_END + 1, 0xFFFFFFFF]
        assert faults_of(midge, [(name, address) for address in odd]) == [(cause, address) for address in odd]


def test_program_memory_cannot_be_written(midge: Midge) -> None:
    result, image = midge.check_source("""
.option norvc
  la a1, word
  li a0, -1
s: sw a0, 0(a1)
t: sh a0, 2(a1)
u: sb a0, 3(a1)
  lw a2, 0(a1)
  report a2
  finish
word: .word 0x12345678
""")
    word = image.symbols["word"]
    want = [(STORE_FAULT, image.symbols[s], word + o) for s, o in (("s", 0), ("t", 2), ("u", 3))]
    assert in_threes(result.reported[:-1]) == want
    assert result.reported[-1] == 0x12345678


@pytest.mark.parametrize(
    "address", [PROGRAM_END, 0x0FFFFFFE, SRAM_END, 0x20000000, 0x20020004, 0x80000002, 0xFFFFFFFE]
)
def test_fetch_outside_memory(midge: Midge, address: int) -> None:
    """The jump itself completes and links; the fault is reported at its target."""
    result, image = midge.check_source(f"""
.option norvc
  la t4, back
  li a1, {address:#x}
j: jalr a0, 0(a1)
  finish 1
back:
  report a0
  finish
""")
    assert result.reported == [1, address, address, image.symbols["j"] + 4]


def test_fetch_fault_on_the_second_half(midge: Midge) -> None:
    """A 32-bit instruction whose second half lies past the end of memory: mepc is its start, mtval the half
    that is missing; one of 16 bits in the same place runs."""
    result, _ = midge.check_source(f"""
.option norvc
  la t4, back
  li a1, {PROGRAM_END - 2:#x}
  jr a1
  finish 1
back:
  li a0, 0x10040000 - 2
  li a1, 0x0013
  sh a1, 0(a0)
  la t4, again
  jr a0
  finish 2
again:
  li a1, 0x0001
  sh a1, 0(a0)
  la t4, end
  jr a0
  finish 3
end:
  finish
.org {PROGRAM_END - 2:#x}
  .half 0x0013
""")
    assert in_threes(result.reported) == [
        (1, PROGRAM_END - 2, PROGRAM_END),
        (1, SRAM_END - 2, SRAM_END),
        (1, SRAM_END, SRAM_END),
    ]


def test_environment_calls_and_breakpoints(midge: Midge) -> None:
    result, image = midge.check_source("""
.option norvc
a: ecall
b: ebreak
.option rvc
c: c.ebreak
d: ecall
  finish
""")
    a, b, c, d = (image.symbols[name] for name in "abcd")
    assert in_threes(result.reported) == [(11, a, 0), (3, b, b), (3, c, c), (11, d, 0)]
    assert d % 4 == 2


def test_a_trap_discards_the_instructions_behind_it(midge: Midge) -> None:
    """Whatever follows the trapping instruction has no effect before the handler runs."""
    result, _ = midge.check_source("""
.option norvc
  la t0, handler
  csrw mtvec, t0
  li a0, 0x10000000
  sw zero, 0(a0)
  sw zero, 4(a0)
  li a1, 1
  li a3, 0x30000000
  csrw mscratch, zero
  ecall
  sw a1, 0(a0)
  sb a1, 4(a0)
  lw a4, 0(a3)
  csrw mscratch, a1
  li a1, 2
.balign 4
handler:
  csr_report mcause
  csrr t1, mepc
  lw a2, 0(a0)
  report a2
  lw a2, 4(a0)
  report a2
  csr_report mscratch
  report a1
  la t0, second
  csrw mtvec, t0
  lw a4, 0(a3)      # the fault of a load comes a stage later than an ecall
  sw a1, 0(a0)
  csrw mscratch, a1
  mul a1, a0, a0
.balign 4
second:
  csr_report mcause
  lw a2, 0(a0)
  report a2
  csr_report mscratch
  report a1
  finish
""")
    assert result.reported == [11, 0, 0, 0, 1, LOAD_FAULT, 0, 0, 1]


def test_mstatus_through_nested_traps_and_returns(midge: Midge) -> None:
    """A trap moves MIE to MPIE and clears MIE, mret moves MPIE to MIE and sets MPIE; MPP always reads 3."""
    result, image = midge.check_source("""
.option norvc
  la t0, outer
  csrw mtvec, t0
  csrw mstatus, zero
  csr_report mstatus  # 0
  csrsi mstatus, 8
first:
  ecall
  csr_report mstatus  # 5
  csrci mstatus, 8
second:
  ecall
  csr_report mstatus  # 10
  li a0, -1
  csrw mstatus, a0
  csr_report mstatus  # 11
  finish
.balign 4
outer:
  csr_report mstatus  # 1, 6
  csrr s0, mepc
  la t0, inner
  csrw mtvec, t0
  csrsi mstatus, 8
nested:
  ecall
  csr_report mstatus  # 4, 9
  la t0, outer
  csrw mtvec, t0
  csrci mstatus, 8
  csrci mstatus, 0x10 # no field there
  bnez s1, 1f
  li t0, 0x80
  csrs mstatus, t0    # the first return enables interrupts, the second does not
  j 2f
1: li t0, 0x80
  csrc mstatus, t0
2: li s1, 1
  addi s0, s0, 4
  csrw mepc, s0
  mret
.balign 4
inner:
  csr_report mstatus  # 2, 7
  csr_report mepc     # 3, 8
  csrr t1, mepc
  addi t1, t1, 4
  csrw mepc, t1
  mret
""")
    mie, mpie, mpp = 8, 0x80, 0x1800
    nested = image.symbols["nested"]
    assert result.reported == [
        mpp,
        *(mpp | mpie, mpp | mpie, nested, mpp | mpie | mie, mpp | mpie | mie),
        *(mpp, mpp | mpie, nested, mpp | mpie | mie, mpp | mpie),
        mpp | mpie | mie,
    ]


@pytest.mark.parametrize(
    "operands", ["sra_shamt", "op", "op_imm", "load", "store", "branch", "jalr", "fence", "other"]
)
def test_illegal_words_trap_with_themselves_in_mtval(fast_midge: Midge, operands: str) -> None:
    """funct3 and funct7 swept over each opcode; the handler reads mtval, which the model judges."""
    words = _illegal_words()[operands]
    result = fast_midge.check(words_frame(words).image())
    assert result.traps["insn"].tolist() == words
    assert set(result.traps["mcause"].tolist()) == {2}


@pytest.mark.slow
def test_illegal_words_in_lock_step_with_spike(
    fast_midge: Midge, spike_python: str, request: pytest.FixtureRequest
) -> None:
    words = [word for kind in _illegal_words().values() for word in kind]
    image = words_frame(words).image()
    run = Run("illegal words", image, fast_midge.run(image).records)
    assert lock_step(spike_python, run, f"python -m pytest -m slow '{request.node.nodeid}'") > 10 * len(words)


def words_frame(words: list[int]) -> Frame:
    """Nothing but illegal instructions; the trap handler steps over each."""
    frame = Frame(seed=1, interrupts=False, interrupt_period=(1000, 1001))
    frame.frame_start()
    frame.word(*words)
    frame.frame_end()
    return frame


def _illegal_words() -> dict[str, list[int]]:
    rest = 10 << 7 | 11 << 15 | 12 << 20  # rd, rs1, rs2

    def swept(opcode: int, illegal, funct7s=range(0, 128)) -> list[int]:
        pairs = [(f3, f7) for f3 in range(8) for f7 in funct7s if illegal(f3, f7)]
        return [f7 << 25 | f3 << 12 | rest | opcode for f3, f7 in pairs]

    legal_op = {(f3, f7) for f7, f3 in e.OP.values()}
    known = {0x03, 0x0F, 0x13, 0x17, 0x23, 0x33, 0x37, 0x63, 0x67, 0x6F, 0x73}
    some = (0, 1, 0x20, 0x55, 0x7F)
    shift = {1: {0}, 5: {0, 0x20}}
    return {
        "op": swept(0x33, lambda f3, f7: (f3, f7) not in legal_op),
        "op_imm": swept(0x13, lambda f3, f7: f3 == 1 and f7 not in shift[1]),
        "sra_shamt": swept(0x13, lambda f3, f7: f3 == 5 and f7 not in shift[5]),
        "load": swept(0x03, lambda f3, _: f3 in (3, 6, 7), some),
        "store": swept(0x23, lambda f3, _: f3 > 2, some),
        "branch": swept(0x63, lambda f3, _: f3 in (2, 3), some),
        "jalr": swept(0x67, lambda f3, _: f3 != 0, some),
        "fence": swept(0x0F, lambda f3, _: f3 > 1, some),
        "other": [w for op in range(3, 128, 4) if op not in known for w in swept(op, lambda *_: True, some)],
    }


def test_system_instructions_other_than_ours_trap(fast_midge: Midge) -> None:
    """All 4,096 values of funct12, the spoiled forms of ours, and funct3 = 4."""
    ours = {e.ECALL, e.EBREAK, e.MRET, e.WFI}
    words = [funct12 << 20 | 0x73 for funct12 in range(4096)]
    words += [word | field for word in sorted(ours) for field in (1 << 7, 16 << 7, 1 << 15, 16 << 15)]
    words += [funct12 << 20 | 4 << 12 | 5 << 7 | 0x73 for funct12 in range(0, 4096, 37)]
    words = [word for word in words if word not in ours]
    result = fast_midge.check(words_frame(words).image())
    assert result.traps["insn"].tolist() == words
    assert set(result.traps["mcause"].tolist()) == {2}
