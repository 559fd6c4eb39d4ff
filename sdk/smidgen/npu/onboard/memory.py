"""Registers, memory and interrupts of a board under Linux: by /dev/mem and UIO, or by PYNQ."""

from __future__ import annotations

import mmap
import os
import select
import struct
from pathlib import Path
from typing import Any

import numpy as np

ALIGNMENT = 64  # of buffers: a line of the processor's cache


def _map(path: str | os.PathLike[str], address: int, size: int) -> np.ndarray:
    """Bytes of a device, from a page on; not through the cache where the driver knows O_SYNC."""
    if address % mmap.PAGESIZE:
        raise ValueError(f"address 0x{address:x} is not that of a page of {mmap.PAGESIZE} bytes")
    descriptor = os.open(path, os.O_RDWR | os.O_SYNC)
    try:
        return np.frombuffer(mmap.mmap(descriptor, size, offset=address), np.uint8)
    finally:
        os.close(descriptor)


class MappedRegisters:
    """Registers at an address of /dev/mem, or at 0 of a device of UIO (`/dev/uio0`)."""

    def __init__(self, address: int, path: str | os.PathLike[str] = "/dev/mem", size: int = 4096) -> None:
        # As words: the engine refuses writes of single bytes.
        self._words = _map(path, address, size).view(np.uint32)

    def read(self, offset: int) -> int:
        return int(self._words[offset >> 2])

    def write(self, offset: int, value: int) -> None:
        self._words[offset >> 2] = value


class UioInterrupt:
    """The engine's interrupt by a device of UIO (`/dev/uio0`) whose entry in the device tree names it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = os.open(path, os.O_RDWR)

    def arm(self) -> None:
        os.write(self._file, struct.pack("=I", 1))

    def wait(self, seconds: float) -> None:
        readable, _, _ = select.select([self._file], [], [], seconds)
        if readable:
            os.read(self._file, 4)  # the number of interrupts so far

    def close(self) -> None:
        os.close(self._file)


class _Part:
    """A buffer in memory that no cache holds."""

    def __init__(self, array: np.ndarray, address: int) -> None:
        self.array, self.address = array, address

    def flush(self) -> None:
        pass

    def invalidate(self) -> None:
        pass


class ReservedMemory:
    """Memory that the device tree keeps from Linux (`reserved-memory`, `no-map`), by /dev/mem."""

    def __init__(self, address: int, size: int, path: str | os.PathLike[str] = "/dev/mem") -> None:
        self._bytes, self._address, self._used = _map(path, address, size), address, 0
        self._path = Path(path)

    def allocate(self, size: int) -> _Part:
        first = self._used
        end = first + -(-size // ALIGNMENT) * ALIGNMENT
        if end > self._bytes.size:
            free = self._bytes.size - first
            raise MemoryError(f"{size} bytes do not fit into the {free} that are left of {self._path}")
        self._used = end
        return _Part(self._bytes[first:end], self._address + first)


class _PynqBuffer:
    def __init__(self, array: Any) -> None:
        self.array, self.address = array, int(array.device_address)
        self.flush, self.invalidate = array.flush, array.invalidate


class PynqMemory:
    """Buffers of `pynq.allocate`. The bitstream must be loaded before (`pynq.Overlay`)."""

    def allocate(self, size: int) -> _PynqBuffer:
        import pynq

        return _PynqBuffer(pynq.allocate((-(-size // ALIGNMENT) * ALIGNMENT,), "u1"))
