"""The model of Xmidge by itself: worked numbers, so that it is not only compared with the hardware."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import xmidge_encoding as x
from midge_model import Model, Trap
from xmidge_model import Xmidge, decode, digit_table, legal_value, scale

DATA, OUT = 0x10004000, 0x10005000


class Machine:
    """The two models with registers set by hand; one instruction at a time."""

    def __init__(self) -> None:
        self.nn = Xmidge()
        self.core = Model(b"", self.nn)

    def run(self, insn: int, a: int = 0, b: int = 0) -> int | None:
        """The instruction must name x10 as rs1 and x11 as rs2; the value for rd."""
        self.core.registers[10], self.core.registers[11] = a & 0xFFFFFFFF, b & 0xFFFFFFFF
        return self.nn.execute(insn, 0x100, self.core.registers, self.core)[0]

    def set(self, register: str, value: int, element: int = 0) -> None:
        self.run(x.nn_set(register, 10, 11), value, element)

    def get(self, register: str, element: int = 0) -> int:
        return self.run(x.nn_get(register, 5, 11), 0, element)

    def write(self, address: int, data: bytes) -> None:
        self.core.sram[address - 0x10000000 : address - 0x10000000 + len(data)] = data

    def read(self, address: int, count: int) -> list[int]:
        return list(struct.unpack(f"{count}b", self.core.sram[address - 0x10000000 :][:count]))

    def illegal(self, insn: int, a: int = 0, b: int = 0) -> bool:
        with pytest.raises(Trap) as trap:
            self.run(insn, a, b)
        return (trap.value.cause, trap.value.value) == (2, insn)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize("width", [0, 1, 2])
def test_digits_add_up_to_signed_weights(width: int) -> None:
    """Planes of one weight hold the same activation: their digits' sum is the weight."""
    bits = 8 >> width
    for byte in range(256):
        sums = digit_table(width)[byte].reshape(-1, bits // 2).sum(axis=1).tolist()
        weights = [byte >> low & (1 << bits) - 1 for low in range(0, 8, bits)]
        assert sums == [w - (1 << bits) if w >> bits - 1 else w for w in weights]


@pytest.mark.parametrize("offset", range(4))
@pytest.mark.parametrize("width, words", [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2), (2, 4)])
def test_mac_is_a_dot_product(machine: Machine, width: int, words: int, offset: int) -> None:
    random = np.random.default_rng(width * 10 + words)
    data = random.integers(-128, 128, 256).astype(np.int8)
    weights = random.integers(0, 256, 64).astype(np.uint8)
    machine.write(DATA, data.tobytes())
    machine.write(OUT, weights.tobytes())
    machine.set("shape", x.shape(2, 4, 4, 16))
    machine.run(x.nn("lda", rs1=10), DATA)  # zero data would hide planes that are left alone
    machine.nn.activations[:] = 0
    machine.set("shape", x.shape(width, 3, words, 16))
    machine.set("pixel_step", 23)
    assert machine.run(x.nn("lda", rs1=10), DATA + offset) == DATA + offset + 4 * words
    assert machine.run(x.nn("macf", rs1=10), OUT) == OUT + 64
    machine.run(x.nn("mac", rs1=10), OUT)
    bits = 8 >> width
    for pixel in range(3):
        for channel in range(16):
            want = 0
            for i in range(4):
                for j in range(words):
                    weight = int(weights[4 * channel + i]) >> bits * j & (1 << bits) - 1
                    weight -= (weight >> bits - 1) << bits
                    want += 2 * weight * int(data[offset + 23 * pixel + 4 * j + i])
            assert machine.get("accumulator", 16 * pixel + channel) == want & 0xFFFFFFFF


def test_vector_mode_uses_all_accumulators(machine: Machine) -> None:
    machine.write(DATA, bytes([1, 2, 3, 4]))
    machine.write(OUT, bytes(i & 255 for w in range(50) for i in (w, 0, 0, 1)))
    machine.set("shape", x.shape(vector=1, channels=50))
    machine.run(x.nn("lda", rs1=10), DATA)
    machine.run(x.nn("macf", rs1=10), OUT)
    assert [machine.get("accumulator", c) for c in range(50)] == [c + 4 for c in range(50)]


def test_columns_make_a_depthwise_convolution(machine: Machine) -> None:
    """5 x 5 taps in two groups of rows, stride 2, against the definition."""
    random = np.random.default_rng(5)
    image = random.integers(-128, 128, (5, 11, 4)).astype(np.int8)
    weights = random.integers(-128, 128, (5, 5, 4)).astype(np.int8)  # row, tap, lane
    machine.write(DATA, image.tobytes())
    machine.set("pixel_step", 44)
    machine.set("column_step", 4)
    for group, rows in ((0, 4), (1, 1)):
        for tap in range(5):
            for lane in range(4):
                column = np.zeros(4, np.int8)
                column[:rows] = weights[4 * group : 4 * group + rows, tap, lane]
                word = int.from_bytes(column.tobytes(), "little")
                machine.set("weight", word, 16 * lane + 5 * group + tap)
    machine.set("position", 0)
    for column in range(11):
        for group, rows in ((0, 4), (1, 1)):
            machine.set("window", x.window(0, rows, 5, 2))
            name = "cola" if group else "col"
            machine.run(x.nn(name, rs1=10, group=group), DATA + 4 * 44 * group + 4 * column)
    for slot in range(4):
        part = image[:, 2 * slot : 2 * slot + 5].astype(int) * weights
        want = (part.sum(axis=(0, 1)) & 0xFFFFFFFF).tolist()
        assert [machine.get("accumulator", 16 * lane + slot) for lane in range(4)] == want
    assert machine.get("position") == 5 | 1 << 4


@pytest.mark.parametrize(
    "value, multiplier, shift, want",
    [
        (100, 1 << 31, 0, 50),
        (3, 1 << 31, 0, 2),
        (-3, 1 << 31, 0, -1),
        (6, 1 << 31, 1, 2),
        (-6, 1 << 31, 1, -2),
        (1, 1 << 31, -4, 8),
        (-(1 << 31), 0xFFFFFFFF, 0, -(1 << 31) + 1),
        ((1 << 31) - 1, 0xFFFFFFFF, 0, (1 << 31) - 1),
        ((1 << 31) - 1, 0xFFFFFFFF, 31, 1),
        (1 << 30, 0xFFFFFFFF, -1, -(1 << 31) + 1),
    ],
)
def test_scale_rounds_and_wraps_as_the_table_says(value: int, multiplier: int, shift: int, want: int) -> None:
    arrays = [np.array([number], np.int64) for number in (value, multiplier, shift)]
    assert scale(*arrays).tolist() == [want]


def test_outputs_are_biased_scaled_clamped_and_placed(machine: Machine) -> None:
    machine.set("shape", x.shape(pixels=2, channels=3))
    machine.set("output", x.output(zero_point=-5, minimum=-100, maximum=90))
    machine.set("output_step", 10)
    for channel, (bias, shift) in enumerate([(0, 0), (10, 1), (-2, -1)]):
        machine.set("bias", bias, 4 + channel)
        machine.set("multiplier", 1 << 31, 4 + channel)
        machine.nn.shift[4 + channel] = shift
    for pixel, values in enumerate([(20, 30, -1000), (-20, 31, 7)]):
        for channel, value in enumerate(values):
            machine.set("accumulator", value, 16 * pixel + channel)
    machine.run(x.nn("rqc", rs1=10, rs2=11), OUT, 4)
    assert machine.read(OUT, 3) == [10 - 5, 10 - 5, -100]
    assert machine.read(OUT + 10, 3) == [-10 - 5, 11 - 5, 5 - 5]
    assert machine.run(x.nn("rqv", rd=5, rs1=10, rs2=11), -200, 4) == -100 & 0xFFFFFFFF


def test_tables_make_additions(machine: Machine) -> None:
    machine.set("shape", x.shape(channels=4))
    machine.set("output", x.output(zero_point=1, left_shift=4))
    machine.set("multiplier", 1 << 31, 0)
    machine.set("multiplier", 1 << 30, 1)
    machine.set("multiplier", 1 << 29, 2)
    machine.run(x.nn("taba", rs1=10, rs2=11), 3, 0)
    machine.run(x.nn("tabb", rs1=10, rs2=11), -128, 1)
    machine.write(DATA, struct.pack("8b", 3, 4, -128, 127, -128, -127, 0, 127))
    machine.set("pixel_step", 4)
    machine.set("output_step", OUT - DATA)
    assert machine.run(x.nn("sub", rs1=10, rs2=11), DATA, 2) == DATA + 4
    left, right = [0, 8, -1048, 992], [0, 4, 512, 1020]
    want = [(a - b + 4 >> 3) + 1 for a, b in zip(left, right, strict=True)]
    assert machine.read(OUT, 4) == [max(-128, value) for value in want]


def test_bytewise_maximum_and_minimum(machine: Machine) -> None:
    assert machine.run(x.nn("max4", 5, 10, 11), 0x80FF017F, 0x7F00FF80) == 0x7F00017F
    assert machine.run(x.nn("min4", 5, 10, 11), 0x80FF017F, 0x7F00FF80) == 0x80FFFF80


def test_loops_go_back_as_often_as_they_say(machine: Machine) -> None:
    machine.core.registers[10] = 3
    loop = x.nn_loop(10, 8)
    assert machine.nn.execute(loop, 0x100, machine.core.registers, machine.core) == (None, 0x104)
    assert [machine.nn.after(0x10C) for _ in range(4)] == [0x104, 0x104, 0x10C, 0x10C]
    machine.core.registers[10] = 0
    assert machine.nn.execute(loop, 0x200, machine.core.registers, machine.core) == (None, 0x20C)
    assert machine.get("loop_start") == 0x104


def test_a_fault_leaves_what_came_before_it(machine: Machine) -> None:
    """Two words of weights lie at the end of SRAM: two channels are done, then the access faults."""
    end = 0x10040000
    machine.nn.activations[:] = 1
    machine.write(end - 8, bytes([1, 0, 0, 0, 2, 0, 0, 0]))
    machine.set("shape", x.shape(channels=4))
    with pytest.raises(Trap) as trap:
        machine.run(x.nn("mac", rs1=10), end - 8)
    assert (trap.value.cause, trap.value.value) == (5, end)
    assert [machine.get("accumulator", c) for c in range(4)] == [1, 2, 0, 0]


def test_illegal_operands(machine: Machine) -> None:
    assert machine.illegal(x.nn_set("shape", 10), x.shape(width=3))
    assert machine.illegal(x.nn_get("accumulator", 5, 11), 0, 64)
    assert machine.illegal(x.nn_ldm("bias", 10, 11), DATA, 60 | 5 << 16)
    assert machine.illegal(x.nn_ldm("bias", 10, 11), DATA, 3)
    assert machine.illegal(x.nn("rqw", rs1=10, rs2=11), OUT, 0)
    assert machine.illegal(x.nn("rqv", rd=5, rs1=10, rs2=11), 0, 64)
    assert machine.illegal(x.nn("taba", rs1=10, rs2=11), 128, 0)
    machine.set("window", x.window(taps=9))
    assert machine.illegal(x.nn("col", rs1=10, group=1), DATA)
    machine.set("shape", x.shape(channels=5))
    assert machine.illegal(x.nn("add", rs1=10, rs2=11), DATA, 0)
    assert machine.illegal(x.nn("rqc", rs1=10, rs2=11), OUT, 60)


def test_values_of_shape_and_window_that_set_takes() -> None:
    assert legal_value("shape", x.shape(2, 4, 4, 16))
    assert legal_value("shape", x.shape(0, 1, 1, 64, vector=1))
    wrong = (x.shape(0, words=2), x.shape(2, words=3), x.shape(channels=17), x.shape(pixels=2, vector=1))
    assert not any(legal_value("shape", value) for value in (*wrong, 1 << 14))
    assert legal_value("window", x.window(1, 3))
    assert not any(legal_value("window", value) for value in (x.window(1, 4), x.window(0, 5), 1 << 5))


def test_reserved_encodings() -> None:
    good = [x.nn("lda", rs1=10), x.nn("max4", 5, 10, 11), x.nn("colva", rs1=10, group=3), x.nn_loop(10, 4)]
    assert all(decode(word) for word in good)
    bad = [
        x.nn("lda", rs1=10) | 1 << 7,
        x.nn("lda", rs1=10, rs2=11),
        x.nn("lda", rs1=10) | 1 << 25,
        x.nn("mac", rs1=10) | 2 << 25,
        x.nn("colv", rs1=10) | 5 << 7,
        x.nn("rqc", rs1=10, rs2=11) | 7 << 25,
        x.nn_get("bias", 5, 11) | 1 << 15,
        x.word(0, 7, 0, 10, 11),
        x.word(2, 6, 10, 10, 11),
        x.nn_loop(10, 6),
        x.nn_loop(10, 0),
        x.nn_loop(10, 8) | 1 << 12,
    ]
    assert [decode(word) for word in bad] == [None] * len(bad)
