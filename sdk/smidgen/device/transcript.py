"""What went over a serial line, kept for the message about a board that failed."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

_KEPT_BYTES = 256 * 1024
_SHOWN_LINES = 40
_SHOWN_COLUMNS = 110


@dataclass
class _Piece:
    """Bytes that went one way without a pause by the other side; seconds since the transcript began."""

    seconds: float
    sent: bool
    data: bytearray = field(default_factory=bytearray)


class Transcript:
    """The last bytes of a line, both ways."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._pieces: deque[_Piece] = deque()
        self._kept = 0
        self._received = bytearray()
        self._dropped = 0

    def sent(self, data: bytes) -> None:
        self._add(True, data)

    def received(self, data: bytes) -> None:
        self._add(False, data)
        self._received += data
        excess = len(self._received) - _KEPT_BYTES
        if excess > _KEPT_BYTES:  # in large steps: cutting the front of a bytearray moves the rest
            del self._received[:excess]
            self._dropped += excess

    def received_since(self, position: int) -> tuple[bytes, int]:
        """What was received from this position on, as far as it is kept, and the position after it."""
        begin = max(position - self._dropped, 0)
        return bytes(self._received[begin:]), self._dropped + len(self._received)

    def text(self, lines: int = _SHOWN_LINES) -> str:
        """The last lines, each with the seconds since the line was opened and `>` (sent) or `<` (received);
        bytes that are not printable as escapes."""
        shown = [line for piece in self._pieces for line in _lines(piece)]
        if not shown:
            return "(nothing was sent or received)"
        omitted = len(shown) - lines
        head = [f"({omitted} earlier lines)"] if omitted > 0 else []
        return "\n".join([*head, *shown[-lines:]])

    def _add(self, sent: bool, data: bytes) -> None:
        if not data:
            return
        last = self._pieces[-1] if self._pieces else None
        if last is None or last.sent != sent or last.data.endswith(b"\n"):
            last = _Piece(time.monotonic() - self._begin, sent)
            self._pieces.append(last)
        last.data += data
        self._kept += len(data)
        while self._kept > _KEPT_BYTES and len(self._pieces) > 1:
            self._kept -= len(self._pieces.popleft().data)
        excess = len(last.data) - _KEPT_BYTES
        if excess > _KEPT_BYTES:
            del last.data[:excess]
            self._kept -= excess


def _lines(piece: _Piece) -> list[str]:
    mark = ">" if piece.sent else "<"
    texts = [_printable(line) for line in bytes(piece.data).splitlines()]
    return [f"{piece.seconds:8.3f} {mark} {text}" for text in texts]


def _printable(line: bytes) -> str:
    text = line.decode("ascii", "backslashreplace")
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    more = len(text) - _SHOWN_COLUMNS
    return text if more <= 0 else f"{text[:_SHOWN_COLUMNS]}... ({len(line)} bytes)"
