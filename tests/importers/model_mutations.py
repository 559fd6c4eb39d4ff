"""Damages .tflite files at random, the same way for the same seed."""

from __future__ import annotations

import struct

import ai_edge_litert.schema_py_generated as schema
import numpy as np

MODELS = ("ad", "ic", "kws", "sww", "vww")

_EXTREME_INTEGERS = (
    *(0, 1, 2, 3, 4, 7, 8, 16, 64, 127, 128, 255, 256),
    *(1 << 16, 1 << 20, 1 << 24, 1 << 30, (1 << 31) - 1, 1 << 31),
    *((1 << 32) - 1, (1 << 32) - 2, (1 << 32) - 128),
)
_EXTREME_FLOATS = (float("nan"), float("inf"), -1.0, 0.0, 1e-38, 1e38, 1e-10, 1e10, 0.5, 1.0)
_EXTREMES = _EXTREME_INTEGERS + tuple(
    struct.unpack("<I", struct.pack("<f", value))[0] for value in _EXTREME_FLOATS
)


def structure_bytes(content: bytes) -> np.ndarray:
    """Positions of the bytes that are not weights: tables, offsets, shapes, scales, options and names."""
    structural = np.ones(len(content), bool)
    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.BuffersLength()):
        data = model.Buffers(index).DataAsNumpy()
        if isinstance(data, np.ndarray) and data.size >= 64:
            start = data.__array_interface__["data"][0]
            start -= np.frombuffer(content, np.uint8).__array_interface__["data"][0]
            structural[start : start + data.size] = False
    return np.flatnonzero(structural)


def mutate(content: bytes, structure: np.ndarray, seed: int) -> bytes:
    """A damaged copy of a model. Three of four changes are outside the weights, where they matter more."""
    random = np.random.default_rng(seed)
    changed = bytearray(content)
    kind = int(random.integers(8))
    for _ in range(int(random.choice([1, 1, 1, 2, 4]))):
        anywhere = random.random() < 0.25
        at = int(random.integers(len(changed)) if anywhere else structure[random.integers(len(structure))])
        at = min(at, max(len(changed) - 8, 0))
        if kind == 0:
            changed[at] ^= 1 << int(random.integers(8))
        elif kind == 1:
            changed[at] = int(random.integers(256))
        elif kind == 2:
            del changed[max(at, 1) :]
        elif kind == 3:
            _swap(changed, at, random)
        elif kind == 4:
            _overwrite(changed, at // 4 * 4, "<I", int(random.choice(np.array(_EXTREMES, np.uint64))))
        elif kind == 5:
            at = at // 2 * 2
            value = int.from_bytes(changed[at : at + 2], "little") + int(random.integers(-8, 9))
            _overwrite(changed, at, "<H", value & 0xFFFF)
        elif kind == 6:
            at = at // 4 * 4
            value = int.from_bytes(changed[at : at + 4], "little") + int(random.integers(-8, 9))
            _overwrite(changed, at, "<I", value & 0xFFFFFFFF)
        else:
            _copy(changed, at, random)
    return bytes(changed)


def _overwrite(changed: bytearray, at: int, form: str, value: int) -> None:
    if at + struct.calcsize(form) <= len(changed):
        struct.pack_into(form, changed, at, value)


def _swap(changed: bytearray, at: int, random: np.random.Generator) -> None:
    """Exchange two blocks of the same size."""
    size = int(random.choice([2, 4, 8, 64]))
    other = int(random.integers(max(len(changed) - size, 1)))
    first, second = bytes(changed[at : at + size]), bytes(changed[other : other + size])
    if len(first) == len(second) == size:
        changed[at : at + size] = second
        changed[other : other + size] = first


def _copy(changed: bytearray, at: int, random: np.random.Generator) -> None:
    """Write a block from elsewhere over this one."""
    size = int(random.choice([1, 2, 4, 8, 32]))
    other = int(random.integers(max(len(changed) - size, 1)))
    block = bytes(changed[other : other + size])
    if at + len(block) <= len(changed):
        changed[at : at + len(block)] = block
