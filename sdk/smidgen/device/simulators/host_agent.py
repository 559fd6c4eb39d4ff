"""The agent as a process of this machine, on a pseudo-terminal: what talks to a board can talk to it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import tty
from pathlib import Path

from smidgen.device.simulators.process import Simulator


class HostAgent(Simulator):
    """A running agent. The terminal stays open with it: an agent whose line nobody holds ends."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, terminal: int) -> None:
        super().__init__("the agent", process, folder)
        self.port = os.ttyname(terminal)
        self._terminal = terminal

    def close(self) -> None:
        super().close()
        with contextlib.suppress(OSError):
            os.close(self._terminal)
        self._terminal = -1


def start(program: Path) -> HostAgent:
    """Starts a program of `compile.host_agent`. It ends with this process, however that ends."""
    line, terminal = os.openpty()
    try:
        tty.setraw(terminal)
        folder = Path(tempfile.mkdtemp(prefix="smidgen-agent-"))
        with (folder / "standard-error").open("wb") as log:
            process = subprocess.Popen([str(program)], stdin=line, stdout=line, stderr=log)
    except BaseException:
        os.close(terminal)
        raise
    finally:
        os.close(line)
    return HostAgent(process, folder, terminal)
