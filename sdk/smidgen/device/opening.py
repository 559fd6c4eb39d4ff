"""From a target and a bundle to the device that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smidgen.compile.bundle import Bundle
from smidgen.device.base import Device
from smidgen.errors import Problem, UsageError
from smidgen.targets import Target

if TYPE_CHECKING:
    from smidgen.device.serial_device import Deadlines


def open_device(
    target: Target,
    bundle: Bundle,
    port: str | None = None,
    baud: int | None = None,
    deadlines: Deadlines | None = None,
) -> Device:
    """The device of this target, not loaded yet: use it in a `with` statement.

    bundle: built for this target; port and baud: of a board that serves it, instead of what the target file
    says; deadlines: of everything but the target 'host', which has no stages that can hang.
    Raises UsageError when the bundle holds nothing for this target, or no port is known.
    """
    # Each kind needs its own libraries, so only the one that is wanted is imported.
    version = str(bundle.manifest["version"])
    if target.runner.kind == "host":
        if port is not None:
            fix = "choose a board's target, or leave --port out"
            raise UsageError(Problem(f"port {port}", "the target 'host' runs here, not behind a port", fix))
        from smidgen.device.host import HostDevice

        return HostDevice(bundle)
    if port is None and target.runner.kind != "serial":
        from smidgen.device.simulated_device import MidgeDevice, QemuDevice, Rp2040Device, SimulatedDevice

        if bundle.elf is None:
            fix = f"build it with -t {target.name}"
            raise UsageError(Problem(str(bundle.folder), "the bundle holds no firmware image", fix))
        if target.runner.kind == "verilator":
            if target.bootloader is not None:
                from smidgen.compile.slots import FLASH
                from smidgen.device.serial_device import Deadlines
                from smidgen.device.simulators import nor_board

                # All of the flash, as it is after an update.
                return SimulatedDevice(
                    lambda: nor_board.start_copy(target, bundle.folder / FLASH),
                    expected=version,
                    deadlines=deadlines or Deadlines(boot=nor_board.BOOT_SECONDS),
                )
            return MidgeDevice(bundle.elf, target.runner.configuration, expected=version, deadlines=deadlines)
        if target.runner.kind == "rp2040js":
            return Rp2040Device(bundle.elf, expected=version, deadlines=deadlines)
        return QemuDevice(bundle.elf, target.runner.machine, expected=version, deadlines=deadlines)
    from smidgen.device.serial_device import SerialDevice

    serial = target.serial
    url = port or (serial.port if serial else "")
    if not url:
        fix = "give one with --port, or write it into the target file: [serial] port = ..."
        raise UsageError(Problem(f"target '{target.name}'", "no serial port is known", fix))
    bits_per_second = baud or (serial.baud if serial else 115200)
    return SerialDevice(url, baud=bits_per_second, expected=version, deadlines=deadlines)


def open_flashed_device(
    target: Target, bundle: Bundle, port: str | None = None, deadlines: Deadlines | None = None
) -> Device:
    """The device of this target that holds the bundle already, not loaded yet.

    A simulator whose target has no flash that outlives it takes the image from the bundle. Raises as
    `open_device`, and DeviceError when a virtual board's flash holds something else.
    """
    from smidgen.device.virtual_board import VirtualBoard, has_virtual_flash

    if port is not None or not has_virtual_flash(target):
        return open_device(target, bundle, port, deadlines=deadlines)
    return VirtualBoard(target).device(bundle, deadlines)
