"""A program as a board: its standard input and output are the serial line (twister's `serial_pty`)."""

from __future__ import annotations

import contextlib
import os
import pty
import shlex
import shutil
import tty
from collections.abc import Callable
from pathlib import Path

from smidgen.device.simulators.process import Simulator, launch
from smidgen.errors import DeviceError, Problem


class PtyProgram(Simulator):
    """`port` is a pseudo-terminal. It lives as long as the program does, or until `close`."""

    def __init__(self, simulator: Simulator, line: int) -> None:
        super().__init__(simulator.name, simulator.process, simulator.folder)
        self.port = os.ttyname(line)
        self._line = line

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._line)
        super().close()


def start(command: str, folder: Path, before: Callable[[str], None] = lambda port: None) -> PtyProgram:
    """Starts a command line; folder: where relative names in it start. DeviceError when that fails.

    before: told the port before the program starts, so that who opens it then misses nothing.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise DeviceError(Problem(f"serial_pty '{command}'", str(error).lower())) from None
    program = (
        shutil.which(words[0], path=f"{folder}{os.pathsep}{os.environ.get('PATH', '')}") if words else None
    )
    if program is None:
        raise DeviceError(Problem(f"serial_pty '{command}'", "there is no such program"))
    board_end, our_end = pty.openpty()
    try:
        tty.setraw(our_end)
        before(os.ttyname(our_end))
        simulator = launch(words[0], lambda _: [program, *words[1:]], board_end, folder)
    except BaseException as error:
        os.close(our_end)
        if not isinstance(error, OSError):
            raise
        what = f"cannot be started: {error.strerror}"
        raise DeviceError(Problem(f"serial_pty '{command}'", what)) from error
    finally:
        os.close(board_end)
    # Our end stays open, so that the line is there before the port is opened.
    return PtyProgram(simulator, our_end)
