"""A model of the extension Xmidge, written from its table (hw/midge/xmidge.toml), for the model of the core.

Encodings, codes, lengths and fields come from the table itself; effects and illegal cases are written here
a second time, from its text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from midge_model import ILLEGAL, MASK, Trap

TABLE = tomllib.loads((Path(__file__).parents[2] / "hw/midge/xmidge.toml").read_text(encoding="utf-8"))
REGISTERS = {register["name"]: register for register in TABLE["register"]}
NAMES = {register["code"]: register["name"] for register in TABLE["register"]}
CUSTOM_0, CUSTOM_1 = TABLE["opcodes"]["custom-0"], TABLE["opcodes"]["custom-1"]
FUNCT3 = {instruction["name"]: instruction["funct3"] for instruction in TABLE["instruction"]}
CODED = [i["name"] for i in TABLE["instruction"] if "funct7" not in i and "opcode" not in i]
COLUMNS = ("col", "cola", "colv", "colva")
POINTER = ("ldm", "lda", "mac", "macf", "col", "cola", "add", "sub")
NO_RESULT = ("set", "colv", "colva", "rqc", "rqw", "taba", "tabb")
NO_RS2 = ("lda", "mac", "macf", *COLUMNS)


class Memory(Protocol):
    """The data port: both raise Trap where the access is misaligned or there is nothing."""

    def block(self, address: int, size: int) -> bytes | None: ...
    def load(self, address: int, size: int) -> int: ...
    def store(self, address: int, size: int, value: int) -> None: ...


def _decode_table() -> dict[tuple[int, int], tuple[str, int]]:
    """(funct3, funct7) -> (name, group or register's code)."""
    codes = {}
    for instruction in TABLE["instruction"]:
        if "opcode" in instruction:
            continue
        funct7 = instruction.get("funct7")
        if funct7 is None:
            least = 16 if instruction["name"] == "ldm" else 0
            found = [(code, code) for code in NAMES if code >= least]
        else:
            found = list(enumerate([funct7] if isinstance(funct7, int) else funct7))
            found = [(code, group) for group, code in found]
        for code, detail in found:
            codes[instruction["funct3"], code] = (instruction["name"], detail)
    return codes


DECODE = _decode_table()


@lru_cache(maxsize=1 << 14)
def decode(insn: int) -> tuple[str, int, int, int, int] | None:
    """(name, group or code or immediate, rd, rs1, rs2), None if the encoding is reserved."""
    rd, funct3, rs1, rs2 = insn >> 7 & 31, insn >> 12 & 7, insn >> 15 & 31, insn >> 20 & 31
    if insn & 0x7F == CUSTOM_1:
        immediate = (insn >> 20) - (insn >> 31 << 12)
        legal = funct3 == FUNCT3["loop"] and rd == 0 and immediate > 0 and immediate % 4 == 0
        return ("loop", immediate, rd, rs1, 0) if legal else None
    name, detail = DECODE.get((funct3, insn >> 25), ("", 0))
    wrong = (
        not name
        or (name in POINTER and rd != rs1)
        or (name in NO_RESULT and rd != 0)
        or (name in NO_RS2 and rs2 != 0)
        or (name == "get" and rs1 != 0)
    )
    return None if wrong else (name, detail, rd, rs1, rs2)


def field(register: str, value: int, name: str) -> int:
    [(low, bits)] = [(low, bits) for field, low, bits, _ in REGISTERS[register]["fields"] if field == name]
    return value >> low & (1 << bits) - 1


def legal_value(register: str, value: int) -> bool:
    """Whether set may write it."""
    fields = REGISTERS[register].get("fields")
    if fields and value & ~sum((1 << bits) - 1 << low for _, low, bits, _ in fields):
        return False
    if register == "shape":
        width, vector, _, pixels, words, channels = (field(register, value, f[0]) for f in fields)
        return (
            width < 3
            and words + 1 in (1, 2, 4)
            and words + 1 <= 1 << width
            and (vector == 1 or channels < 16)
            and (vector == 0 or pixels == 0)
        )
    if register == "window":
        rows = field(register, value, "rows")
        return rows <= 4 and field(register, value, "first") + rows <= 4
    return True


def _signed_bytes(words: bytes) -> np.ndarray:
    return np.frombuffer(words, np.int8)


@lru_cache(maxsize=3)
def digit_table(width: int) -> np.ndarray:
    """(256, 4): what each 2-bit digit of a byte counts for, as the multiplier of its plane of activations.

    Digits are times 1, 4, 16, ... within a weight; the highest bit of a weight is its sign.
    """
    bits, byte = 8 >> width, np.arange(256)
    digits = []
    for low in range(0, 8, 2):
        sign = -1 if (low + 2) % bits == 0 else 1
        digits.append(((byte >> low & 1) + sign * 2 * (byte >> low + 1 & 1)) * 4 ** (low % bits // 2))
    return np.stack(digits, axis=1)


def scale(value: np.ndarray, multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """int64 arrays: int32 values, uint32 multipliers, shifts of -31 to 31; the int32 result as int64."""
    shifted = (value << np.maximum(-shift, 0)).astype(np.int32).astype(np.int64)
    product = shifted * multiplier + (1 << 31) >> 32
    right = np.maximum(shift, 0)
    half = (1 << right) >> 1
    return np.where(product < 0, -(-product + half >> right), product + half >> right)


class Xmidge:
    """The state, and `execute`, which runs one instruction on it."""

    def __init__(self) -> None:
        self.single = {name: 0 for name, register in REGISTERS.items() if register["length"] == 1}
        self.activations = np.zeros((4, 4, 4), np.int8)  # pixel, plane, byte
        self.accumulator = np.zeros((4, 16), np.int32)
        self.column = np.zeros((4, 4), np.int8)  # row, lane
        self.weight = np.zeros((4, 16, 4), np.int8)  # lane, tap, row
        self.bias = np.zeros(64, np.int32)
        self.multiplier = np.zeros(64, np.uint32)
        self.shift = np.zeros(64, np.int8)
        self.table_a = np.zeros(256, np.int32)
        self.table_b = np.zeros(256, np.int32)
        self.arrays = {
            name: getattr(self, name).view(np.uint32).reshape(-1)
            for name, register in REGISTERS.items()
            if register["length"] > 1
        }

    def _field(self, register: str, name: str) -> int:
        return field(register, self.single[register], name)

    # -- the core's side

    def execute(
        self, insn: int, pc: int, registers: list[int], memory: Memory
    ) -> tuple[int | None, int | None]:
        """(value for rd or None, address of the next instruction if it is a jump)."""
        decoded = decode(insn)
        if decoded is None:
            raise Trap(ILLEGAL, insn)
        name, detail, _, rs1, rs2 = decoded
        a, b = registers[rs1], registers[rs2]
        if name == "loop":
            return None, self._loop(insn, pc, a, detail)
        if not self._legal(name, detail, a, b):
            raise Trap(ILLEGAL, insn)
        run: Callable[..., int | None] = getattr(self, f"_{name.rstrip('_')}")
        value = run(a, b, detail, memory)
        # Setting a register of the loop starts the fetch anew, as a jump does.
        target = pc + 4 & MASK if name == "set" and NAMES[detail].startswith("loop_") else None
        return (None if value is None else value & MASK), target

    def after(self, next_pc: int) -> int:
        """The next instruction's address after one that ends at next_pc and did not jump."""
        if next_pc == self.single["loop_end"] and self.single["loop_count"]:
            self.single["loop_count"] -= 1
            return self.single["loop_start"]
        return next_pc

    def _loop(self, insn: int, pc: int, count: int, size: int) -> int | None:
        if pc % 4:
            raise Trap(ILLEGAL, insn)
        start = pc + 4 & MASK
        if count == 0:
            return start + size & MASK
        self.single |= {"loop_start": start, "loop_end": start + size & MASK, "loop_count": count - 1}
        return start

    def _legal(self, name: str, detail: int, a: int, b: int) -> bool:
        if name in ("set", "get"):
            register = NAMES[detail]
            return b < REGISTERS[register]["length"] and (name == "get" or legal_value(register, a))
        if name == "ldm":
            count = b >> 16
            return count > 0 and (b & 0xFFFF) + count <= REGISTERS[NAMES[detail]]["length"]
        if name in COLUMNS:
            return (detail + 1) * (self._field("window", "taps") + 1) <= 16
        channels = self._field("shape", "channels") + 1
        if name == "rqc":
            return b + channels <= 64
        if name == "rqw":
            slot, windows, first = b & 255, b >> 8 & 255, b >> 16
            return slot < 16 and 1 <= windows <= 16 and first + self._field("window", "lanes") + 1 <= 64
        if name in ("taba", "tabb"):
            return b < 64 and (a < 128 or a >= 0xFFFFFF80)
        if name in ("add", "sub"):
            return b < 64 and channels <= 4
        return name != "rqv" or b < 64

    # -- registers

    def _set(self, a: int, b: int, code: int, memory: Memory) -> None:
        name = NAMES[code]
        if name in self.single:
            self.single[name] = a
        else:
            self.arrays[name][b] = a

    def _get(self, a: int, b: int, code: int, memory: Memory) -> int:
        name = NAMES[code]
        return self.single[name] if name in self.single else int(self.arrays[name][b])

    def _ldm(self, a: int, b: int, code: int, memory: Memory) -> int:
        first, count = b & 0xFFFF, b >> 16
        for index in range(count):
            self.arrays[NAMES[code]][first + index] = memory.load(a + 4 * index & MASK, 4)
        return a + 4 * count

    # -- dot products

    def _unaligned(self, address: int, memory: Memory, words: int, target: list[np.ndarray]) -> None:
        """Loads words whatever the alignment, by aligned accesses; each is written once complete."""
        base, offset = address & ~3, address % 4
        held = b""
        for index in range(words + (offset != 0)):
            held += memory.load(base + 4 * index & MASK, 4).to_bytes(4, "little")
            done = index - (offset != 0)
            if done >= 0:
                target[done][:] = _signed_bytes(held[offset + 4 * done : offset + 4 * done + 4])

    def _lda(self, a: int, b: int, detail: int, memory: Memory) -> int:
        words, planes = self._field("shape", "words") + 1, 4 >> self._field("shape", "width")
        for pixel in range(self._field("shape", "pixels") + 1):
            address = a + pixel * self.single["pixel_step"] & MASK
            pixels = slice(None) if self._field("shape", "vector") else pixel
            targets = [self.activations[pixels, planes * i : planes * (i + 1)] for i in range(words)]
            self._unaligned(address, memory, words, targets)
        return a + 4 * words

    def _mac(self, a: int, b: int, detail: int, memory: Memory, first: bool = False) -> int:
        channels = self._field("shape", "channels") + 1
        block = memory.block(a, 4 * channels)
        if block is not None:
            self._accumulate(block, 0, first)
        else:
            for channel in range(channels):
                word = memory.load(a + 4 * channel & MASK, 4)
                self._accumulate(word.to_bytes(4, "little"), channel, first)
        return a + 4 * channels

    def _macf(self, a: int, b: int, detail: int, memory: Memory) -> int:
        return self._mac(a, b, detail, memory, first=True)

    def _accumulate(self, words: bytes, channel: int, first: bool) -> None:
        packed = np.frombuffer(words, np.uint8).reshape(-1, 4)
        weights = digit_table(self._field("shape", "width"))[packed]  # channel, byte, plane
        activations = self.activations.astype(np.int64)
        sums = np.tensordot(activations, weights, ((1, 2), (2, 1))).astype(np.int32)  # pixel, channel
        if self._field("shape", "vector"):
            channels = np.arange(channel, channel + sums.shape[1])
            where, sums = (channels // 16, channels % 16), sums[channels // 16, channels - channel]
        else:
            where = np.s_[:, channel : channel + sums.shape[1]]
        self.accumulator[where] = sums if first else self.accumulator[where] + sums

    # -- columns

    def _col(self, a: int, b: int, group: int, memory: Memory) -> int:
        first = self._field("window", "first")
        for index in range(self._field("window", "rows")):
            address = a + index * self.single["pixel_step"] & MASK
            self._unaligned(address, memory, 1, [self.column[first + index]])
        self._taps(group)
        return a + self.single["column_step"]

    def _colv(self, a: int, b: int, group: int, memory: Memory) -> None:
        self.column[:] = _signed_bytes(a.to_bytes(4, "little"))
        self._taps(group)

    def _cola(self, a: int, b: int, group: int, memory: Memory) -> int:
        pointer = self._col(a, b, group, memory)
        self._advance()
        return pointer

    def _colva(self, a: int, b: int, group: int, memory: Memory) -> None:
        self._colv(a, b, group, memory)
        self._advance()

    def _taps(self, group: int) -> None:
        taps, stride = self._field("window", "taps") + 1, self._field("window", "stride") + 1
        slot, phase = self._field("position", "slot"), self._field("position", "phase")
        column = self.column.T.astype(np.int32)  # lane, row
        for tap in range(phase, taps, stride):
            target = (slot - (tap - phase) // stride) % 16
            sums = (column * self.weight[:, group * taps + tap]).sum(axis=1, dtype=np.int32)
            keep = 0 if tap == 0 and group == 0 else self.accumulator[:, target]
            self.accumulator[:, target] = keep + sums
        self.activations[:] = self.column.T[:, np.newaxis, :]

    def _advance(self) -> None:
        slot, phase = self._field("position", "slot"), self._field("position", "phase")
        if phase >= self._field("window", "stride"):
            slot, phase = (slot + 1) % 16, 0
        else:
            phase += 1
        self.single["position"] = slot | phase << 4

    # -- requantization

    def _scale(self, values: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        if self._field("shape", "shared"):
            parameters = np.zeros_like(parameters)
        multiplier, shift = self.multiplier[parameters], self.shift[parameters]
        return scale(values.astype(np.int64), multiplier.astype(np.int64), shift.astype(np.int64))

    def _requantize(self, values: np.ndarray, parameters: np.ndarray) -> list[int]:
        """The outputs as Python integers from -128 to 127, in the values' order."""
        biased = (values.astype(np.int32) + self.bias[parameters]).astype(np.int32)
        zero_point, minimum, maximum = (
            (self._field("output", name) ^ 128) - 128 for name in ("zero_point", "minimum", "maximum")
        )
        scaled = (self._scale(biased, parameters) + zero_point).astype(np.int32)
        return np.minimum(np.maximum(scaled, minimum), maximum).tolist()

    def _rqc(self, a: int, b: int, detail: int, memory: Memory) -> None:
        channels, pixels = self._field("shape", "channels") + 1, self._field("shape", "pixels") + 1
        if self._field("shape", "vector"):
            values = self.accumulator.reshape(-1)[:channels]
        else:
            values = self.accumulator[:pixels, :channels].T.reshape(-1)
        outputs = self._requantize(values, b + np.arange(channels).repeat(pixels))
        for index, value in enumerate(outputs):
            channel, pixel = divmod(index, pixels)
            memory.store(a + pixel * self.single["output_step"] + channel & MASK, 1, value & 255)

    def _rqw(self, a: int, b: int, detail: int, memory: Memory) -> None:
        slot, windows, first = b & 255, b >> 8 & 255, b >> 16
        lanes = self._field("window", "lanes") + 1
        slots = (slot + np.arange(windows)) % 16
        values = self.accumulator[:lanes, slots].T.reshape(-1)
        outputs = self._requantize(values, first + np.tile(np.arange(lanes), windows))
        for index, value in enumerate(outputs):
            window, lane = divmod(index, lanes)
            memory.store(a + window * self.single["output_step"] + lane & MASK, 1, value & 255)

    def _rqv(self, a: int, b: int, detail: int, memory: Memory) -> int:
        return self._requantize(np.array([a], np.uint32), np.array([b]))[0]

    def _table(self, a: int, b: int) -> np.ndarray:
        zero_point = (a & 255 ^ 128) - 128
        operand = np.arange(256).astype(np.uint8).astype(np.int8).astype(np.int64) - zero_point
        shifted = (operand << self._field("output", "left_shift")).astype(np.int32)
        return self._scale(shifted, np.full(256, b))

    def _taba(self, a: int, b: int, detail: int, memory: Memory) -> None:
        self.table_a[:] = self._table(a, b)

    def _tabb(self, a: int, b: int, detail: int, memory: Memory) -> None:
        self.table_b[:] = self._table(a, b)

    def _add(self, a: int, b: int, detail: int, memory: Memory, sign: int = 1) -> int:
        channels = self._field("shape", "channels") + 1
        words = [memory.load(a + step & MASK, 4) for step in (0, self.single["pixel_step"])]
        left, right = (np.frombuffer(w.to_bytes(4, "little"), np.uint8)[:channels] for w in words)
        values = self.table_a[left].astype(np.int64) + sign * self.table_b[right].astype(np.int64)
        for index, value in enumerate(self._requantize(values, np.full(channels, b))):
            memory.store(a + self.single["output_step"] + index & MASK, 1, value & 255)
        return a + 4

    def _sub(self, a: int, b: int, detail: int, memory: Memory) -> int:
        return self._add(a, b, detail, memory, sign=-1)

    # -- bytes

    def _max4(self, a: int, b: int, detail: int, memory: Memory) -> int:
        return _bytewise(np.maximum, a, b)

    def _min4(self, a: int, b: int, detail: int, memory: Memory) -> int:
        return _bytewise(np.minimum, a, b)


def _bytewise(choose: Callable[..., np.ndarray], a: int, b: int) -> int:
    left, right = (_signed_bytes(value.to_bytes(4, "little")) for value in (a, b))
    return int.from_bytes(choose(left, right).tobytes(), "little")
