"""A program that the target file names, with its arguments: for boards that no other method knows."""

from __future__ import annotations

from smidgen.compile.bundle import BIN, ELF, HEX, Bundle
from smidgen.device.flashers import Flasher, Found, Track, programs, untracked
from smidgen.device.flashers.choosing import choose_port


class ProgramFlasher(Flasher):
    """In the arguments, {elf}, {bin} and {hex} stand for the bundle's images and {port} for the port."""

    def command(self, bundle: Bundle) -> list[str]:
        images = {"elf": ELF, "bin": BIN, "hex": HEX}
        values = {name: str(bundle.folder / file) for name, file in images.items()}
        values["port"] = self.port or "PORT"
        arguments = self.settings.options["arguments"]
        assert isinstance(arguments, tuple)
        filled = []
        for argument in arguments:
            for name, value in values.items():
                argument = argument.replace(f"{{{name}}}", value)
            filled.append(argument)
        return [str(self.settings.options["command"]), *filled]

    def probe(self) -> Found:
        if any("{port}" in str(argument) for argument in self.settings.options["arguments"]):  # type: ignore[union-attr]
            self.port = choose_port(self.port, self.settings.usb)
        return Found(self.port, "not asked: its program identifies it")

    def flash(self, bundle: Bundle, track: Track = untracked) -> None:
        programs.run(self.command(bundle), f"flashing {self.target.name}")


FLASHER = ProgramFlasher
