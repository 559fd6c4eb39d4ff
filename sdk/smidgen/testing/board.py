"""The fixture `board`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from smidgen.device import Device
from smidgen.device.boards import Entry, target_of
from smidgen.device.serial_device import SerialDevice
from smidgen.device.simulated_device import SimulatedDevice
from smidgen.device.transcript import Transcript
from smidgen.targets import Target
from smidgen.testing.case import Case
from smidgen.testing.deadline import deadline
from smidgen.testing.marker import wanted
from smidgen.testing.settings import Seconds, settings


class Board:
    """A board that this test has to itself.

    platform: what it was chosen for; target: Smidgen's target for that; entry: its entry in the hardware map.
    """

    def __init__(self, entry: Entry, platform: str, target: Target) -> None:
        self.entry = entry
        self.platform = platform
        self.target = target
        self.case: Case | None = None
        self.device: Device | None = None  # what answers there, once a model was opened
        self.transcript: Transcript | None = None  # of its line, once that was opened
        self.loaded = False

    @property
    def id(self) -> str:
        return self.entry.id

    @property
    def fixtures(self) -> tuple[str, ...]:
        return self.entry.fixtures

    def attach(self, device: Device) -> None:
        """What the test talks to, before it is loaded: its line is worth reading even if nobody answers."""
        self.device = device
        if isinstance(device, SerialDevice):
            self.transcript = device.transcript

    def log(self) -> str:
        """What went over the line, and what a simulator said beside it."""
        if self.transcript is None:
            return "(this board has no serial line)" if self.device else "(the line was not opened)"
        text = self.transcript.text()
        if isinstance(self.device, SimulatedDevice) and self.device.messages:
            text += f"\n{self.device.messages}"
        return text

    def ask_selftest(self, seconds: Seconds) -> str | None:
        """The first layer that differs on the board's own known answers, in words; None when nobody can tell.

        Raises DeviceError when the board does not answer.
        """
        if self.device is None or not self.loaded:
            return None
        with deadline("self-test", seconds.query):
            result = self.device.selftest()
        if result.passed:
            return f"none: the board's self-test gives all {result.checked} tensors as they should be"
        return f"'{result.layer}', in the board's own self-test"


@contextmanager
def lease_board(request: pytest.FixtureRequest, platform: str) -> Iterator[Board]:
    given = settings(request.config)
    target = target_of(platform)
    assert target is not None  # otherwise the test is skipped
    fixtures = wanted(request.node, "fixtures")
    with given.shelf.lease(platform, fixtures, given.seconds.wait) as entry:
        board = Board(entry, platform, target)
        board.case = Case(request.node, board)
        yield board
