"""Virtual boards: simulators whose flash outlives them, so that they are flashed as real boards are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from smidgen.compile.bundle import BIN, Bundle
from smidgen.compile.slots import IMAGES
from smidgen.device.base import Device
from smidgen.device.serial_device import Deadlines
from smidgen.device.simulated_device import QemuDevice, SimulatedDevice
from smidgen.device.simulators import nor_board, qemu, stm32_rom
from smidgen.device.simulators.process import Simulator
from smidgen.errors import DeviceError, Problem
from smidgen.paths import state_folder
from smidgen.targets import Memory, Target

# By flashing method: starts the board's boot loader on the flash in a file.
_BOOTLOADERS: dict[str, Callable[[Target, Path], Simulator]] = {
    "smp": nor_board.start,
    "stm32_rom": stm32_rom.start,
}
_ERASED = b"\xff"


def has_virtual_flash(target: Target) -> bool:
    """Whether boards of this target are simulated here and can be flashed."""
    simulated = target.runner.kind not in ("host", "serial")
    return simulated and target.flasher is not None and target.flasher.method in _BOOTLOADERS


class VirtualBoard:
    """A board of a target (see `has_virtual_flash`), not running. name: tells several of one target apart.

    flash: the file with what is in its flash, from the first byte on; a new board's is erased.
    """

    def __init__(self, target: Target, name: str = "") -> None:
        self.target = target
        self.flash = state_folder() / "boards" / (name or target.name) / "flash.bin"

    @property
    def memory(self) -> Memory:
        memory = self.target.image_flash
        assert memory is not None  # the target file was checked
        return memory

    @contextmanager
    def bootloader(self) -> Iterator[Simulator]:
        """The board's boot loader runs. DeviceError when the board is in use."""
        assert self.target.flasher is not None
        start = _BOOTLOADERS[self.target.flasher.method]
        self.flash.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = FileLock(self.flash.parent / "lock").acquire(blocking=False)
        except Timeout:
            what = "another process is flashing this virtual board"
            raise DeviceError(Problem(str(self.flash.parent), what, "try again when it has ended")) from None
        with lock:
            self._complete()
            with start(self.target, self.flash) as simulator:
                yield simulator

    def _complete(self) -> None:
        """What the file has no bytes for yet is erased flash."""
        with self.flash.open("ab") as file:
            file.truncate(min(file.tell(), self.memory.length))
            file.write(_ERASED * (self.memory.length - file.tell()))

    def device(self, bundle: Bundle, deadlines: Deadlines | None = None) -> Device:
        """The board running what is in its flash, not loaded yet.

        DeviceError unless that is the bundle's image, byte for byte.
        """
        held = self.flash.read_bytes() if self.flash.exists() else b""
        if not any(held.startswith(image, at) for at, image in self._places(bundle)):
            state = "holds another image than this bundle's" if held.strip(_ERASED) else "is empty"
            fix = f"smidgen flash -b {bundle.folder} -t {self.target.name}"
            raise DeviceError(Problem(f"virtual board {self.flash.parent.name}", f"its flash {state}", fix))
        assert bundle.elf is not None
        if self.target.bootloader is not None:
            return SimulatedDevice(
                lambda: nor_board.start(self.target, self.flash),
                expected=str(bundle.manifest["version"]),
                deadlines=deadlines or Deadlines(boot=nor_board.BOOT_SECONDS),
            )
        return QemuDevice(
            bundle.elf,
            self.target.runner.machine,
            flashed=qemu.Flashed(self.flash, self.memory.origin),
            expected=str(bundle.manifest["version"]),
            deadlines=deadlines,
        )

    def _places(self, bundle: Bundle) -> list[tuple[int, bytes]]:
        """Where in the flash the bundle's image can lie, and what it is there."""
        if self.target.bootloader is None:
            return [(0, (bundle.folder / BIN).read_bytes())]
        return [
            (slot.origin - self.memory.origin, (bundle.folder / name).read_bytes())
            for slot, name in zip(self.target.slots, IMAGES, strict=True)
        ]
