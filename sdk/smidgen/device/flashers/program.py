"""A program that the target file names, with its arguments: for boards that no other method knows."""

from __future__ import annotations

from smidgen.compile.bundle import BIN, ELF, HEX, Bundle
from smidgen.device.flashers import Found
from smidgen.device.flashers.choosing import choose_port
from smidgen.device.flashers.external import ExternalFlasher

_PORT = "{port}"
_IMAGES = {"{elf}": ELF, "{bin}": BIN, "{hex}": HEX}


class ProgramFlasher(ExternalFlasher):
    """In the arguments, {elf}, {bin} and {hex} stand for the bundle's images and {port} for the port."""

    def command(self, bundle: Bundle) -> list[str]:
        values = {place: str(bundle.folder / name) for place, name in _IMAGES.items()}
        values[_PORT] = self.port or "PORT"
        return [self.text("command"), *(_filled(one, values) for one in self.texts("arguments"))]

    def probe(self) -> Found:
        if any(_PORT in argument for argument in self.texts("arguments")):
            self.port = choose_port(self.port, self.settings.usb)
        return Found(self.port or "the only board", f"what it is was left to {self.text('command')}")


def _filled(argument: str, values: dict[str, str]) -> str:
    for place, value in values.items():
        argument = argument.replace(place, value)
    return argument


FLASHER = ProgramFlasher
