"""Flashers: one file for each method of writing a bundle's image to a board, behind one interface.

A file is named after its method and defines FLASHER, a class. The target file's `[flasher] method` names it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

from smidgen.compile.bundle import Bundle
from smidgen.errors import Problem, UsageError
from smidgen.targets import Flasher as Settings
from smidgen.targets import Target

Track = Callable[[int, int], None]
"""Told how many bytes of how many are written."""


def untracked(done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Found:
    """The one board that will be written to: its port, probe or drive, and what it says it is."""

    place: str
    board: str


class Flasher(ABC):
    """Writes images to the board of a target.

    port: a serial port, or a network address where the method takes one; probe: the serial number of a debug
    probe or USB device, or a drive. Either is "" for the only one there is. Nothing is opened before `probe`.
    clock: by which the board's seconds are counted, where it is a simulated one.
    """

    # Which of the two tells boards apart; the other one is refused.
    chosen_by: ClassVar[str] = "port"

    def __init__(self, target: Target, port: str = "", probe: str = "") -> None:
        self.target = target
        self.port = port
        self.probe_id = probe
        self.clock: Callable[[], float] = time.monotonic

    @property
    def settings(self) -> Settings:
        assert self.target.flasher is not None
        return self.target.flasher

    def text(self, option: str) -> str:
        """The method's option of this name in the target file; so do `number` and `texts`."""
        return str(self.settings.options[option])

    def number(self, option: str) -> int:
        return int(self.text(option))

    def texts(self, option: str) -> tuple[str, ...]:
        value = self.settings.options[option]
        assert isinstance(value, tuple)  # the target file was checked
        return value

    @abstractmethod
    def command(self, bundle: Bundle) -> list[str] | None:
        """The command line that does what `flash` does, for `--dry-run`; None where there is no such program.
        Needs no board: what only a board can tell is spelled in capitals (PORT)."""

    @abstractmethod
    def probe(self) -> Found:
        """Looks for the board and asks it what it is; writes nothing.

        Raises UsageError when there is none or more than one to choose from, with all that were seen;
        DeviceError when it is not the target's, does not answer, or the program for it is missing.
        """

    @abstractmethod
    def flash(self, bundle: Bundle, track: Track = untracked) -> None:
        """Writes the image, reads it back or has it verified, and starts it. After `probe` only.

        Raises DeviceError: the board vanished, refused, or holds something else than was written.
        """

    def close(self) -> None:  # noqa: B027  most have nothing open
        """Lets the board go. May be called twice."""


def make_flasher(target: Target, port: str = "", probe: str = "") -> Flasher:
    """The flasher of this target. UsageError when it has none, or is not chosen in that way."""
    if target.flasher is None:
        fix = "give it a [flasher] table (docs/flashing.md lists the methods), or choose another target"
        raise UsageError(Problem(f"target '{target.name}'", "there is no way to flash it", fix))
    method = target.flasher.method
    kind: type[Flasher] = import_module(f"smidgen.device.flashers.{method}").FLASHER
    for option, value in (("port", port), ("probe", probe)):
        if value and option != kind.chosen_by:
            fix = f"choose the board with --{kind.chosen_by}"
            what = f"'{method}', the flashing method of target '{target.name}', does not know boards by it"
            raise UsageError(Problem(f"--{option} {value}", what, fix))
    return kind(target, port, probe)
