"""Golden inputs and checksums: the same functions as in firmware/runtime/golden.c.

A device keeps a seed instead of golden inputs, so a known answer costs it four bytes and a checksum per
tensor. Words come from a counter through a 32-bit mixing function (lowbias32, Chris Wellons, "Prospecting
for hash functions", 2018), so that both sides can compute any part of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np

from smidgen.graph import DType


def golden_inputs(ports: Iterable[tuple[tuple[int, ...], DType]], seed: int) -> list[np.ndarray]:
    """Seeded inputs, one array for each (shape, dtype).

    The word stream runs on from one input to the next; each input starts at a fresh word. Integers take
    every value of their type, booleans 0 and 1, floats lie in [1, 2) (built from bits, so that a device
    needs no floating point to make them).
    """
    arrays = []
    index = 0
    for shape, dtype in ports:
        count = int(np.prod(shape, dtype=np.int64)) * dtype.numpy.itemsize
        words = _words(seed, index, (count + 3) // 4)
        index += len(words)
        if dtype is DType.F32:
            words = np.uint32(0x3F800000) | (words & np.uint32(0x007FFFFF))
        elif dtype is DType.BOOL:
            words = words & np.uint32(0x01010101)
        data = words.astype("<u4").tobytes()[:count]
        arrays.append(np.frombuffer(data, dtype.numpy.newbyteorder("<")).astype(dtype.numpy).reshape(shape))
    return arrays


def checksum(tensor: np.ndarray) -> int:
    """CRC-32 (zlib's) of the tensor's bytes as they lie in the arena: row-major, little-endian."""
    array = np.ascontiguousarray(tensor)
    return zlib.crc32(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())


def _words(seed: int, start: int, count: int) -> np.ndarray:
    """Words start to start+count-1 of the stream of this seed, uint32."""
    words = (np.arange(start, start + count, dtype=np.uint64) * 0x9E3779B9 + (seed & 0xFFFFFFFF)) & 0xFFFFFFFF
    words = words.astype(np.uint32)
    words ^= words >> np.uint32(16)
    words *= np.uint32(0x7FEB352D)
    words ^= words >> np.uint32(15)
    words *= np.uint32(0x846CA68B)
    words ^= words >> np.uint32(16)
    return words
