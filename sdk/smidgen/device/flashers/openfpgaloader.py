"""openFPGALoader: the bitstream into the SPI flash that an FPGA starts from."""

from __future__ import annotations

import re

from smidgen.compile.bundle import Bundle
from smidgen.device.flashers import Found, programs
from smidgen.device.flashers.choosing import refuse_several_probes
from smidgen.device.flashers.external import ExternalFlasher

_IDENTITY = re.compile(r"^\s*idcode\s+0x([0-9a-f]+)\s*$", re.MULTILINE)
_MODEL = re.compile(r"^\s*model\s+(\S+)\s*$", re.MULTILINE)
# The upper four bits are a version, which not all releases of openFPGALoader show.
_PART_BITS = 0x0FFF_FFFF


class OpenfpgaloaderFlasher(ExternalFlasher):
    """board: a name of `openFPGALoader --list-boards`; chip_id: the FPGA's JTAG identity, without version."""

    chosen_by = "probe"

    def command(self, bundle: Bundle) -> list[str]:
        return self._loader("--write-flash", "--verify", str(self.image(bundle)))

    def probe(self) -> Found:
        if not self.probe_id:
            refuse_several_probes(self.settings.usb)
        place = self.probe_id or "the only probe"
        answer = programs.run(self._loader("--detect"), "asking the FPGA what it is", programs.PROBE_SECONDS)
        identity, model = _IDENTITY.search(answer), _MODEL.search(answer)
        if identity is None:
            self.refuse(place, f"does not show an FPGA: {answer.strip() or 'no answer'}")
        chip = self.check_chip(place, int(identity[1], 16) & _PART_BITS)
        return Found(place, f"{model[1]}, {chip}" if model else chip)

    def _loader(self, *arguments: str) -> list[str]:
        chosen = ("--ftdi-serial", self.probe_id) if self.probe_id else ()
        return ["openFPGALoader", "--board", self.text("board"), *chosen, *arguments]


FLASHER = OpenfpgaloaderFlasher
