"""A serial line for tests: a TCP port, the agent's standard input and output behind it, and harm between."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

Harm = Callable[[bytes], bytes]


def unharmed(line: bytes) -> bytes:
    return line


def swallow(line: bytes) -> bytes:
    return b""


class HurtLines:
    """Hurts one line in `every`: a bit flipped, a byte dropped, doubled or inserted, or all of the line lost
    or sent twice. Every frame has at least one line, so at least one frame in `every` is hurt."""

    def __init__(self, seed: int, every: int = 100) -> None:
        self._random = random.Random(seed)
        self._every = every
        self.hurt = 0

    def __call__(self, line: bytes) -> bytes:
        if not line or self._random.randrange(self._every):
            return line
        self.hurt += 1
        at = self._random.randrange(len(line))
        byte = line[at : at + 1]
        flipped = bytes([byte[0] ^ 1 << self._random.randrange(8)])
        other = bytes([self._random.randrange(256)])
        middle = self._random.choice([flipped, b"", byte + byte, other + byte, None])
        if middle is None:
            return self._random.choice([b"", line + line])
        return line[:at] + middle + line[at + 1 :]


class Line:
    """A context manager. url: what a Port opens; process: the agent, ended with the line."""

    def __init__(self, program: Path, to_device: Harm = unharmed, to_host: Harm = unharmed) -> None:
        self._harms = (to_device, to_host)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self.process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._to_host, args=(connection,), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                _pump(lambda: connection.recv(4096), self._harms[0], self.process.stdin.write)
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            back.join()
            connection.close()

    def _to_host(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            _pump(lambda: self.process.stdout.read(4096), self._harms[1], connection.sendall)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        # The listener's thread may still wait for somebody to come.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.process.kill()
        self.process.wait()
        self._thread.join()
        self.process.stdout.close()


def _pump(read: Callable[[], bytes], harm: Harm, write: Callable[[bytes], object]) -> None:
    """Passes lines on, each through `harm`, until the reader has no more."""
    waiting = b""
    while piece := read():
        waiting += piece
        *lines, waiting = waiting.split(b"\n")
        if lines:
            write(b"".join(harm(line + b"\n") for line in lines))
