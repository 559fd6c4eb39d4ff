"""The clock of a process that may have to share its processor."""

from __future__ import annotations

import os
import time
from pathlib import Path


class ProcessClock:
    """Seconds as a process has them: those that it computes, and those in which it has nothing to do.

    While it waits for a processor that others have, the clock stands still, so that a limit counted by it
    says how long something may take, and not how busy the machine is. Where the system does not tell (it is
    no Linux), these are everybody's seconds.
    """

    def __init__(self, pid: int) -> None:
        self._file = Path(f"/proc/{pid}/stat")
        self._seconds = 0.0
        self._then = self._look()

    def __call__(self) -> float:
        now, runnable, used = self._look()
        then, _, used_then = self._then
        self._then = now, runnable, used
        self._seconds += max(used - used_then, 0.0) if runnable else now - then
        return self._seconds

    def _look(self) -> tuple[float, bool, float]:
        """The time, whether it computes or would if it could, and how long it has computed."""
        now = time.monotonic()
        try:
            # Behind the program's name, which may hold anything, follow the state, 10 other fields, and the
            # ticks in the program and in the kernel.
            fields = self._file.read_text().rpartition(")")[2].split()
        except OSError:
            return now, False, 0.0
        ticks = int(fields[11]) + int(fields[12])
        return now, fields[0] == "R", ticks / os.sysconf("SC_CLK_TCK")
