"""Images for the flash of the host's model, made by imgtool, and the program that cuts the power."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

from smidgen.compile import slots
from smidgen.paths import data_folder
from smidgen.targets import Memory

FIRMWARE = Path(__file__).parent / "firmware"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
# As firmware/host/update_layout.h has them.
SLOTS = (Memory("slot 0", 0x400, 0x1000, "flash"), Memory("slot 1", 0x1800, 0x1000, "flash"))
CLASS = "534d4944-4745-4e20-626f-6f7474657374"
BLOCK = 256


def make_image(folder: Path, name: str, slot: int, size: int) -> Path:
    """An image of `size` random bytes for a slot; its file name ends with the slot's number."""
    plain, image = folder / f"{name}.plain", folder / f"{name}.{slot}"
    plain.write_bytes(random.Random(name).randbytes(size))
    slots.sign(plain, image, CLASS, SLOTS[slot], BLOCK)
    return image


UPLOAD = ("runtime/upload.c", "runtime/cbor.c")


def build(folder: Path, main: str, flags: tuple[str, ...] = SANITIZERS, more: tuple[str, ...] = ()) -> Path:
    """A program of tests/boot/firmware with the code of slots and images, and the model of the flash.

    more: further sources, below firmware/.
    """
    firmware, program = data_folder("firmware"), folder / Path(main).stem
    sources = [FIRMWARE / main, FIRMWARE / "nor_model.c", *(firmware / path for path in more)]
    sources += [firmware / "runtime" / f"{name}.c" for name in ("slots", "image")]
    sources += [firmware / "bootloader" / f"{name}.c" for name in ("verify", "sha256")]
    include = [
        FIRMWARE,
        FIRMWARE / "host",
        *(firmware / name for name in ("runtime", "bootloader", "boards", "boards/host")),
    ]
    command = ["gcc", "-std=c99", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-DSMIDGEN_UPDATE", *flags]
    command += [*(f"-I{path}" for path in include), *map(str, sources), "-o", str(program)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return program


def build_bootloader(folder: Path) -> Path:
    """The boot loader as a program that serves its standard input and output (firmware/host_bootloader.c)."""
    runtime = tuple(f"runtime/{name}.c" for name in ("smp", "link", "codec"))
    return build(
        folder, "host_bootloader.c", more=("bootloader/main.c", "boards/host/board.c", *runtime, *UPLOAD)
    )
