"""Requantization: extreme multipliers and shifts, outputs and where they go, tables, additions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
import xmidge_encoding as x
from midge_runner import Midge

MULTIPLIERS = (0, 1, 1 << 30, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 0x9E3779B1, 0xC0000001)
SHIFTS = (-31, -30, -17, -8, -1, 0, 1, 2, 3, 8, 15, 16, 24, 30, 31)
VALUES = (
    0,
    1,
    -1,
    2,
    -2,
    3,
    -3,
    127,
    -128,
    255,
    -256,
    0x5555,
    -0x5556,
    1 << 20,
    -(1 << 20),
    (1 << 31) - 1,
    -(1 << 31),
)


def wrapped(value: int) -> int:
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def scaled(value: int, multiplier: int, shift: int) -> int:
    """The table's definition in exact fractions."""
    left = wrapped(value << -shift) if shift < 0 else value
    product = floor(Fraction(left * multiplier, 1 << 32) + Fraction(1, 2))
    if shift <= 0:
        return product
    return floor(Fraction(abs(product), 1 << shift) + Fraction(1, 2)) * (-1 if product < 0 else 1)


def packed(shifts: list[int]) -> bytes:
    return np.array(shifts, np.int8).tobytes()


@pytest.mark.parametrize("part", range(3))
def test_extreme_multipliers_and_shifts(xmidge: Midge, part: int) -> None:
    """Scaled values of 32 bits, out of a table: operand - zero point, shifted to where it hurts."""
    shifts = SHIFTS[part::3]
    pairs = [(multiplier, shift) for multiplier in MULTIPLIERS for shift in shifts]
    operands = [-128, -127, -100, -2, -1, 0, 1, 2, 3, 63, 127]
    lines, want = [], []
    for left in (0, 9, 24):
        for index, (multiplier, shift) in enumerate(pairs):
            lines.append(f"  li a1, {index}\n  nn.set OUTPUT, a{2 if left == 0 else 3 if left == 9 else 4}")
            lines.append("  nn.taba a0, a1\n  jal ra, read")
            want += [scaled(wrapped(operand - 1 << left), multiplier, shift) for operand in operands]
    reads = "\n".join(
        f"  li t0, {operand & 255}\n  nn.get TABLE_A, t1, t0\n  report t1" for operand in operands
    )
    result, _ = xmidge.check_source(f"""
  put SHAPE, 0
  fill MULTIPLIER, multipliers, {len(pairs)}
  fill SHIFT, shifts, {-(-len(pairs) // 4)}
  li a0, 1
  li a2, {x.output(left_shift=0)}
  li a3, {x.output(left_shift=9)}
  li a4, {x.output(left_shift=24)}
{chr(10).join(lines)}
  finish
read:
{reads}
  ret
{x.data("multipliers", [multiplier for multiplier, _ in pairs])}
{x.data("shifts", packed([shift for _, shift in pairs]))}""")
    assert [wrapped(value) for value in result.reported] == want


@pytest.mark.parametrize(
    "zero_point, minimum, maximum", [(0, -128, 127), (-128, -128, 127), (127, -5, 127), (3, 3, 40)]
)
def test_values_are_biased_scaled_and_clamped(
    xmidge: Midge, zero_point: int, minimum: int, maximum: int
) -> None:
    pairs = [
        (1 << 31, 0),
        (1 << 31, -31),
        ((1 << 32) - 1, 31),
        ((1 << 32) - 1, 0),
        (0x9E3779B1, 24),
        (0xC0000001, 12),
    ]
    biases = [0, 5, -(1 << 31), (1 << 31) - 1, 1 << 20, -77]
    calls = "\n".join(
        f"  li a0, {value}\n  li a1, {index}\n  nn.rqv a0, a0, a1\n  report a0"
        for index in range(len(pairs)) for value in VALUES
    )  # fmt: skip
    result, _ = xmidge.check_source(f"""
  put SHAPE, 0
  put OUTPUT, {x.output(zero_point, minimum, maximum)}
  fill BIAS, biases, {len(pairs)}
  fill MULTIPLIER, multipliers, {len(pairs)}
  fill SHIFT, shifts, 2
{calls}
  finish
{x.data("biases", biases)}
{x.data("multipliers", [multiplier for multiplier, _ in pairs])}
{x.data("shifts", packed([shift for _, shift in pairs] + [0, 0]))}""")
    want = [
        wrapped(scaled(wrapped(value + biases[index]), *pairs[index]) + zero_point)
        for index in range(len(pairs)) for value in VALUES
    ]  # fmt: skip
    want = [min(max(value, minimum), maximum) for value in want]
    assert [wrapped(value) for value in result.reported] == want


PARAMETERS = """
  fill BIAS, biases, 64
  fill MULTIPLIER, multipliers, 64
  fill SHIFT, shifts, 16
  fill ACCUMULATOR, accumulators, 64
"""


class Parameters:
    """Random parameters and accumulators, as assembly and as numbers."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.biases = random.integers(-500, 500, 64).tolist()
        self.multipliers = random.integers(1 << 30, 1 << 32, 64).tolist()
        self.shifts = random.integers(0, 6, 64).tolist()
        self.accumulators = random.integers(-3000, 3000, 64).tolist()
        self.text = (
            x.data("biases", self.biases)
            + x.data("multipliers", self.multipliers)
            + x.data("shifts", packed(self.shifts))
            + x.data("accumulators", self.accumulators)
        )

    def output(self, element: int, parameter: int, shared: bool = False, zero_point: int = 0) -> int:
        index = 0 if shared else parameter
        value = scaled(
            self.accumulators[element] + self.biases[parameter], self.multipliers[index], self.shifts[index]
        )
        return min(max(value + zero_point, -128), 127)


def written(xmidge: Midge, program: str, parameters: Parameters) -> list[int]:
    """512 bytes from OUT on, as int8, after a program; 0x55 where it has not written."""
    result, _ = xmidge.check_source(f"""
  li a0, 0x10005000
  li a1, 0x10005200
  li a2, 0x55555555
1: sw a2, 0(a0)
  addi a0, a0, 4
  bne a0, a1, 1b
{PARAMETERS}{program}
  report_words 0x10005000, 128
  finish
{parameters.text}""")
    return np.array(result.reported, np.uint32).view(np.int8).tolist()


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    "pixels, channels, step, first", [(1, 1, 0, 63), (4, 16, 16, 3), (3, 7, -9, 40), (2, 16, 33, 48)]
)
def test_outputs_of_channels(
    xmidge: Midge, pixels: int, channels: int, step: int, first: int, shared: bool
) -> None:
    parameters = Parameters(pixels)
    got = written(
        xmidge,
        f"""
  put SHAPE, {x.shape(0, pixels, 1, channels, shared=int(shared))}
  put OUTPUT, {x.output(zero_point=-7)}
  put OUTPUT_STEP, {step}
  li a0, 0x10005000 + 201
  li a1, {first}
  nn.rqc a0, a1
""",
        parameters,
    )
    want = [0x55] * 512
    for channel in range(channels):
        for pixel in range(pixels):
            value = parameters.output(16 * pixel + channel, first + channel, shared, -7)
            want[201 + pixel * step + channel] = value
    assert got == want


@pytest.mark.parametrize("channels", [1, 16, 17, 64])
def test_outputs_of_a_vector(xmidge: Midge, channels: int) -> None:
    parameters = Parameters(channels)
    got = written(
        xmidge,
        f"""
  put SHAPE, {x.shape(0, 1, 1, channels, vector=1)}
  put OUTPUT, {x.output()}
  li a0, 0x10005003
  nn.rqc a0, x0
""",
        parameters,
    )
    assert got[3 : 3 + channels] == [parameters.output(c, c) for c in range(channels)]
    assert got[:3] + got[3 + channels :] == [0x55] * (512 - channels)


@pytest.mark.parametrize(
    "lanes, slot, windows, step", [(4, 0, 16, 4), (4, 13, 7, 12), (3, 5, 1, 1), (1, 15, 2, -30)]
)
def test_outputs_of_windows(xmidge: Midge, lanes: int, slot: int, windows: int, step: int) -> None:
    parameters = Parameters(lanes)
    got = written(
        xmidge,
        f"""
  put SHAPE, 0
  put WINDOW, {x.window(lanes=lanes)}
  put OUTPUT, {x.output(zero_point=9)}
  put OUTPUT_STEP, {step}
  li a0, 0x10005000 + 100
  li a1, {slot + 256 * windows + 65536 * 20}
  nn.rqw a0, a1
""",
        parameters,
    )
    want = [0x55] * 512
    for index in range(windows):
        for lane in range(lanes):
            value = parameters.output(16 * lane + (slot + index) % 16, 20 + lane, zero_point=9)
            want[100 + index * step + lane] = value
    assert got == want


@pytest.mark.parametrize("name", ["add", "sub"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_additions(xmidge: Midge, name: str, channels: int) -> None:
    """In place: the result replaces the first operand."""
    random = np.random.default_rng(channels)
    left, right = random.integers(-128, 128, (2, 16)).tolist()
    left[:3], right[:3] = [-128, 127, -128], [-128, 127, 127]
    parameters = Parameters(50 + channels)
    memory = x.data("operands", np.array(left + right, np.int8).tobytes()) + parameters.text
    parameters.text = memory
    got = written(
        xmidge,
        f"""
  la a0, operands
  li a1, 0x10005000
  li a2, 0x10005020
1: lw a3, 0(a0)
  sw a3, 0(a1)
  addi a0, a0, 4
  addi a1, a1, 4
  bne a1, a2, 1b
  put SHAPE, {x.shape(channels=channels)}
  put OUTPUT, {x.output(5, left_shift=20)}
  put PIXEL_STEP, 16
  put OUTPUT_STEP, 0
  li a0, -3
  li a1, 10
  nn.taba a0, a1
  li a0, 100
  li a1, 11
  nn.tabb a0, a1
  put MULTIPLIER, {1 << 31}, 12
  put SHIFT, {18}, 3
  put BIAS, 1000, 12
  li a0, 0x10005000
  li a1, 0x10005010
  li a2, 12
2: nn.{name} a0, a2
  bne a0, a1, 2b
""",
        parameters,
    )
    want = list(left)
    sign = 1 if name == "add" else -1
    tables = [
        [
            scaled(wrapped(value - zero << 20), parameters.multipliers[f], parameters.shifts[f])
            for value in values
        ]
        for values, zero, f in ((left, -3, 10), (right, 100, 11))
    ]
    for index in range(16):
        if index % 4 < channels:
            total = wrapped(wrapped(tables[0][index] + sign * tables[1][index]) + 1000)
            want[index] = min(max(scaled(total, 1 << 31, 18) + 5, -128), 127)
    assert got[:32] == want + right
