"""Where things lie in a target's memories: for the linker, and for firmware that can be updated."""

from __future__ import annotations

import uuid

from smidgen.errors import BuildError, Problem
from smidgen.targets import Memory, Target
from smidgen.targets.types import EXTERNAL, STORAGE

LAYOUT_HEADER = "update_layout.h"
# Of an image in a slot: MCUboot's header, and the table behind the code (the board's class and the SHA-256).
IMAGE_HEADER_BYTES, IMAGE_TABLE_BYTES = 32, 64
# At the end of the boot loader: functions that images call there.
SERVICES_BYTES = 16


def region(target: Target, kind: str) -> Memory:
    """What the target's image has of its first memory of this kind, "flash" or "ram"."""
    memory = target.memory_of_kind(kind)
    if memory is None:
        raise BuildError(
            Problem(str(target.path), f"has no memory of kind {kind}", "add one to build firmware")
        )
    return code_regions(target)[0] if kind == "flash" and target.bootloader else memory


def code_regions(target: Target) -> tuple[Memory, ...]:
    """The flash that an image is linked for: all of it, or what each slot has for code. Where the boot loader
    copies images from storage, that is the place of the copy for either slot."""
    if target.bootloader is None:
        return (region(target, "flash"),)
    # The last block of a slot is the trailer's.
    taken = IMAGE_HEADER_BYTES + IMAGE_TABLE_BYTES + target.bootloader.block_bytes
    copy = copy_origin(target)
    return tuple(
        Memory(
            slot.name,
            (slot.origin if copy is None else copy) + IMAGE_HEADER_BYTES,
            slot.length - taken,
            slot.kind,
        )
        for slot in target.slots
    )


def copy_origin(target: Target) -> int | None:
    """Where the boot loader copies the image that runs; None where images run in their slots."""
    flash = target.memory_of_kind("flash")
    if target.bootloader is None or flash is None or target.memory_of_kind(STORAGE) is None:
        return None
    return flash.origin + target.bootloader.length


def bootloader_region(target: Target) -> Memory:
    """The flash that the boot loader is linked for."""
    flash = target.memory_of_kind("flash")
    assert flash is not None and target.bootloader is not None
    return Memory("boot loader", flash.origin, target.bootloader.length - SERVICES_BYTES, "flash")


def memory_script(flash: Memory, ram: Memory, external: Memory | None = None) -> str:
    """memory.ld: the memories under the names that linker scripts use, and which of them hold the model's
    weights and arena."""
    memories = {"flash (rx)": flash, "ram (rw)": ram}
    if external is not None:
        memories["external (rw)"] = external
    lines = [
        f"    {name} : ORIGIN = {memory.origin:#x}, LENGTH = {memory.length}\n"
        for name, memory in memories.items()
    ]
    weights, arena = ("flash", "ram") if external is None else (EXTERNAL, EXTERNAL)
    aliases = f'REGION_ALIAS("weights", {weights})\nREGION_ALIAS("arena", {arena})\n'
    return "MEMORY {\n" + "".join(lines) + "}\n" + aliases


def board_class(target: Target) -> uuid.UUID:
    """What an image says about the boards that it is for, and the boot loader about the one it is on."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"smidgen:{target.name}")


def layout_header(target: Target) -> str:
    """The text of update_layout.h; "" for a target without a boot loader of ours."""
    if target.bootloader is None:
        return ""
    slots, copy = ", ".join(f"{slot.origin:#x}u" for slot in target.slots), copy_origin(target)
    identity = ", ".join(f"{byte:#04x}" for byte in board_class(target).bytes)
    lines = [
        f"/* Generated from the target file of {target.name}. */",
        "#ifndef SMIDGEN_UPDATE_LAYOUT_H",
        "#define SMIDGEN_UPDATE_LAYOUT_H",
        "",
        f"#define UPDATE_SLOTS {{{slots}}}",
        f"#define UPDATE_SLOT_BYTES {target.slots[0].length:#x}u",
        f"#define UPDATE_BLOCK_BYTES {target.bootloader.block_bytes}u",
        f"#define UPDATE_BOARD_CLASS {{{identity}}}",
        f"#define UPDATE_TRIAL_MILLISECONDS {round(target.bootloader.trial_seconds * 1000)}u",
        f"#define UPDATE_SERVICES {bootloader_region(target).end:#x}u",
        *([f"#define UPDATE_LOADED {copy:#x}u"] if copy is not None else []),
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)
