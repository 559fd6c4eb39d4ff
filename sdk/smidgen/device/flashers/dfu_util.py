"""dfu-util: boards that show themselves as USB devices for firmware updates (DFU), among them ST's."""

from __future__ import annotations

import re

from smidgen.compile.bundle import Bundle
from smidgen.device.flashers import Found, programs
from smidgen.device.flashers.choosing import Seen, choose
from smidgen.device.flashers.external import ExternalFlasher

_DEVICE = re.compile(
    r"^Found DFU: \[([0-9a-f]{4}:[0-9a-f]{4})\].*?alt=(\d+), name=\"(.*?)\", serial=\"(.*?)\"", re.MULTILINE
)


class DfuUtilFlasher(ExternalFlasher):
    """device: "vvvv:pppp"; alternate: number of the setting that stands for the flash; memory: text that this
    setting's name holds on such a board, with ST's the layout of the flash; address: where to write, in ST's
    extension of DFU."""

    chosen_by = "probe"

    def command(self, bundle: Bundle) -> list[str]:
        address = self.number("address")
        end = ["--dfuse-address", f"{address:#x}:leave"] if address else ["--reset"]
        return [
            "dfu-util", "--device", self.text("device"), "--alt", self.text("alternate"),
            "--serial", self.probe_id or "PROBE", *end, "--download", str(self.image(bundle)),
        ]  # fmt: skip

    def probe(self) -> Found:
        answer = programs.run(["dfu-util", "--list"], "looking for DFU devices", programs.PROBE_SECONDS)
        flashes = [
            (Seen(serial, f"{device}, {name}", device == self.text("device")), name)
            for device, alternate, name, serial in _DEVICE.findall(answer)
            if int(alternate) == self.number("alternate")
        ]
        fix = "connect the board and bring it into its DFU boot loader"
        self.probe_id = choose(self.probe_id, [seen for seen, _ in flashes], "probe", fix)
        seen, name = next(one for one in flashes if one[0].name == self.probe_id)
        if not seen.matches or self.text("memory") not in name:
            self.refuse(
                self.probe_id,
                f"is {seen.description}; the target is {self.text('device')}, {self.text('memory')}",
            )
        return Found(self.probe_id, name)


FLASHER = DfuUtilFlasher
