"""From a board of a hardware map and a bundle to the device."""

from __future__ import annotations

import functools

from smidgen.compile.bundle import Bundle
from smidgen.device.base import Device
from smidgen.device.boards.hardware_map import Entry
from smidgen.device.boards.platforms import is_virtual
from smidgen.device.opening import open_device
from smidgen.device.serial_device import Deadlines
from smidgen.device.simulated_device import SimulatedDevice
from smidgen.device.simulators import pty_program, rp2040js, verilator
from smidgen.errors import Problem, UsageError
from smidgen.targets import Target


def prepare_board(entry: Entry, target: Target) -> None:
    """Makes the simulator of a virtual board, if it is not there yet: minutes, the first time.

    Raises BuildError and DeviceError: a tool is missing, or failed.
    """
    if entry.serial or entry.serial_pty:
        return
    if target.runner.kind == "verilator":
        verilator.build(target.runner.configuration)
    elif target.runner.kind == "rp2040js":
        rp2040js.package()


def open_board(entry: Entry, target: Target, bundle: Bundle, deadlines: Deadlines) -> Device:
    """The device, not loaded yet. bundle: built for the target, which is one of the entry's platforms.

    Raises UsageError when the entry does not say how the board is reached.
    """
    if entry.serial:
        return open_device(target, bundle, entry.serial, entry.baud, deadlines)
    if entry.serial_pty:
        start = functools.partial(pty_program.start, entry.serial_pty, entry.file.parent)
        return SimulatedDevice(start, expected=str(bundle.manifest["version"]), deadlines=deadlines)
    if not is_virtual(target):
        fix = "write serial: /dev/... or serial_pty: COMMAND; 'smidgen boards detect' lists the ports"
        raise UsageError(
            Problem(entry.place, f"'serial' is missing, and '{target.name}' is no simulator", fix)
        )
    return open_device(target, bundle, deadlines=deadlines)
