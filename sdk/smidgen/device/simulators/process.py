"""A simulator as a process: started, listened to until it says where its serial port is, and ended."""

from __future__ import annotations

import contextlib
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from smidgen.device.simulators.process_clock import ProcessClock
from smidgen.errors import DeviceError, Problem

_START_SECONDS = 20.0
_STOP_SECONDS = 2.0


class Simulator:
    """A running simulator. A context manager; leaving it ends the process.

    name: what errors call it; port: what the UART is on, as pyserial's serial_for_url takes it; empty when
    the bytes go through process.stdin and process.stdout; folder: for the simulator's own files, removed at
    the end; seconds: its own clock.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.name = name
        self.process = process
        self.port = ""
        self.folder = folder
        self.seconds = ProcessClock(process.pid)
        self._log = ""

    def log(self) -> str:
        """What the simulator wrote to standard error so far."""
        with contextlib.suppress(OSError):
            self._log = _log_file(self.folder).read_text(errors="replace")
        return self._log

    def wait(self, seconds: float | None = None) -> int:
        """The exit code, once the simulation has ended. Raises subprocess.TimeoutExpired."""
        return self.process.wait(seconds)

    def close(self) -> None:
        """Ends the process, if it still runs, and removes what it left. May be called twice."""
        if self.process.poll() is None:
            # SIGTERM lets it finish the files that it writes.
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self.log()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class DidNotStart(DeviceError):
    """text: what the simulator said about it; code: its exit code, None while it runs."""

    def __init__(self, simulator: Simulator, line: str) -> None:
        self.code = simulator.process.poll()
        end = (
            "it does not say which serial port it has"
            if self.code is None
            else f"it ended with code {self.code}"
        )
        self.text = simulator.log().strip() or line.strip() or end
        command = " ".join(map(str, simulator.process.args))
        super().__init__(Problem(f"start of {simulator.name}", self.text, f"command: {command}"))


def launch(
    name: str,
    command: Callable[[Path], Sequence[str]],
    line: int = subprocess.PIPE,
    working_folder: Path | None = None,
) -> Simulator:
    """Starts a simulator. command: its command line, given the folder for its own files; line: what its
    standard input and output are.

    Its standard input is a pipe that nobody writes to: it closes when this process ends, however that ends,
    and the simulator ends with it.
    """
    folder = Path(tempfile.mkdtemp(prefix="smidgen-simulator-"))
    try:
        with _log_file(folder).open("wb") as log:
            process = subprocess.Popen(
                command(folder), stdin=line, stdout=line, stderr=log, bufsize=0, cwd=working_folder
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Simulator(name, process, folder)


def await_port(simulator: Simulator, port_in: Callable[[str], str | None]) -> None:
    """Reads the simulator's first line and takes its port from it with `port_in`.

    When that gives None, the simulator is ended and DidNotStart raised.
    """
    try:
        line = _first_line(simulator.process, time.monotonic() + _START_SECONDS)
        port = port_in(line)
        if port is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                simulator.wait(_STOP_SECONDS)
            raise DidNotStart(simulator, line)
    except BaseException:
        simulator.close()
        raise
    simulator.port = port


def port_of_uart_line(line: str) -> str | None:
    """The port in a line "uart: PORT", which our own simulators begin with."""
    return line.removeprefix("uart: ").strip() if line.startswith("uart: ") else None


def _log_file(folder: Path) -> Path:
    return folder / "standard-error"


def _first_line(process: subprocess.Popen[bytes], deadline: float) -> str:
    """The first line of output; what there is of it when the process ends or the deadline passes."""
    assert process.stdout is not None
    text = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while b"\n" not in text and selector.select(max(0.0, deadline - time.monotonic())):
            piece = process.stdout.read(256)
            if not piece:
                break
            text += piece
    return text.decode(errors="replace")
