"""Finds the frames that carry messages in a stream of bytes. PyPI `smp` takes one frame apart."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator

from smp import packet
from smp.exceptions import SMPException


class FrameReader:
    """Finds SMP frames in a stream of bytes: `feed` yields each whole frame whose CRC is right. Anything else
    between them (boot messages, noise, half a line) is skipped."""

    _LONGEST_LINE = 4096

    def __init__(self) -> None:
        self._line = bytearray()
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[bytes]:
        for piece in _lines(data):
            self._line += piece
            if self._line.endswith(b"\n"):
                frame = self._take_line(bytes(self._line))
                self._line.clear()
                if frame is not None:
                    yield frame
            elif len(self._line) > self._LONGEST_LINE:
                del self._line[: -len(packet.START_DELIMITER)]

    def _take_line(self, line: bytes) -> bytes | None:
        # A line that lost its end carries the next one behind it, so the last delimiter counts.
        start = line.rfind(packet.START_DELIMITER)
        further = line.rfind(packet.CONTINUE_DELIMITER)
        if start >= 0 and start > further:
            self._lines = [line[start:]]
        elif further >= 0 and self._lines:
            self._lines.append(line[further:])
        else:
            return None
        return self._whole_frame()

    def _whole_frame(self) -> bytes | None:
        decoder = packet.decode()
        next(decoder)
        try:
            for line in self._lines:
                decoder.send(line)
        except StopIteration as end:
            self._lines = []
            return end.value
        except (SMPException, binascii.Error, struct.error, ValueError):
            self._lines = []
        return None


def _lines(data: bytes) -> list[bytes]:
    """The data cut after each line feed, and nowhere else."""
    pieces = data.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
