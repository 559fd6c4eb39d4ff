"""Simulated boards with our boot loader, whose images are firmware/tiny_image.c, and updates of them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import nor
from smp import image_management, message, os_management, packet

from smidgen.compile import slots
from smidgen.compile.memory_map import (
    LAYOUT_HEADER,
    board_class,
    code_regions,
    layout_header,
    memory_script,
    region,
)
from smidgen.compile.runtime import board, runtime
from smidgen.device.simulators import nor_board, verilator
from smidgen.paths import data_folder
from smidgen.targets import Target, load_target
from smidgen.targets.types import STORAGE
from smidgen.toolchains import find_compiler

OLD, NEW = 11, 22  # what an image ends the simulator with
BALLAST = 600
TRIAL_SECONDS = 0.1
# After a reset the UART has forgotten what waited in it.
PADDING = b"\n" * 64
SECONDS = 600


def quick_target(folder: Path, name: str, changes: Mapping[str, str] | None = None) -> Target:
    """A target of the package with a short trial, and with other texts in it."""
    text = (data_folder("targets") / f"{name}.toml").read_text()
    for old, new in {"trial_seconds = 10": f"trial_seconds = {TRIAL_SECONDS}", **(changes or {})}.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return load_target(path)


def build_image(folder: Path, target: Target, slot: int, number: int, *flags: str) -> bytes:
    """firmware/tiny_image.c as an image for a slot."""
    assert target.board is not None and target.bootloader is not None
    platform = board(target.board)
    (folder / LAYOUT_HEADER).write_text(layout_header(target))
    (folder / "memory.ld").write_text(memory_script(code_regions(target)[slot], region(target, "ram")))
    sources = [nor.FIRMWARE / "tiny_image.c", *platform.sources, *platform.update_sources]
    sources += [data_folder("firmware") / "runtime" / name for name in ("mem.c", "decimal.c")]
    include = [folder, *platform.include, target.board.folder.parent, *runtime().include]
    elf, plain, image = (folder / f"{number}{suffix}" for suffix in (".elf", ".plain", ".image"))
    command = [target.toolchain.compiler, *target.toolchain.flags, *runtime().cflags, *platform.ldflags]
    command += [f"-DTINY_NUMBER={number}", f"-DTINY_BALLAST={BALLAST}", "-DSMIDGEN_UPDATE", *flags]
    command += [f"-L{folder}", f"-Wl,-T,{platform.linker_script}", "-Wl,--defsym=__arena_bytes=0"]
    command += ["-Wl,--defsym=__stack_bytes=1024", *(f"-I{path}" for path in include), *map(str, sources)]
    subprocess.run([*command, "-lgcc", "-o", str(elf)], check=True)
    objcopy = find_compiler(target.toolchain.compiler).tool("objcopy")
    subprocess.run([objcopy, "-O", "binary", elf, plain], check=True)
    slots.sign(plain, image, str(board_class(target)), target.slots[slot], target.bootloader.block_bytes)
    return image.read_bytes()


def new_board(target: Target, image: bytes) -> bytes:
    """A flash with a confirmed image in slot 0, and the boot loader where that lies in it."""
    flash, slot = target.image_flash, target.slots[0]
    assert flash is not None
    contents = bytearray(b"\xff" * flash.length)
    if flash.kind != STORAGE:
        folder = slots.build_bootloader(target, find_compiler(target.toolchain.compiler))
        bootloader = (folder / "bootloader.bin").read_bytes()
        contents[: len(bootloader)] = bootloader
    confirmed = b"\x01" + b"\xff" * 7 + bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
    for at, data in ((slot.origin, image), (slot.end - len(confirmed), confirmed)):
        contents[at - flash.origin : at - flash.origin + len(data)] = data
    return bytes(contents)


def update_script(image: bytes) -> bytes:
    """What a host sends to update a board that runs: to the boot loader, upload, try it, ask which runs."""
    pieces = [image[at : at + 480] for at in range(0, len(image), 480)]
    requests: list[message.Request] = []
    for index, piece in enumerate(pieces):
        length = {"len": len(image)} if index == 0 else {}
        requests.append(image_management.ImageUploadWriteRequest(off=480 * index, data=piece, **length))
    # The SHA-256 is the last entry of the table at the image's end.
    requests.append(image_management.ImageStatesWriteRequest(hash=image[-32:], confirm=False))
    requests.append(os_management.ResetWriteRequest())
    frames = b"".join(b"".join(packet.encode(bytes(request))) for request in requests)
    return b"u" + PADDING + frames + PADDING + b"q"


class Board:
    """A simulated board whose flash is a file."""

    def __init__(self, target: Target, flash: Path) -> None:
        self._command = [str(verilator.build(target.runner.configuration)), "--flash", str(flash)]
        bootloader = nor_board.program(target)
        if bootloader is not None:
            self._command += ["--image", str(bootloader)]
        self.flash, self.target = flash, target

    def run(self, script: bytes, *options: str) -> int:
        command = [*self._command, *options]
        result = subprocess.run(command, input=script, capture_output=True, timeout=SECONDS, check=False)
        return result.returncode

    def running(self) -> int:
        """The number of the image that starts when the power comes."""
        return self.run(PADDING + b"q")
