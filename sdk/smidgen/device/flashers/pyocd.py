"""pyOCD: CMSIS-DAP, ST-Link and J-Link probes."""

from __future__ import annotations

import json
import re

from smidgen.compile.bundle import HEX, Bundle
from smidgen.device.flashers import Found, programs
from smidgen.device.flashers.choosing import Seen, choose
from smidgen.device.flashers.external import ExternalFlasher
from smidgen.errors import DeviceError, Problem

_ANY_CHIP = "cortex_m"  # what pyOCD says of a probe that is not part of a board
_WORD = re.compile(r"^([0-9a-f]{8}):\s+([0-9a-f]{8})\b", re.MULTILINE)


class PyocdFlasher(ExternalFlasher):
    """The target file's `target` is one of `pyocd list --targets`."""

    chosen_by = "probe"

    def command(self, bundle: Bundle) -> list[str]:
        return ["pyocd", "load", *self._connection(), str(bundle.folder / HEX)]

    def probe(self) -> Found:
        boards = self._boards()
        fix = "connect the board, or choose with --probe"
        self.probe_id = choose(self.probe_id, [seen for seen, _ in boards], "probe", fix)
        known_target = next(target for seen, target in boards if seen.name == self.probe_id)
        if known_target not in (_ANY_CHIP, self._target):
            self.refuse(self.probe_id, f"holds a '{known_target}', not a '{self._target}'")
        return Found(self.probe_id, self.check_chip(self.probe_id, self._identity()))

    def _boards(self) -> list[tuple[Seen, str]]:
        """The probes that pyOCD sees, and the chip that it knows each to be on a board with."""
        answer = programs.run(["pyocd", "json", "--probes"], "looking for probes", programs.PROBE_SECONDS)
        try:
            # Warnings may come first.
            boards = json.loads(answer[answer.index("{") :])["boards"]
            return [
                (
                    Seen(one["unique_id"], one["info"], one["target"] in (_ANY_CHIP, self._target)),
                    one["target"],
                )
                for one in boards
            ]
        except (ValueError, KeyError, TypeError) as error:
            problem = Problem("looking for probes", f"pyocd answered something else than expected: {error}")
            raise DeviceError(problem) from None

    def _identity(self) -> int | None:
        chip_id = self.settings.chip_id
        if chip_id is None:
            return None
        command = ["pyocd", "commander", *self._connection(), "--connect", "attach"]
        command += ["--command", f"read32 {chip_id.register:#x}"]
        answer = programs.run(command, "asking the chip what it is", programs.PROBE_SECONDS)
        words = {int(address, 16): int(word, 16) for address, word in _WORD.findall(answer)}
        return words.get(chip_id.register or 0)

    def _connection(self) -> list[str]:
        return ["--no-wait", "--target", self._target, "--probe", self.probe_id or "PROBE"]

    @property
    def _target(self) -> str:
        return self.text("target")


FLASHER = PyocdFlasher
