"""Images for the slots of boards that can be updated, in MCUboot's format, and the boot loader."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from smidgen import __version__
from smidgen.compile import memory_map
from smidgen.compile.board_header import BOARD_HEADER, board_header
from smidgen.compile.cache import cached, content_key
from smidgen.compile.disassembly import linked_functions
from smidgen.compile.memory_map import (
    IMAGE_HEADER_BYTES,
    LAYOUT_HEADER,
    board_class,
    bootloader_region,
    layout_header,
    memory_script,
    region,
)
from smidgen.compile.runtime import board, bootloader, component_jobs, runtime
from smidgen.compile.sources import write_files
from smidgen.compile.stack import CALLGRAPH_FLAGS, Function, image_stack_bound, read_callgraph, stack_bound
from smidgen.errors import BuildError, Problem
from smidgen.targets import Memory, Target
from smidgen.targets.types import STORAGE
from smidgen.toolchains import Compiler, compile_object, run_tool

SECOND_ELF = "firmware-1.elf"
# One image for each slot; a whole flash, with the boot loader and the first of them confirmed.
IMAGES, FLASH = ("image-0.bin", "image-1.bin"), "flash.bin"
FILES = (SECOND_ELF, *IMAGES, FLASH)
BOOTLOADER = "bootloader"
STACK_BYTES = 1024
# What images call there, and their own function that does: the deepest of the calls.
SERVICE, CALLER = "upload_command", "update_command"
_ENTRY = "smidgen_agent_main"
# MCUboot's trailer of an image that has proved itself, from the slot's end: magic, image ok.
_MAGIC = bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
_CONFIRMED = b"\x01" + b"\xff" * 7 + _MAGIC


def write_images(elfs: Sequence[Path], target: Target, compiler: Compiler, folder: Path) -> None:
    """IMAGES, one from each program, and FLASH. Raises BuildError."""
    assert target.bootloader is not None
    for elf, slot, name in zip(elfs, target.slots, IMAGES, strict=True):
        plain = folder / f"{elf.stem}.plain.bin"
        run_tool(compiler.tool("objcopy"), ["-O", "binary", str(elf), str(plain)], "writing the binary image")
        sign(plain, folder / name, str(board_class(target)), slot, target.bootloader.block_bytes)
        plain.unlink()
    flash, slot = target.image_flash, target.slots[0]
    assert flash is not None
    contents = bytearray(b"\xff" * flash.length)
    if flash.kind != STORAGE:  # otherwise it is in program memory
        _put(contents, 0, (build_bootloader(target, compiler) / f"{BOOTLOADER}.bin").read_bytes())
    _put(contents, slot.origin - flash.origin, (folder / IMAGES[0]).read_bytes())
    _put(contents, slot.end - flash.origin - len(_CONFIRMED), _CONFIRMED)
    (folder / FLASH).write_bytes(contents)


def _put(contents: bytearray, at: int, data: bytes) -> None:
    contents[at : at + len(data)] = data


def sign(plain: Path, output: Path, board: str, slot: Memory, block_bytes: int) -> None:
    """Write an image for a slot from the program that lies in it: header, SHA-256 and the board's class."""
    arguments = [
        "sign", "--header-size", str(IMAGE_HEADER_BYTES), "--pad-header", "--version", __version__,
        "--align", "8", "--overwrite-only", "--slot-size", str(slot.length - block_bytes),
        "--rom-fixed", hex(slot.origin), "--cid", board, str(plain), str(output),
    ]  # fmt: skip
    run_tool(_imgtool(), arguments, f"making the image for {slot.name}")


def _imgtool() -> Path:
    beside = Path(sys.executable).parent / "imgtool"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("imgtool")
    if found is None:
        fix = f"{sys.executable} -m pip install imgtool"
        raise BuildError(Problem("imgtool", "this Python package is not installed; it makes images", fix))
    return Path(found)


def build_bootloader(target: Target, compiler: Compiler) -> Path:
    """The folder with bootloader.elf, bootloader.bin and stack.json: the stack of its services. Cached."""
    assert target.board is not None
    program, platform = bootloader(), board(target.board)
    flags = [*target.toolchain.flags, *runtime().cflags, *CALLGRAPH_FLAGS]
    jobs = component_jobs(target, program, platform, flags)
    boards = target.board.folder.parent
    headers = {BOARD_HEADER: board_header(target), LAYOUT_HEADER: layout_header(target)}
    memory = memory_script(bootloader_region(target), region(target, "ram"))
    inputs = [*program.files(), *platform.files(), *boards.glob("*.h"), *(boards / "uart").glob("*.h")]
    inputs += [Path(__file__), Path(str(memory_map.__file__))]
    parts: list[str | bytes] = [compiler.version, memory, json.dumps([[job[1] for job in jobs], headers])]
    parts += [path.name.encode() + path.read_bytes() for path in inputs]

    def make(folder: Path) -> None:
        write_files(folder, {**headers, "memory.ld": memory})
        include = [folder, boards, *platform.include, *program.include]
        objects = [
            compile_object(compiler, path, folder / name, options, include) for path, options, name in jobs
        ]
        elf = folder / f"{BOOTLOADER}.elf"
        options = [*platform.ldflags, f"-L{folder}", f"-Wl,-T,{platform.linker_script}"]
        options += ["-Wl,--defsym=__arena_bytes=0", f"-Wl,--defsym=__stack_bytes={STACK_BYTES}"]
        options += [f"-Wl,--section-start=.services={bootloader_region(target).end:#x}"]
        options += ["-Wl,--undefined=services"]
        arguments = [*target.toolchain.flags, *options, *map(str, objects), "-lgcc", "-o", str(elf)]
        run_tool(compiler.path, arguments, "linking the boot loader")
        binary = ["-O", "binary", str(elf), str(folder / f"{BOOTLOADER}.bin")]
        run_tool(compiler.tool("objcopy"), binary, "writing the boot loader's binary image")
        functions = read_callgraph([path for path in folder.glob("*.ci")])
        linked = linked_functions(elf, compiler)
        bound = image_stack_bound(_ENTRY, {}, functions, linked)
        if bound > STACK_BYTES:
            what = f"it can need {bound:,} bytes of stack and reserves {STACK_BYTES:,}"
            raise BuildError(Problem("boot loader", what, "raise STACK_BYTES in compile/slots.py"))
        service = stack_bound(SERVICE, functions, linked)
        (folder / "stack.json").write_text(json.dumps({SERVICE: service}))

    return cached("bootloader", content_key(parts), make)


def services(target: Target, compiler: Compiler) -> dict[str, Function]:
    """What calls in the image lead to in the boot loader: the stack that is taken there."""
    bound = json.loads((build_bootloader(target, compiler) / "stack.json").read_text())[SERVICE]
    return {SERVICE: Function(bound)}
