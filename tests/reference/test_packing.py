"""The layout of narrow integers in bytes."""

from __future__ import annotations

import numpy as np
import pytest

from smidgen.graph import DType
from smidgen.graph.packing import pack, storage_bytes, unpack

INTEGERS = [DType.I2, DType.I4, DType.I8, DType.I16, DType.I32]


@pytest.mark.parametrize("dtype", [*INTEGERS, DType.F32])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 3, 4), (16,), (17,), (0,)])
def test_unpack_undoes_pack(dtype, shape):
    generator = np.random.default_rng(1)
    if dtype is DType.F32:
        values = generator.normal(size=shape).astype(np.float32)
    else:
        limit = 1 << (dtype.bits - 1)
        values = generator.integers(-limit, limit, shape).astype(dtype.numpy)
    data = pack(values, dtype)
    assert data.dtype == np.uint8
    assert data.size == storage_bytes(dtype, values.size)
    restored = unpack(data, dtype, shape)
    assert restored.dtype == dtype.numpy
    np.testing.assert_array_equal(restored, values)


def test_the_first_element_lies_in_the_lowest_bits_of_the_first_byte():
    assert pack(np.array([1, -2, 7, -8, 3]), DType.I4).tolist() == [0xE1, 0x87, 0x03, 0]
    assert pack(np.array([1, -2, 0, -1, 1]), DType.I2).tolist() == [0b11001001, 0b01, 0, 0]
    assert pack(np.array([-2]), DType.I16).tolist() == [0xFE, 0xFF]
    assert pack(np.array([1 << 16]), DType.I32).tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("dtype", "elements", "expected"),
    [
        (DType.I8, 5, 5), (DType.I16, 5, 10), (DType.I32, 5, 20), (DType.F32, 5, 20), (DType.I4, 8, 4),
        (DType.I4, 9, 8), (DType.I2, 16, 4), (DType.I2, 17, 8), (DType.I2, 0, 0),
    ],
)  # fmt: skip
def test_narrow_types_fill_whole_words(dtype, elements, expected):
    assert storage_bytes(dtype, elements) == expected


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("side", [-1, 1])
def test_a_value_out_of_range_is_refused(dtype, side):
    limit = 1 << (dtype.bits - 1)
    with pytest.raises(ValueError, match=f"do not fit {dtype.value}"):
        pack(np.array([limit if side > 0 else -limit - 1], np.int64), dtype)


def test_a_wrong_number_of_bytes_is_refused():
    with pytest.raises(ValueError, match=r"3 bytes for 5 values of i4"):
        unpack(np.zeros(3, np.uint8), DType.I4, (5,))
