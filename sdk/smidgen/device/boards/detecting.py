"""Boards that are attached to this machine, as entries of a hardware map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from serial.tools import list_ports

_BY_ID = Path("/dev/serial/by-id")  # names that stay the same when a board is plugged in again
# Twister's runners, by words of what a debug probe calls itself.
_RUNNERS = {"CMSIS-DAP": "pyocd", "J-Link": "jlink", "STLink": "openocd", "STLINK": "openocd"}


def detect() -> list[dict[str, Any]]:
    """An entry for every serial port of a USB device. Nothing is opened or written; what the board is stays
    to be filled in: platform is "unknown", as twister writes it."""
    stable = {str(link.resolve()): str(link) for link in _BY_ID.iterdir()} if _BY_ID.is_dir() else {}
    return [
        {
            "connected": True,
            "id": port.serial_number or port.location or port.device,
            "platform": "unknown",
            "product": port.product or "unknown",
            "runner": _runner(port.product or ""),
            "serial": stable.get(port.device, port.device),
        }
        for port in sorted(list_ports.comports(), key=lambda port: port.device)
        if port.vid is not None
    ]


def to_yaml(entries: list[dict[str, Any]]) -> str:
    return yaml.safe_dump(entries, sort_keys=False) if entries else "[]\n"


def _runner(product: str) -> str:
    return next((runner for word, runner in _RUNNERS.items() if word in product), "unknown")
