"""The fixture `dut`: the board's serial line with pytest-embedded's `expect`, `expect_exact` and `write`.

pytest-embedded's own class cannot be had without its plugin, which starts processes in every run of pytest.
Its methods are pexpect's, and so are these: same arguments, same exceptions, same results.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pexpect
import pytest
from pexpect.spawnbase import SpawnBase

from smidgen.device.boards import is_virtual
from smidgen.device.serial_device import SerialDevice
from smidgen.device.simulators import pty_program
from smidgen.device.transcript import Transcript
from smidgen.device.transports import Port, PortClosed
from smidgen.errors import Problem, UsageError
from smidgen.testing.board import Board

_EXPECT_SECONDS = 30.0  # pytest-embedded's
_TAIL_BYTES = 200


class _Line(SpawnBase):
    """What arrives at a port, for pexpect: also what others have read from it, such as the client of the
    model under test."""

    def __init__(self, port: Port, transcript: Transcript) -> None:
        super().__init__(timeout=_EXPECT_SECONDS)
        self._port, self._transcript = port, transcript
        self._seen = 0

    def read_nonblocking(self, size: int = 1, timeout: float | None = -1) -> bytes:
        seconds = self.timeout if timeout == -1 else timeout
        data, position = self._transcript.received_since(self._seen)
        if not data:
            try:
                self._port.read(_EXPECT_SECONDS if seconds is None else max(seconds, 0.0))
            except PortClosed as error:
                raise pexpect.EOF(f"the board's line closed: {error}") from error
            data, position = self._transcript.received_since(self._seen)
            if not data and seconds is not None:
                raise pexpect.TIMEOUT(f"nothing arrived within {seconds:g} s")
        self._seen = position
        return data


class Dut:
    """The device under test, as text.

    expect and expect_exact wait for one of some patterns and return the match (expect), or the bytes that
    were found (expect_exact). Arguments: pattern, one or a list; timeout, seconds; expect_all, wait for all
    patterns; not_matching, patterns that must not come before; return_what_before_match. They raise
    pexpect.TIMEOUT and pexpect.EOF.
    """

    def __init__(self, port: Port, transcript: Transcript) -> None:
        self._port = port
        self._line = _Line(port, transcript)

    def write(self, data: bytes | str) -> None:
        """Sends bytes as they are, and text with a line feed behind it."""
        self._port.write(data if isinstance(data, bytes) else data.encode() + b"\n")

    def expect(self, pattern: Any, **options: Any) -> Any:
        """Regular expressions. Further options are those of pexpect.spawn.expect."""
        __tracebackhide__ = True
        return self._wait(self._line.expect, pattern, **options)

    def expect_exact(self, pattern: Any, **options: Any) -> Any:
        """The bytes as they are. Further options are those of pexpect.spawn.expect_exact."""
        __tracebackhide__ = True
        return self._wait(self._line.expect_exact, pattern, **options)

    def _wait(
        self,
        wait: Callable[..., int],
        pattern: Any,
        *,
        expect_all: bool = False,
        not_matching: Any = (),
        return_what_before_match: bool = False,
        **options: Any,
    ) -> Any:
        __tracebackhide__ = True
        if expect_all and return_what_before_match:
            raise ValueError("expect_all and return_what_before_match cannot be had together")
        patterns = _listed(pattern)
        found = []
        while patterns:
            try:
                index = wait(list(patterns), **options)
            except (pexpect.TIMEOUT, pexpect.EOF) as error:
                raise type(error)(self._not_found(patterns, error)) from None
            before, match = self._line.before or b"", self._line.match
            found.append(before.rstrip() if match in (pexpect.TIMEOUT, pexpect.EOF) else match)
            for refused in _listed(not_matching):
                text = refused.pattern if isinstance(refused, re.Pattern) else refused
                if re.search(text.encode() if isinstance(text, str) else text, before):
                    raise ValueError(f"{text!r} came before {patterns[index]!r}")
            if not expect_all:
                break
            del patterns[index]
        if return_what_before_match:
            return self._line.before
        return found[0] if len(found) == 1 else found

    def _not_found(self, patterns: Sequence[Any], error: Exception) -> str:
        tail = bytes(self._line.before or b"")[-_TAIL_BYTES:]
        reason = (
            str(error.value).splitlines()[0] if isinstance(error, pexpect.ExceptionPexpect) else str(error)
        )
        wanted = ", ".join(repr(one) for one in patterns)
        return f"{wanted} did not come ({reason}); the last bytes since the last match: {tail!r}"


@contextmanager
def open_dut(board: Board) -> Iterator[Dut]:
    """On the line of the model under test, where there is one, or on a line of its own."""
    if board.device is not None:
        if not isinstance(board.device, SerialDevice):
            pytest.skip(f"board '{board.id}' has no serial line")
        yield Dut(board.device.port, board.device.transcript)
        return
    entry = board.entry
    transcript = board.transcript = Transcript()
    baud = entry.baud or 115200
    if entry.serial_pty:
        with ExitStack() as stack:
            ports: list[Port] = []

            def open_port(url: str) -> None:
                ports.append(stack.enter_context(closing(Port(url, baud, transcript))))

            stack.enter_context(pty_program.start(entry.serial_pty, entry.file.parent, open_port))
            yield Dut(ports[0], transcript)
    elif entry.serial:
        with closing(Port(entry.serial, baud, transcript)) as port:
            yield Dut(port, transcript)
    else:
        fix = (
            "use the fixture 'model_under_test' as well, or write serial or serial_pty into the hardware map"
        )
        what = "runs no firmware" if is_virtual(board.target) else "has no serial line"
        raise UsageError(Problem(entry.place, f"the board {what}", fix))


def _listed(patterns: Any) -> list[Any]:
    return list(patterns) if isinstance(patterns, (list, tuple)) else [patterns]
