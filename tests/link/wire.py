"""Requests by hand to an agent that is a process: exact bytes out, exact answers back."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

from smp import message, packet

from smidgen.device import protocol
from smidgen.device.frames import FrameReader
from smidgen.device.protocol import Incoming, parse


class Wire:
    """A context manager around the agent's process; leaving it checks that the agent ended well."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._reader = FrameReader()

    def send(self, data: bytes) -> None:
        self._process.stdin.write(data)

    def frame(self) -> bytes:
        """The next whole frame from the agent."""
        while True:
            data = self._process.stdout.read(4096)
            assert data, f"the agent ended: {self._process.stderr.read().decode()}"
            for frame in self._reader.feed(data):
                return frame

    def ask(self, request: message.Request, reply_type: type[message.Response]) -> Incoming | None:
        self.send(framed(bytes(request)))
        return parse(self.frame(), request, reply_type)

    def send_input(self, transaction: int, data: bytes, chunk: int = 512) -> int:
        """Sends all inputs as one transaction; their CRC-32."""
        for offset in range(0, len(data), chunk):
            request = protocol.InputRequest(t=transaction, off=offset, data=data[offset : offset + chunk])
            reply = self.ask(request, protocol.InputReply)
            assert reply.off == min(len(data), offset + chunk)
        return zlib.crc32(data)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        _, messages = self._process.communicate()
        if kind is None:
            assert self._process.returncode == 0, messages.decode()


def framed(body: bytes, line_length: int = 127) -> bytes:
    return b"".join(packet.encode(body, line_length))
