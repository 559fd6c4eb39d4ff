"""Byte streams to a device: real serial ports, pseudo-terminals, and URLs such as `socket://host:port`."""

from __future__ import annotations

import contextlib
import time

import serial
from serial.tools import list_ports

from smidgen.errors import DeviceError, Problem

_WRITE_SECONDS = 10.0
_SLICE_SECONDS = 0.05


class PortClosed(Exception):
    """The other end is gone, or the port failed; the text says how."""


class Port:
    """An open byte stream. `bits_per_second` says how long bytes take; a socket's are free."""

    def __init__(self, url: str, baud: int = 115200) -> None:
        """Opens the port. DeviceError when that fails, with the ports that exist."""
        self.url = url
        self.bits_per_second = baud if "://" not in url else 0
        # A pseudo-terminal refuses RTS and DTR; pyserial ignores that when it opens one, and nothing here
        # touches the two lines afterwards.
        options = {} if "://" in url else {"exclusive": True}
        try:
            self._serial = serial.serial_for_url(
                url, baudrate=baud, timeout=_SLICE_SECONDS, write_timeout=_WRITE_SECONDS, **options
            )
        except (serial.SerialException, OSError, ValueError) as error:
            known = ", ".join(port.device for port in list_ports.comports()) or "none"
            raise DeviceError(
                Problem(f"port {url}", f"cannot be opened: {error}", f"serial ports of this machine: {known}")
            ) from error

    def write(self, data: bytes) -> None:
        """Sends all of it. PortClosed when that is impossible."""
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise PortClosed(str(error)) from error

    def read(self, seconds: float) -> bytes:
        """What has arrived, as soon as there is anything; b"" when nothing comes for that long."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                data = self._serial.read(max(1, self._serial.in_waiting))
                if data or time.monotonic() >= deadline:
                    return data
        except (serial.SerialException, OSError, TypeError) as error:
            # TypeError: pyserial's read on a port that another thread has closed.
            raise PortClosed(str(error)) from error

    def drain(self) -> None:
        """Drops bytes that arrived before: a boot message, or the end of an earlier conversation."""
        with contextlib.suppress(serial.SerialException, OSError):
            self._serial.reset_input_buffer()

    def close(self) -> None:
        with contextlib.suppress(serial.SerialException, OSError):
            self._serial.close()
