"""`[bootloader]`: how much of the flash the boot loader has, and how the chip erases it."""

from __future__ import annotations

from smidgen.targets.table import Table
from smidgen.targets.types import Bootloader, Memory

_SMALLEST_BLOCK = 256
_SMALLEST_SLOT_BLOCKS = 2  # one for the image, one for what is known of it
_LONGEST_TRIAL_SECONDS = 60  # watchdogs count no longer


def read_bootloader(top: Table, memories: tuple[Memory, ...]) -> Bootloader | None:
    """The target's `[bootloader]`, None when it has none."""
    table = top.table("bootloader", required=False)
    if table is None:
        return None
    bootloader = Bootloader(
        table.number("length") or 0, table.number("block_bytes") or 0, table.number("trial_seconds", 10) or 0
    )
    table.finish()
    block = bootloader.block_bytes
    if block < _SMALLEST_BLOCK or block & (block - 1):
        table.problem("block_bytes", f"is {block}; it must be a power of two, {_SMALLEST_BLOCK} or more")
        return None
    if not bootloader.length or bootloader.length % block:
        table.problem("length", f"is {bootloader.length:#x}; it must be whole blocks of {block:,} bytes")
    if not 1 <= bootloader.trial_seconds <= _LONGEST_TRIAL_SECONDS:
        table.problem("trial_seconds", f"must be 1 to {_LONGEST_TRIAL_SECONDS}")
    flash = next((memory for memory in memories if memory.kind == "flash"), None)
    if flash is not None:
        if flash.origin % block:
            table.problem("block_bytes", f"is {block:#x}, and the flash starts in the middle of such a block")
        if flash.length - bootloader.length < 2 * _SMALLEST_SLOT_BLOCKS * block:
            table.problem("length", f"leaves no room for two slots in {flash.length:,} bytes of flash")
    return bootloader
