"""`[bootloader]`: how much of the flash the boot loader has, and how the chip erases it."""

from __future__ import annotations

from smidgen.targets.table import Table
from smidgen.targets.types import STORAGE, Bootloader, Memory

_SMALLEST_BLOCK = 256
_SMALLEST_SLOT_BLOCKS = 2  # one for the image, one for what is known of it
_TRIAL_SECONDS = (0.01, 60)  # watchdogs count no longer


def read_bootloader(top: Table, memories: tuple[Memory, ...]) -> Bootloader | None:
    """The target's `[bootloader]`, None when it has none."""
    table = top.table("bootloader", required=False)
    if table is None:
        return None
    bootloader = Bootloader(
        table.number("length") or 0,
        table.number("block_bytes") or 0,
        table.real("trial_seconds", 10.0) or 0.0,
        table.number("storage_offset", 0) or 0,
    )
    table.finish()
    block = bootloader.block_bytes
    if block < _SMALLEST_BLOCK or block & (block - 1):
        table.problem("block_bytes", f"is {block}; it must be a power of two, {_SMALLEST_BLOCK} or more")
        return None
    if not bootloader.length or bootloader.length % block:
        table.problem("length", f"is {bootloader.length:#x}; it must be whole blocks of {block:,} bytes")
    shortest, longest = _TRIAL_SECONDS
    if not shortest <= bootloader.trial_seconds <= longest:
        table.problem("trial_seconds", f"must be {shortest} to {longest}")
    flash, storage = (
        next((memory for memory in memories if memory.kind == kind), None) for kind in ("flash", STORAGE)
    )
    key, holds, taken = "length", flash, bootloader.length
    if storage is not None:
        key, holds, taken = "storage_offset", storage, bootloader.storage_offset
        if flash is not None and flash.length <= bootloader.length:
            table.problem("length", f"leaves no room for an image in {flash.length:,} bytes of flash")
        if bootloader.storage_offset % block:
            what = f"is {bootloader.storage_offset:#x}; it must be whole blocks of {block:,} bytes"
            table.problem("storage_offset", what)
    elif bootloader.storage_offset:
        table.problem("storage_offset", f'is there, but no memory of kind "{STORAGE}"')
    if holds is not None:
        if holds.origin % block:
            what = f"is {block:#x}, and the {holds.kind} starts in the middle of such a block"
            table.problem("block_bytes", what)
        if holds.length - taken < 2 * _SMALLEST_SLOT_BLOCKS * block:
            table.problem(key, f"leaves no room for two slots in {holds.length:,} bytes of {holds.kind}")
    return bootloader
