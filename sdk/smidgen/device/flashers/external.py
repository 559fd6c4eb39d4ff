"""What flashers that call a program of others have in common."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from smidgen.compile.bundle import BIN, BITSTREAM, Bundle
from smidgen.device.flashers import Flasher, Track, programs, untracked
from smidgen.errors import DeviceError, Problem, UsageError


class ExternalFlasher(Flasher):
    """`flash` runs the command that `command` gives, which also verifies what it wrote."""

    def image(self, bundle: Bundle) -> Path:
        """The file that is written as it is. UsageError: a bundle for an FPGA has none."""
        if self.target.fpga is None:
            return bundle.folder / BIN
        if BITSTREAM not in bundle.manifest["files"]:
            fix = "build it again, without --no-bitstream"
            raise UsageError(Problem(str(bundle.folder), f"holds no {BITSTREAM}", fix))
        return bundle.folder / BITSTREAM

    def flash(self, bundle: Bundle, track: Track = untracked) -> None:
        command = self.command(bundle)
        assert command is not None
        self.check_output(programs.run(command, f"flashing {self.target.name}"))

    def check_output(self, output: str) -> None:
        """DeviceError when the program says that it failed and yet ends as if it had not."""

    def check_chip(self, place: str, word: int | None) -> str:
        """What the chip is, in words; word: what its identity register holds, None when it was not read.

        DeviceError when that is not the target's.
        """
        chip_id = self.settings.chip_id
        if chip_id is None:
            return "its chip was not asked: the target file has no chip_id"
        if word is None:
            self.refuse(place, f"does not show its identity register, {chip_id.register:#x}")
        if word & chip_id.mask != chip_id.value:
            self.refuse(place, f"is chip {word & chip_id.mask:#x}; the target has chip {chip_id.value:#x}")
        return f"chip {chip_id.value:#x}"

    def refuse(self, place: str, what: str) -> NoReturn:
        """The board there is not the target's."""
        fix = "nothing was written; choose another board, or the target of this one"
        raise DeviceError(Problem(f"board on {place}, for target '{self.target.name}'", what, fix))
