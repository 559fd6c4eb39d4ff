"""Progress of long steps: a moving line on a terminal, plain lines elsewhere. It goes to standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.status import Status

Item = TypeVar("Item")

_SECONDS_BETWEEN_LINES = 10.0


class Stages:
    """Shows the stage that is going on: call it with each stage's name. `done` ends the last one."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.done()

    def __call__(self, stage: str) -> None:
        if not sys.stderr.isatty():
            print(f"{stage} ...", file=sys.stderr, flush=True)
        elif self._status is None:
            self._status = Console(stderr=True).status(stage)
            self._status.start()
        else:
            self._status.update(stage)

    def done(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def track(items: Sequence[Item], text: str) -> Iterable[Item]:
    """The items, while a bar (or a line now and then) shows how many are done, and the time left."""
    return _bar(items, text) if sys.stderr.isatty() else _lines(items, text)


def _bar(items: Sequence[Item], text: str) -> Iterator[Item]:
    columns = (
        TextColumn(text),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(items)


def _lines(items: Sequence[Item], text: str) -> Iterator[Item]:
    start = last = time.monotonic()
    for index, item in enumerate(items):
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            left = _duration((now - start) / index * (len(items) - index)) if index else "unknown"
            print(f"{text}: {index} of {len(items)}, time left: {left}", file=sys.stderr, flush=True)
        yield item


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
