"""How integers lie in memory: the only place that knows the layout of i4 and i2.

Element k of a narrow tensor lies in bits k*b .. k*b+b-1 of a stream of little-endian 32-bit words, b being
4 or 2: the first element in the lowest bits of the first byte. The last word is filled with zeros, because
devices read narrow weights a word at a time. i8, i16, i32 and f32 are stored little-endian, unpadded.
"""

from __future__ import annotations

import numpy as np

from smidgen.graph.types import DType

_WORD_BITS = 32


def storage_bytes(dtype: DType, elements: int) -> int:
    """Bytes that `elements` values of `dtype` occupy."""
    if dtype.bits >= 8:
        return elements * dtype.bits // 8
    return -(-elements * dtype.bits // _WORD_BITS) * _WORD_BITS // 8


def pack(values: np.ndarray, dtype: DType) -> np.ndarray:
    """The bytes of `values`, flattened in C order: a uint8 array of `storage_bytes` elements.

    Raises ValueError when a value is out of the range of an integer `dtype`.
    """
    flat = np.ascontiguousarray(values).reshape(-1)
    if dtype.is_integer and flat.size:
        low, high = -(1 << (dtype.bits - 1)), (1 << (dtype.bits - 1)) - 1
        if flat.min() < low or flat.max() > high:
            raise ValueError(f"values from {flat.min()} to {flat.max()} do not fit {dtype.value}")
    if dtype.bits >= 8:
        return flat.astype(dtype.numpy.newbyteorder("<")).view(np.uint8)
    per_byte = 8 // dtype.bits
    padded = np.zeros(storage_bytes(dtype, flat.size) * per_byte, np.uint8)
    padded[: flat.size] = flat.astype(np.int8).view(np.uint8) & ((1 << dtype.bits) - 1)
    shifts = np.arange(per_byte, dtype=np.uint8) * dtype.bits
    return np.bitwise_or.reduce(padded.reshape(-1, per_byte) << shifts, axis=1).astype(np.uint8)


def unpack(data: np.ndarray, dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
    """The array of `shape` whose `pack` gives `data`; i4 and i2 come back as int8.

    Raises ValueError when `data` has not exactly the bytes that the shape needs.
    """
    elements = int(np.prod(shape, dtype=np.int64))
    data = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
    if data.size != storage_bytes(dtype, elements):
        raise ValueError(
            f"{data.size} bytes for {elements} values of {dtype.value}, "
            f"which occupy {storage_bytes(dtype, elements)}"
        )
    if dtype.bits >= 8:
        return data.view(dtype.numpy.newbyteorder("<")).astype(dtype.numpy).reshape(shape)
    shifts = np.arange(8 // dtype.bits, dtype=np.uint8) * dtype.bits
    fields = (data[:, None] >> shifts).reshape(-1)[:elements]
    # Shifting the field's sign bit to bit 7 and back extends the sign.
    to_top = np.uint8(8 - dtype.bits)
    return ((fields << to_top).view(np.int8) >> np.int8(to_top)).reshape(shape)
