"""Questions and answers over a port: retries, for as long as a stage has patience."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from smp import message, packet

from smidgen.device.frames import FrameReader
from smidgen.device.protocol import Damaged, Fault, Refusal, Status, parse, trap_text
from smidgen.device.transports import Port, PortClosed
from smidgen.errors import DeviceError, Problem

Reply = TypeVar("Reply", bound=message.Response)

_FIRST_RETRY_SECONDS = 0.5
_LONGEST_RETRY_SECONDS = 8.0


class Stage:
    """A part of the work with a name, and how long it may go on without getting anywhere.

    seconds: from its start, or from the last `advance` on; clock: what they are counted by.
    """

    def __init__(self, name: str, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.seconds = seconds
        self._clock = clock
        self._furthest = -1
        self.advance()

    def advance(self) -> None:
        """It got further: however slow the device is, it does its work."""
        self._end = self._clock() + self.seconds

    def reach(self, place: int) -> None:
        """The transfer is at this byte. DeviceError when it has been no further for too long."""
        if place > self._furthest:
            self._furthest = place
            self.advance()
        elif self.left <= 0:
            raise self.error(f"stayed at byte {place:,} for {self.seconds:g} s")

    @property
    def left(self) -> float:
        return self._end - self._clock()

    def error(self, what: str, fix: str = "") -> DeviceError:
        return DeviceError(Problem(self.name, what, fix))


class Refused(DeviceError):
    """The device answered with an error; `status` is None when it is one of SMP itself."""

    def __init__(self, stage: Stage, refusal: Refusal) -> None:
        super().__init__(Problem(stage.name, f"the device refused: {refusal.text}"))
        self.status: Status | None = refusal.code


class Client:
    """One conversation.

    retry_seconds: the first wait before a question is asked again; each further wait is twice as long.
    obituary: says what became of the device when the port breaks; explain: says what a trap was. answered and
    asked_again count questions.
    """

    def __init__(
        self,
        port: Port,
        retry_seconds: float = _FIRST_RETRY_SECONDS,
        obituary: Callable[[], str] = lambda: "",
        explain: Callable[[Fault], str] = lambda fault: trap_text(fault.cause),
    ) -> None:
        self._port = port
        self._retry_seconds = retry_seconds
        self._obituary = obituary
        self._explain = explain
        self._reader = FrameReader()
        self._arrived: list[bytes] = []
        # A random start keeps answers to an earlier conversation from looking like ours.
        self._sequence = random.randrange(256)
        self.answered = 0
        self.asked_again = 0

    def ask(
        self, stage: Stage, request_type: type[message.Request], reply_type: type[Reply], **fields: Any
    ) -> Reply:
        """The answer to one request.

        A request that gets no answer, or that either side saw damaged, is sent again unchanged: the device
        recognizes it and carries it out once. Raises Refused, or DeviceError naming the stage: its patience
        is at its end, the firmware trapped, the port is gone.
        """
        self._sequence = (self._sequence + 1) % 256
        request = request_type(sequence=self._sequence, **fields)
        line = b"".join(packet.encode(bytes(request)))
        wait = self._retry_seconds + self._line_seconds(2 * len(line))
        try:
            while True:
                self._port.write(line)
                left = max(stage.left, self._retry_seconds)  # the stage's seconds may be longer than ours
                answer = self._answer(stage, request, reply_type, min(wait, left))
                if isinstance(answer, reply_type):
                    self.answered += 1
                    return answer
                if isinstance(answer, Refusal):
                    raise Refused(stage, answer)
                if stage.left <= 0:
                    raise stage.error(
                        f"no answer within {stage.seconds:g} s",
                        "is the right firmware on the device, and is the port the right one?",
                    )
                if answer is None:
                    wait = min(2 * wait, _LONGEST_RETRY_SECONDS)
                self.asked_again += 1
        except PortClosed as error:
            obituary = self._obituary()
            fix = "" if obituary else "is the device still connected and powered? Then try again"
            raise stage.error(obituary or f"the port {self._port.url} closed: {error}", fix) from error

    def _answer(
        self, stage: Stage, request: message.Request, reply_type: type[Reply], seconds: float
    ) -> Reply | Refusal | Damaged | None:
        """The next thing that concerns the request; None when nothing came in that time."""
        end = time.monotonic() + seconds
        while True:
            while self._arrived:
                meaning = parse(self._arrived.pop(0), request, reply_type)
                if isinstance(meaning, Fault):
                    raise stage.error(self._explain(meaning))
                if meaning is not None:
                    return meaning  # type: ignore[return-value]
            left = end - time.monotonic()
            if left <= 0:
                return None
            self._arrived.extend(self._reader.feed(self._port.read(left)))

    def _line_seconds(self, count: int) -> float:
        """How long that many bytes take, start and stop bits included."""
        return 10 * count / self._port.bits_per_second if self._port.bits_per_second else 0.0
