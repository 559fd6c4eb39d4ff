"""Byte streams to a device: real serial ports, pseudo-terminals, and URLs such as `socket://host:port`."""

from __future__ import annotations

import contextlib
import io
import os
import select
import time

import serial
from serial.tools import list_ports

from smidgen.device.transcript import Transcript
from smidgen.errors import DeviceError, Problem

_WRITE_SECONDS = 10.0
_PIECE = 4096
_SLICE_SECONDS = 0.05  # how often a port that cannot be waited for is looked at
_DRAINED_PIECES = 16  # a device that never stops talking must not keep us


def select_works_on_ports() -> bool:
    """On Windows it waits for sockets only."""
    return os.name == "posix"


class PortClosed(Exception):
    """The other end is gone, or the port failed; the text says how."""


class Port:
    """An open byte stream. `bits_per_second` says how long bytes take; a socket's are free."""

    def __init__(self, url: str, baud: int = 115200, transcript: Transcript | None = None) -> None:
        """Opens the port. DeviceError when that fails, with the ports that exist.

        transcript: told all that is sent and received.
        """
        self.url = url
        self._transcript = transcript or Transcript()
        self.bits_per_second = baud if "://" not in url else 0
        # A pseudo-terminal refuses RTS and DTR; pyserial ignores that when it opens one, and nothing here
        # touches the two lines afterwards.
        options = {} if "://" in url else {"exclusive": True}
        try:
            self._serial = serial.serial_for_url(
                url, baudrate=baud, timeout=0, write_timeout=_WRITE_SECONDS, **options
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
            self._transcript.sent(data)
        except (serial.SerialException, OSError) as error:
            raise PortClosed(str(error)) from error

    def read(self, seconds: float) -> bytes:
        """What has arrived, as soon as there is anything; b"" when nothing comes for that long."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                data = self._read_available(max(0.0, deadline - time.monotonic()))
                if data or time.monotonic() >= deadline:
                    return data
        except (serial.SerialException, OSError, TypeError) as error:
            # TypeError: pyserial's answer to a port that another thread has closed.
            raise PortClosed(str(error)) from error

    def _read_available(self, seconds: float) -> bytes:
        descriptor = self._descriptor()
        if descriptor is None:
            self._serial.timeout = min(seconds, _SLICE_SECONDS)
            data = self._serial.read(max(1, self._serial.in_waiting))
        else:
            ready, _, _ = select.select([descriptor], [], [], seconds)
            self._serial.timeout = 0
            data = self._serial.read(_PIECE) if ready else b""
        self._transcript.received(data)
        return data

    def _descriptor(self) -> int | None:
        """What `select` can wait for, where the port has that."""
        try:
            return self._serial.fileno() if select_works_on_ports() else None
        except (AttributeError, io.UnsupportedOperation):
            return None

    def drain(self) -> None:
        """Drops bytes that arrived before: a boot message, or the end of an earlier conversation."""
        with contextlib.suppress(serial.SerialException, OSError, TypeError):
            for _ in range(_DRAINED_PIECES):
                if not self._read_available(0):
                    return
            self._serial.reset_input_buffer()

    def close(self) -> None:
        with contextlib.suppress(serial.SerialException, OSError):
            self._serial.close()
