"""esptool: the boot loader in the ROM of Espressif's chips, over a serial port."""

from __future__ import annotations

import re

from smidgen.compile.bundle import BIN, Bundle
from smidgen.device.flashers import Found, programs
from smidgen.device.flashers.choosing import choose_port
from smidgen.device.flashers.external import ExternalFlasher

_CHIP = re.compile(r"^Chip type:\s*(.+)$", re.MULTILINE)


class EsptoolFlasher(ExternalFlasher):
    """Every call says which chip it is for, and esptool refuses another one."""

    def command(self, bundle: Bundle) -> list[str]:
        return self._esptool("write-flash", hex(self.number("offset")), str(bundle.folder / BIN))

    def probe(self) -> Found:
        self.port = choose_port(self.port, self.settings.usb)
        answer = programs.run(
            self._esptool("chip-id"), f"asking the chip on {self.port} what it is", programs.PROBE_SECONDS
        )
        found = _CHIP.search(answer)
        return Found(self.port, found[1].strip() if found else self.text("chip"))

    def _esptool(self, *arguments: str) -> list[str]:
        return [
            "esptool",
            "--chip",
            self.text("chip"),
            "--port",
            self.port or "PORT",
            *arguments,
        ]


FLASHER = EsptoolFlasher
