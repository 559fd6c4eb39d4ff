"""`[fpga]`: the FPGA that the target's system is made for, and what can be wrong with that."""

from __future__ import annotations

import re
from pathlib import Path

from smidgen.npu.descriptor import Engine
from smidgen.paths import data_folder
from smidgen.targets.configurations import configurations
from smidgen.targets.engine import block_rams
from smidgen.targets.pll import dividers
from smidgen.targets.table import Table
from smidgen.targets.types import MEMORY_KINDS, Core, Fpga, Memory

# Block RAMs (DP16KD) of each device; they hold 2 KiB of bytes each.
BLOCK_RAMS = {"LFE5U-25F": 56, "LFE5U-45F": 108, "LFE5U-85F": 208}
BLOCK_BYTES = 2048
XMIDGE_BLOCKS = 5  # of its registers and weights
PACKAGES = ("CABGA256", "CSFBGA285", "CABGA381", "CABGA554", "CABGA756")
_SPEED_GRADES = (6, 7, 8)
# Where Midge's system has its memories.
_ORIGINS = {"flash": 0x0000_0000, "ram": 0x1000_0000}


def read_fpga(top: Table, memories: tuple[Memory, ...], core: Core, engine: Engine | None) -> Fpga | None:
    """The target's `[fpga]`, None when it has none."""
    table = top.table("fpga", required=False)
    if table is None:
        return None
    fpga = Fpga(
        device=table.choice("device", tuple(BLOCK_RAMS)),
        package=table.choice("package", PACKAGES),
        speed_grade=table.number("speed_grade") or 0,
        configuration=table.choice("configuration", tuple(configurations())),
        top=_file(table, "top", ".sv"),
        pins=_file(table, "pins", ".lpf"),
        clock_input_hz=table.number("clock_input_hz") or 0,
    )
    if "speed_grade" in table.values and fpga.speed_grade not in _SPEED_GRADES:
        table.problem("speed_grade", f"is {fpga.speed_grade}", f"use one of: {_listed(_SPEED_GRADES)}")
    if fpga.clock_input_hz and core.clock_hz and dividers(fpga.clock_input_hz, core.clock_hz) is None:
        what = f"is {fpga.clock_input_hz:,}, of which no PLL makes core.clock_hz, {core.clock_hz:,}"
        table.problem(
            "clock_input_hz", what, "choose a core.clock_hz in a ratio of small whole numbers to it"
        )
    if core.clock_hz is None:
        top.problem("core.clock_hz", "is missing", "the FPGA's PLL is set to make it")
    if "bootloader" in top.values:
        top.problem("bootloader", "is there, but a bitstream holds the program itself", "leave it out")
    _check_parts(table, fpga)
    _check_memories(top, memories)
    _check_block_rams(top, memories, engine, fpga)
    table.finish()
    return fpga


def _file(table: Table, key: str, suffix: str) -> Path:
    """A file beside the target file, or of hw/boards."""
    named = table.text(key)
    own, ours = table.file.parent / named, data_folder("hw") / "boards" / named
    path = own if own.is_file() else ours
    if named and (path.suffix != suffix or not path.is_file()):
        table.problem(key, f"is '{named}', but neither {own} nor {ours} is a file with the ending {suffix}")
    return path


def _check_parts(table: Table, fpga: Fpga) -> None:
    """The board's module has what the configuration has. There 0 stands for a part that is left out."""
    if not fpga.top.is_file():
        return
    known = set(re.findall(r"\w+", fpga.top.read_text(encoding="utf-8")))
    for name, value in configurations().get(fpga.configuration, {}).items():
        if name.isupper() and value and name not in known:
            what = f"is '{fpga.configuration}' with {name} = {value}; {fpga.top.name} has no such parameter"
            table.problem(
                "configuration", what, "choose another one, or a board's module with the pins for it"
            )
            return


def _check_memories(top: Table, memories: tuple[Memory, ...]) -> None:
    """Those in block RAM lie where the system has them."""
    memories = tuple(memory for memory in memories if memory.kind in _ORIGINS)
    for memory in memories:
        key = f"memory.{memory.name}"
        if memory.origin != _ORIGINS[memory.kind]:
            top.problem(f"{key}.origin", f"is {memory.origin:#x}", f"write {_ORIGINS[memory.kind]:#x}")
        if memory.length & (memory.length - 1) or memory.length < BLOCK_BYTES:
            what = f"is {memory.length:#x}, which is no power of two of {BLOCK_BYTES:,} bytes and more"
            top.problem(f"{key}.length", what)
    for kind in MEMORY_KINDS:
        if sum(memory.kind == kind for memory in memories) > 1:
            top.problem("memory", f"has several regions of kind {kind}; Midge's system has one")


def _check_block_rams(top: Table, memories: tuple[Memory, ...], engine: Engine | None, fpga: Fpga) -> None:
    """The device has as many as memories and system take."""
    taken = {one.name: -(-one.length // BLOCK_BYTES) for one in memories if one.kind in _ORIGINS}
    configuration = configurations().get(fpga.configuration, {})
    if configuration.get("NN"):
        taken["Xmidge"] = XMIDGE_BLOCKS
    if configuration.get("NPU") and engine is not None:
        taken["neural engine"] = block_rams(engine)
    blocks, most = sum(taken.values()), BLOCK_RAMS.get(fpga.device)
    if most is not None and blocks > most:
        listed = ", ".join(f"{name} {count}" for name, count in taken.items())
        what = f"and the system take {blocks} block RAMs of {BLOCK_BYTES // 1024} KiB ({listed})"
        top.problem("memory", f"{what}; {fpga.device} has {most}", "let them be smaller")


def _listed(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))
