"""The runtime's small functions against Python's: mem*, checksums, golden inputs."""

from __future__ import annotations

import ctypes
import random
import subprocess
import zlib

import numpy as np
import pytest

from smidgen.golden import golden_inputs
from smidgen.graph import DType
from smidgen.paths import data_folder

NAMES = ("memcpy", "memmove", "memset", "memcmp", "strlen")
SIZE = 200


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """mem.c under other names (smidgen_memcpy, ...), codec.c and golden.c as a library of the host."""
    folder = data_folder("firmware") / "runtime"
    library = tmp_path_factory.mktemp("runtime") / "runtime.so"
    renamed = [f"-D{name}=smidgen_{name}" for name in NAMES]
    flags = ["-std=c99", "-O2", "-shared", "-fPIC", "-fno-builtin", "-fno-tree-loop-distribute-patterns"]
    flags += ["-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
    sources = [str(folder / name) for name in ("mem.c", "codec.c", "golden.c")]
    subprocess.run(["gcc", *flags, *renamed, *sources, "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    for name in NAMES[:3]:
        getattr(loaded, f"smidgen_{name}").restype = ctypes.c_void_p
    loaded.smidgen_crc16.restype = ctypes.c_uint16
    loaded.smidgen_crc32.restype = ctypes.c_uint32
    return loaded


def addresses(generator: random.Random) -> tuple[ctypes.Array, int, int, int, int]:
    """A buffer with random content, its address, two offsets and a length within it."""
    buffer = ctypes.create_string_buffer(generator.randbytes(SIZE), SIZE)
    length = generator.choice([0, 1, 3, 4, 15, 16, 17, generator.randrange(SIZE // 2)])
    start, end = (generator.randrange(SIZE - length) for _ in range(2))
    return buffer, ctypes.addressof(buffer), start, end, length


def test_memmove_copies_overlapping_and_unaligned_bytes(runtime: ctypes.CDLL) -> None:
    generator = random.Random(1)
    for _ in range(3000):
        buffer, base, to, source, length = addresses(generator)
        expected = bytearray(buffer.raw)
        expected[to : to + length] = expected[source : source + length]
        runtime.smidgen_memmove(ctypes.c_void_p(base + to), ctypes.c_void_p(base + source), length)
        assert buffer.raw == expected, (to, source, length)


def test_memcpy_copies_at_every_alignment(runtime: ctypes.CDLL) -> None:
    source = ctypes.create_string_buffer(bytes(range(1, SIZE + 1)), SIZE)
    for to in range(8):
        for at in range(8):
            for length in (*range(40), 100):
                target = ctypes.create_string_buffer(SIZE)
                runtime.smidgen_memcpy(
                    ctypes.c_void_p(ctypes.addressof(target) + to),
                    ctypes.c_void_p(ctypes.addressof(source) + at),
                    length,
                )
                assert target.raw == bytes(to) + source.raw[at : at + length] + bytes(SIZE - to - length)


def test_memset_and_memcmp(runtime: ctypes.CDLL) -> None:
    generator = random.Random(2)
    for _ in range(2000):
        buffer, base, to, other, length = addresses(generator)
        one, two = buffer.raw[to : to + length], buffer.raw[other : other + length]
        sign = runtime.smidgen_memcmp(ctypes.c_void_p(base + to), ctypes.c_void_p(base + other), length)
        assert (sign > 0) - (sign < 0) == (one > two) - (one < two)
        value = generator.randrange(-300, 300)
        expected = bytearray(buffer.raw)
        expected[to : to + length] = bytes([value & 255]) * length
        runtime.smidgen_memset(ctypes.c_void_p(base + to), value, length)
        assert buffer.raw == expected, (to, length, value)


def test_checksums_are_the_standard_ones(runtime: ctypes.CDLL) -> None:
    assert runtime.smidgen_crc16(b"123456789", 9) == 0x31C3
    generator = random.Random(3)
    for length in (0, 1, 2, 3, 4, 5, 8, 100, 1001):
        data = generator.randbytes(length)
        assert runtime.smidgen_crc32(0, data, length) == zlib.crc32(data)
        cut = generator.randrange(length + 1)
        first = runtime.smidgen_crc32(0, data[:cut], cut)
        assert runtime.smidgen_crc32(first, data[cut:], length - cut) == zlib.crc32(data)


class Tensor(ctypes.Structure):
    """smidgen_tensor."""

    _fields_ = [
        ("name", ctypes.c_char_p), ("offset", ctypes.c_uint32), ("bytes", ctypes.c_uint32),
        ("dtype", ctypes.c_uint8), ("rank", ctypes.c_uint8), ("dims", ctypes.c_void_p),
        ("scale", ctypes.c_float), ("zero_point", ctypes.c_int32),
    ]  # fmt: skip


class Model(ctypes.Structure):
    """The start of smidgen_model."""

    _fields_ = [
        ("name", ctypes.c_char_p), ("version", ctypes.c_char_p), ("arena_bytes", ctypes.c_uint32),
        ("input_count", ctypes.c_uint16), ("output_count", ctypes.c_uint16),
        ("layer_count", ctypes.c_uint16), ("golden_count", ctypes.c_uint16),
        ("inputs", ctypes.POINTER(Tensor)), ("rest", ctypes.c_void_p * 6),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 0xFFFFFFFF])
def test_device_and_host_make_the_same_golden_inputs(runtime: ctypes.CDLL, seed: int) -> None:
    ports = [
        ((1, 7), DType.I8),
        ((3, 5), DType.F32),
        ((5,), DType.I16),
        ((9,), DType.BOOL),
        ((2,), DType.I32),
    ]
    wanted = golden_inputs(ports, seed)
    # smidgen_model.h numbers the types as the enumeration does.
    table, offset = (Tensor * len(ports))(), 0
    for row, (_, dtype), array in zip(table, ports, wanted, strict=True):
        row.offset, row.bytes, row.dtype = offset, array.nbytes, list(DType).index(dtype)
        offset += array.nbytes + 3 & ~3
    arena = ctypes.create_string_buffer(offset)
    model = Model(input_count=len(ports), inputs=table)
    runtime.smidgen_golden_fill(ctypes.byref(model), arena, ctypes.c_uint32(seed))
    for row, array in zip(table, wanted, strict=True):
        data = arena.raw[row.offset : row.offset + row.bytes]
        np.testing.assert_array_equal(np.frombuffer(data, array.dtype).reshape(array.shape), array)
