"""The boot loader in the ROM of an STM32, over its USART (ST's AN3155), by way of stm32loader.

It is used as a library, so that one conversation asks what the chip is and then writes: it can be begun only
once after a reset.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Any

import serial

from smidgen.compile.bundle import BIN, Bundle
from smidgen.device.flashers import Flasher, Found, Track, programs, untracked
from smidgen.device.flashers.choosing import choose_port, serial_ports
from smidgen.errors import DeviceError, Problem

try:
    from termios import error as _TerminalError  # no OSError
except ImportError:  # Windows has none
    _TerminalError = OSError

_PIECE = 256  # bytes, the most that a command writes
_ANSWER_SECONDS = 5.0
_SYNCHRONIZE = b"\x7f"
_PSEUDO_TERMINALS = "/dev/pts/"
_ENTER = "set BOOT0 high, press reset and try again; on a board that wires them, DTR resets and RTS is BOOT0"


class _Line:
    """The serial line as stm32loader uses it. Where it has them, DTR resets the chip and RTS drives BOOT0."""

    def __init__(self, port: str, baud: int) -> None:
        # The loader wants even parity; a pseudo-terminal and a socket have none.
        has_parity = "://" not in port and not os.path.realpath(port).startswith(_PSEUDO_TERMINALS)
        self._serial = serial.serial_for_url(
            port,
            baudrate=baud,
            parity=serial.PARITY_EVEN if has_parity else serial.PARITY_NONE,
            timeout=_ANSWER_SECONDS,
            write_timeout=_ANSWER_SECONDS,
        )

    @property
    def timeout(self) -> float:
        return self._serial.timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._serial.timeout = seconds

    def read(self, count: int = 1) -> bytes:
        """Fewer bytes when the rest does not come in time. The loader notices that of single bytes only."""
        data = self._serial.read(count)
        if len(data) < count != 1:
            raise TimeoutError(f"{len(data)} of {count} bytes came within {self.timeout:g} s")
        return data

    def write(self, data: bytes) -> None:
        self._serial.write(data)

    def flush_input_buffer(self) -> None:
        self._serial.reset_input_buffer()

    def enable_reset(self, enable: bool = True) -> None:
        with contextlib.suppress(OSError):
            self._serial.dtr = enable

    def enable_boot0(self, enable: bool = True) -> None:
        with contextlib.suppress(OSError):
            self._serial.rts = not enable

    def close(self) -> None:
        self._serial.close()


class Stm32RomFlasher(Flasher):
    """Erases the whole flash: the sectors of a chip are no part of the protocol."""

    _line: _Line | None = None
    _loader: Any = None

    def command(self, bundle: Bundle) -> list[str]:
        baud = self.target.serial.baud if self.target.serial else 115200
        address = hex(self._flash_origin)
        return [
            "stm32loader", "--port", self.port or "PORT", "--baud", str(baud), "--family", self._family,
            "--erase", "--write", "--verify", "--address", address, "--go-address", address,
            str(bundle.folder / BIN),
        ]  # fmt: skip

    def probe(self) -> Found:
        try:
            from stm32loader.bootloader import CHIP_IDS, Stm32Bootloader
        except ImportError:
            fix = programs.install_hint("stm32loader")
            raise DeviceError(Problem("stm32loader", "this Python package is not installed", fix)) from None
        self.port = choose_port(self.port, self.settings.usb)
        with self._spoken("looking for the boot ROM", _ENTER):
            try:
                self._line = _Line(self.port, self.target.serial.baud if self.target.serial else 115200)
            except (OSError, ValueError) as error:
                seen = ", ".join(map(str, serial_ports(()))) or "none"
                problem = Problem(f"port {self.port}", f"cannot be opened: {error}", f"ports seen: {seen}")
                raise DeviceError(problem) from None
            self._loader = Stm32Bootloader(self._line, device_family=self._family, verbosity=0)
            self._begin()
            number = self._loader.get_id()
        name = f"chip {number:#x}, {CHIP_IDS.get(number, 'unknown')}"
        chip_id = self.settings.chip_id
        if chip_id is not None and number != chip_id.value:
            what = f"is {name}; the target '{self.target.name}' has chip {chip_id.value:#x}"
            fix = "nothing was written; choose another port, or the target of this board"
            raise DeviceError(Problem(f"board on {self.port}", what, fix))
        return Found(self.port, name)

    def _begin(self) -> None:
        """Resets the chip, where the line can, and asks for the list of commands."""
        assert self._line is not None
        self._loader.reset_from_system_memory()
        try:
            self._loader.get()
        except OSError:
            # When the answer to the synchronizing byte comes late, the loader has sent another one, which the
            # chip takes as half a command: one more byte completes it.
            self._line.write(_SYNCHRONIZE)
            self._line.read()
            self._line.flush_input_buffer()
            self._loader.get()

    def flash(self, bundle: Bundle, track: Track = untracked) -> None:
        image = (bundle.folder / BIN).read_bytes()
        pieces = range(0, len(image), _PIECE)
        again = "the board now holds a part of the image: flash it again"
        with self._spoken("erasing", again):
            self._loader.erase_memory()
        with self._spoken("writing", again):
            for at in pieces:
                self._loader.write_memory(self._flash_origin + at, image[at : at + _PIECE])
                track(min(at + _PIECE, len(image)), len(image))
        with self._spoken("reading back", again):
            for at in pieces:
                piece = image[at : at + _PIECE]
                if bytes(self._loader.read_memory(self._flash_origin + at, len(piece))) != piece:
                    what = f"the flash differs from the image within {len(piece)} bytes from {at:#x} on"
                    raise DeviceError(Problem("reading back", what, again))
        with self._spoken("starting the firmware", "reset the board with BOOT0 low"):
            self._loader.go(self._flash_origin)
            self._loader.reset_from_flash()

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line = self._loader = None

    @property
    def _family(self) -> str:
        return self.text("family")

    @property
    def _flash_origin(self) -> int:
        flash = self.target.memory_of_kind("flash")
        assert flash is not None  # the target file was checked
        return flash.origin

    @contextlib.contextmanager
    def _spoken(self, stage: str, fix: str) -> Iterator[None]:
        """Whatever goes wrong in a conversation becomes one error; what stm32loader prints goes nowhere."""
        from stm32loader.bootloader import Stm32LoaderError

        try:
            with contextlib.redirect_stderr(io.StringIO()):
                yield
        except (Stm32LoaderError, OSError, IndexError, _TerminalError) as error:
            raise DeviceError(
                Problem(f"{stage}, port {self.port}", str(error) or "no answer", fix)
            ) from error


FLASHER = Stm32RomFlasher
