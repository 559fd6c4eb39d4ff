"""The simulated Midge with NOR flash: the power fails around and inside every operation of an update."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from itertools import cycle
from pathlib import Path

import nor
import pytest
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
from smidgen.device.simulators import verilator
from smidgen.paths import data_folder
from smidgen.targets import Target, load_target
from smidgen.toolchains import find_compiler

pytest.importorskip("imgtool", reason="imgtool, which makes the images, is not installed")

OLD, NEW = 11, 22  # what an image ends the simulator with
BALLAST = 1500
# After a reset the UART has forgotten what waited in it.
PADDING = b"\n" * 64
SECONDS = 600


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    """midge-nor with little flash, so that the file of it is small, and a short trial."""
    text = (data_folder("targets") / "midge-nor.toml").read_text()
    path = tmp_path_factory.mktemp("target") / "midge-nor.toml"
    path.write_text(text.replace("trial_seconds = 10", "trial_seconds = 1"))
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
    """A flash with the boot loader and a confirmed image in slot 0."""
    flash, slot = target.memory_of_kind("flash"), target.slots[0]
    assert flash is not None
    folder = slots.build_bootloader(target, find_compiler(target.toolchain.compiler))
    contents = bytearray(b"\xff" * flash.length)
    confirmed = b"\x01" + b"\xff" * 7 + bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
    for at, data in ((0, (folder / "bootloader.bin").read_bytes()), (slot.origin, image)):
        contents[at : at + len(data)] = data
    contents[slot.end - len(confirmed) : slot.end] = confirmed
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
        self._program = verilator.build(target.runner.configuration)
        self.flash = flash

    def run(self, script: bytes, *options: str) -> int:
        command = [str(self._program), "--flash", str(self.flash), *options]
        result = subprocess.run(command, input=script, capture_output=True, timeout=SECONDS, check=False)
        return result.returncode

    def running(self) -> int:
        """The number of the image that starts when the power comes."""
        return self.run(PADDING + b"q")


@pytest.mark.slow
def test_a_cut_in_any_operation_leaves_the_old_or_the_new_image(tmp_path: Path, target: Target) -> None:
    old, new = (build_image(tmp_path, target, slot, number) for slot, number in ((0, OLD), (1, NEW)))
    fresh, script = new_board(target, old), update_script(new)
    board_ = Board(target, tmp_path / "flash.bin")
    board_.flash.write_bytes(fresh)
    stats = tmp_path / "stats.json"
    assert board_.run(script, "--stats", str(stats)) == NEW
    operations = json.loads(stats.read_text())["flash_operations"]
    started: Counter[int] = Counter()
    # The kinds of cuts by turns; test_power_cuts.py has them all, on the host.
    for operation, when in zip(range(1, operations + 1), cycle(("before", "inside", "after")), strict=False):
        board_.flash.write_bytes(fresh)
        case = f"--power-cut {operation}:{when} of {operations}"
        assert board_.run(script, "--power-cut", f"{operation}:{when}") == verilator.POWER_CUT, case
        image = board_.running()
        started[image] += 1
        assert image in (OLD, NEW), f"{case}: the board ended with {image}"
        if when == "inside" and image == OLD:  # and it can be updated again
            assert board_.run(script) == NEW, case
    print(f"{operations} operations, as many cuts: old {started[OLD]}, new {started[NEW]}")
    assert operations >= 10 and started[OLD] > started[NEW] > 0


@pytest.mark.slow
def test_the_watchdog_brings_the_old_image_back(tmp_path: Path, target: Target) -> None:
    old = build_image(tmp_path, target, 0, OLD)
    hangs = build_image(tmp_path, target, 1, NEW, "-DTINY_HANGS")
    board_ = Board(target, tmp_path / "flash.bin")
    board_.flash.write_bytes(new_board(target, old))
    stats = tmp_path / "stats.json"
    assert board_.run(update_script(hangs), "--stats", str(stats)) == OLD
    assert json.loads(stats.read_text())["cycles"] > 40_000_000  # the trial's second
    assert board_.running() == OLD
