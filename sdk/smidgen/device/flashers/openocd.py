"""OpenOCD, with the configuration files that the target file names."""

from __future__ import annotations

import re

from smidgen.compile.bundle import ELF, Bundle
from smidgen.device.flashers import Found, programs
from smidgen.device.flashers.choosing import refuse_several_probes
from smidgen.device.flashers.external import ExternalFlasher

_WORD = re.compile(r"^0x([0-9a-f]{8}): ([0-9a-f]{8})\b", re.MULTILINE)


class OpenocdFlasher(ExternalFlasher):
    """`config`: files as OpenOCD's -f takes them. Without --probe OpenOCD takes the only probe there is."""

    chosen_by = "probe"

    def command(self, bundle: Bundle) -> list[str]:
        # Braces keep Tcl from looking into the path.
        return self._openocd(f"program {{{bundle.folder / ELF}}} verify reset exit")

    def probe(self) -> Found:
        if not self.probe_id:
            refuse_several_probes(self.settings.usb)
        place = self.probe_id or "the only probe"
        chip_id = self.settings.chip_id
        if chip_id is None:
            return Found(place, self.check_chip(place, None))
        command = self._openocd("init", f"mdw {chip_id.register:#x}", "shutdown")
        answer = programs.run(command, "asking the chip what it is", programs.PROBE_SECONDS)
        words = {int(address, 16): int(word, 16) for address, word in _WORD.findall(answer)}
        return Found(place, self.check_chip(place, words.get(chip_id.register or 0)))

    def _openocd(self, *commands: str) -> list[str]:
        chosen = (f"adapter serial {{{self.probe_id}}}",) if self.probe_id else ()
        files = [part for file in self.texts("config") for part in ("--file", file)]
        return ["openocd", *files, *(part for text in (*chosen, *commands) for part in ("--command", text))]


FLASHER = OpenocdFlasher
