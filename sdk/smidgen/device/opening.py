"""From a target and a bundle to the device that runs it."""

from __future__ import annotations

from smidgen.compile.bundle import Bundle
from smidgen.device.base import Device
from smidgen.errors import Problem, UsageError
from smidgen.targets import Target


def open_device(target: Target, bundle: Bundle, port: str | None = None) -> Device:
    """The device of this target, not loaded yet: use it in a `with` statement.

    bundle: built for this target; port: of a board that serves it, instead of what the target file says.
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
        from smidgen.device.simulated_device import MidgeDevice, QemuDevice, Rp2040Device

        if bundle.elf is None:
            fix = f"build it with -t {target.name}"
            raise UsageError(Problem(str(bundle.folder), "the bundle holds no firmware image", fix))
        if target.runner.kind == "verilator":
            return MidgeDevice(bundle.elf, target.runner.configuration, expected=version)
        if target.runner.kind == "rp2040js":
            return Rp2040Device(bundle.elf, expected=version)
        return QemuDevice(bundle.elf, target.runner.machine, expected=version)
    from smidgen.device.serial_device import SerialDevice

    serial = target.serial
    url = port or (serial.port if serial else "")
    if not url:
        fix = "give one with --port, or write it into the target file: [serial] port = ..."
        raise UsageError(Problem(f"target '{target.name}'", "no serial port is known", fix))
    return SerialDevice(url, baud=serial.baud if serial else 115200, expected=version)
