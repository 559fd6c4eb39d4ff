"""A process's own seconds: it is not to blame for the time in which others have its processor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smidgen.device.simulators.process_clock import ProcessClock

SECONDS = 0.2
COMPUTES = "print(flush=True)\nwhile True: pass"
SLEEPS = "print(flush=True)\nimport time\ntime.sleep(1000)"

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no system that tells")


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process on the first of our processors that has begun to do what it does."""
    processor = min(os.sched_getaffinity(0))
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, [processor]),
    ) as process:  # fmt: skip
        try:
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_two_that_share_a_processor_share_its_seconds() -> None:
    with running(COMPUTES) as one, running(COMPUTES) as other:
        start = time.monotonic()
        clocks = ProcessClock(one.pid), ProcessClock(other.pid)
        while sum(clock() for clock in clocks) < SECONDS:
            pass
        # Counted in ticks of 10 ms.
        assert time.monotonic() - start > SECONDS - 0.05


@pytest.mark.parametrize("stopped", [False, True])
def test_who_does_nothing_has_everybodys_seconds(stopped: bool) -> None:
    with running(SLEEPS) as process:
        if stopped:
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        start = time.monotonic()
        clock = ProcessClock(process.pid)
        while clock() < SECONDS:
            pass
        assert time.monotonic() - start >= SECONDS
