"""A shelf of boards that processes share: whoever wants one waits until one is free, and locks it."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from smidgen.device.boards.hardware_map import Entry
from smidgen.errors import DeviceError, Problem, UsageError
from smidgen.paths import state_folder

_LOOK_SECONDS = 0.05


class Shelf:
    """The connected boards of a hardware map."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entry for entry in entries if entry.connected)

    def platforms(self) -> list[str]:
        """Every platform that some board has, in the order of the map."""
        return list(dict.fromkeys(platform for entry in self.entries for platform in entry.platforms))

    def having(self, platform: str, fixtures: Sequence[str] = ()) -> list[Entry]:
        """The boards of this platform that have all of these fixtures (twister's `NAME` or `NAME:DETAIL`)."""
        return [
            entry
            for entry in self.entries
            if platform in entry.platforms
            and set(fixtures) <= {name for one in entry.fixtures for name in (one, one.split(":")[0])}
        ]

    @contextmanager
    def lease(self, platform: str, fixtures: Sequence[str] = (), seconds: float = 0.0) -> Iterator[Entry]:
        """A board that nobody else has while the context lasts, also not in another process.

        A process that ends in whatever way gives its boards back. Raises UsageError when there is no such
        board, DeviceError when none becomes free within this time.
        """
        boards = self.having(platform, fixtures)
        if not boards:
            wanted = f"platform '{platform}'" + (f" with {', '.join(fixtures)}" if fixtures else "")
            there = ", ".join(self.platforms()) or "no board at all"
            raise UsageError(
                Problem(wanted, "no connected board of the hardware map is that", f"it has {there}")
            )
        entry, lock = _first_free(boards, seconds)
        try:
            yield entry
        finally:
            lock.release()


def is_free(entry: Entry) -> bool:
    """Whether nobody has the board at this moment."""
    lock = _lock(entry)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    lock.release()
    return True


def _first_free(boards: Sequence[Entry], seconds: float) -> tuple[Entry, FileLock]:
    deadline = time.monotonic() + seconds
    locks = [(entry, _lock(entry)) for entry in boards]
    while True:
        for entry, lock in locks:
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            return entry, lock
        if time.monotonic() >= deadline:
            names = ", ".join(f"'{entry.id}'" for entry in boards)
            what = f"in use: {names}; none became free within {seconds:g} s"
            raise DeviceError(Problem("waiting for a board", what, "find who holds it, or wait longer"))
        time.sleep(_LOOK_SECONDS)


def _lock(entry: Entry) -> FileLock:
    """What is locked is the line where there is one, whatever a map calls the board."""
    name = entry.id
    if entry.serial:
        name = entry.serial if "://" in entry.serial else os.path.realpath(entry.serial)
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[-40:]
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    folder: Path = state_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{readable}-{digest}.lock")
