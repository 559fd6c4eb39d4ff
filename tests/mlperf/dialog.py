"""A conversation with an agent that is a process, in which text and frames come in any order."""

from __future__ import annotations

import selectors
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from smp import message
from wire import framed

from smidgen.device import protocol
from smidgen.device.frames import FrameReader

SECONDS = 60.0
Found = TypeVar("Found")


class Dialog:
    """A context manager around the agent's process; leaving it checks that the agent ended well."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self.output = b""

    def send(self, data: bytes) -> None:
        self._process.stdin.write(data)

    def wait_for(self, look: Callable[[bytes], Found | None]) -> Found:
        """What `look` finds in all that the agent has written, as soon as it finds anything."""
        deadline = time.monotonic() + SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while (found := look(self.output)) is None:
                assert selector.select(max(0.0, deadline - time.monotonic())), (
                    f"no answer; got {self.output!r}"
                )
                data = self._process.stdout.read(4096)
                assert data, f"the agent ended: {self._process.stderr.read().decode()}"
                self.output += data
        return found

    def text(self, command: bytes) -> str:
        """The lines that answer a command."""
        start = len(self.output)
        self.send(command)
        end = b"m-ready\r\n"
        return self.wait_for(lambda output: output[start:] if end in output[start:] else None).decode(
            "latin-1"
        )

    def ask(self, request: message.Request, reply_type: type[message.Response]) -> protocol.Incoming:
        """The answer to a request; what the agent says on its own is passed over."""
        start = len(self.output)
        self.send(framed(bytes(request)))

        def answer(output: bytes) -> protocol.Incoming | None:
            meanings = [
                protocol.parse(frame, request, reply_type) for frame in FrameReader().feed(output[start:])
            ]
            return next((one for one in meanings if one and not isinstance(one, protocol.Damaged)), None)

        return self.wait_for(answer)

    def __enter__(self) -> Dialog:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        _, messages = self._process.communicate()
        if kind is None:
            assert self._process.returncode == 0, messages.decode()
