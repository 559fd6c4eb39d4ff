"""A deadline for what cannot watch the clock itself: a build, a flasher, a test."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from smidgen.errors import DeviceError, Problem

_AGAIN_SECONDS = 5.0  # in case somebody takes the first one for an error of their own


@contextmanager
def deadline(stage: str, seconds: float) -> Iterator[None]:
    """DeviceError, naming the stage, when the block takes longer.

    Works in the main thread where there are interval timers (not on Windows); elsewhere the stages of the
    device are still limited, each by its own deadline.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(number: int, frame: object) -> None:
        raise DeviceError(Problem(stage, f"not done within {seconds:g} s"))

    begin = time.monotonic()
    handler = signal.signal(signal.SIGALRM, late)
    outer, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if outer:  # somebody else's timer goes on
            signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - begin), 0.001), interval)
