"""From a target file to a checked target."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from smidgen.errors import ProblemList, UsageError
from smidgen.paths import data_folder
from smidgen.targets.bootloader import read_bootloader
from smidgen.targets.checks import check_external, check_kernels, check_map
from smidgen.targets.engine import check_engine, read_engine
from smidgen.targets.flasher import read_flasher
from smidgen.targets.fpga import read_fpga
from smidgen.targets.table import Table, read_toml
from smidgen.targets.types import (
    EXTERNAL,
    MEMORY_KINDS,
    RUNNERS,
    STORAGE,
    Board,
    Chip,
    Core,
    HeaderWords,
    Memory,
    Runner,
    Serial,
    SetupStep,
    Target,
    ToolchainSettings,
    Uart,
)

_EXTERNAL_CYCLES = ("latency_cycles", "word_cycles")


def read_target(path: Path) -> Target:
    values = read_toml(path, "target file")
    problems = ProblemList()
    top = Table(path, "", values, problems)
    name, description = top.text("name"), top.text("description")
    kernels = top.texts("kernels")
    if "kernels" in values and not kernels:
        top.problem("kernels", "names no kernel set", 'for example: kernels = ["portable"]')
    runner = _runner(top)
    is_host = runner.kind == "host"
    core = _core(top)
    memories = _memories(top, required=not is_host)
    board = _board(top, required=not is_host)
    # Board folders that serve many chips take their UART from the target file; then its map is needed too.
    chip = _chip(top, required=board is not None and board.uart is not None)
    engine = read_engine(top, kernels)
    fpga = read_fpga(top, memories, core, engine)
    target = Target(
        name=name,
        description=description,
        path=path,
        core=core,
        memories=memories,
        kernels=kernels,
        toolchain=_toolchain(top),
        board=board,
        runner=runner,
        flasher=read_flasher(top),
        serial=_serial(top),
        proven=top.flag("proven", True),
        bootloader=read_bootloader(top, memories),
        fpga=fpga,
        engine=engine,
    )
    check_kernels(top, kernels, core)
    check_engine(top, engine, runner, fpga)
    check_external(top, memories, runner.configuration if fpga is None else fpga.configuration)
    if chip is not None:
        check_map(top, memories, board, chip, core)
    top.finish()
    problems.stop_if_any(UsageError)
    return target


def _core(top: Table) -> Core:
    table = top.table("core", required=True)
    if table is None:
        return Core("", "", None)
    core = Core(table.text("isa"), table.text("abi"), table.number("clock_hz", required=False))
    table.finish()
    return core


def _chip(top: Table, required: bool) -> Chip | None:
    table = top.table("chip", required)
    if table is None:
        return None
    memories = tuple(_part(part, part.choice("kind", MEMORY_KINDS)) for part in table.tables("memory"))
    peripherals = tuple(_part(part, "peripheral") for part in table.tables("peripherals"))
    chip = Chip(table.number("boot") or 0, memories, peripherals)
    table.finish()
    return chip


def _part(table: Table, kind: str) -> Memory:
    part = Memory(
        table.name.removeprefix("chip."), table.number("origin") or 0, table.number("length") or 0, kind
    )
    table.finish()
    return part


def _memories(top: Table, required: bool) -> tuple[Memory, ...]:
    tables = top.table("memory", required)
    if tables is None:
        return ()
    memories = []
    for name in tables.values:
        table = tables.table(name, required=True)
        if table is None:
            continue
        origin, length = table.number("origin"), table.number("length")
        kind = table.choice("kind", (*MEMORY_KINDS, EXTERNAL, STORAGE))
        cycles = [table.number(key) or 0 for key in _EXTERNAL_CYCLES] if kind == EXTERNAL else []
        table.finish()
        if length == 0:
            table.problem("length", "is 0")
        if origin is not None and length:
            memories.append(Memory(name, origin, length, kind, *cycles))
    in_order = sorted(memories, key=lambda memory: memory.origin)
    for before, after in pairwise(in_order):
        if after.origin < before.end:
            tables.problem(after.name, f"overlaps '{before.name}', which ends at {before.end:#x}")
    outside = [memory.name for memory in memories if memory.kind == EXTERNAL]
    for name in outside[1:]:
        tables.problem(name, f"is external, as '{outside[0]}' is", "weights and arena lie in one region")
    for kind in MEMORY_KINDS if required else ():
        if not any(memory.kind == kind for memory in memories):
            tables.problem("", f'has no region with kind = "{kind}"')
    return tuple(memories)


def _toolchain(top: Table) -> ToolchainSettings:
    table = top.table("toolchain", required=True)
    if table is None:
        return ToolchainSettings("", (), (), ())
    settings = ToolchainSettings(
        table.text("compiler"), table.texts("flags", []), table.texts("speed", []), table.texts("size", [])
    )
    table.finish()
    return settings


def _board(top: Table, required: bool) -> Board | None:
    table = top.table("board", required)
    if table is None:
        return None
    named = table.text("folder")
    # A folder of the user's own lies beside the target file; the package's lie under firmware/boards.
    own = top.file.parent / named
    folder = own if named and own.is_dir() else data_folder("firmware") / "boards" / named
    if named and not folder.is_dir():
        table.problem("folder", f"is '{named}', but neither {own} nor {folder} is a folder")
    board = Board(
        folder,
        uart=_uart(table),
        setup=tuple(_setup_step(step) for step in table.tables("setup")),
        boot_header=tuple(_header_words(words) for words in table.tables("boot_header")),
    )
    table.finish()
    return board


def _uart(board: Table) -> Uart | None:
    table = board.table("uart", required=False)
    if table is None:
        return None
    driver = table.text("driver")
    drivers = data_folder("firmware") / "boards" / "uart"
    if driver and not (drivers / f"{driver}.h").is_file():
        known = ", ".join(sorted(path.stem for path in drivers.glob("*.h")))
        table.problem("driver", f"is '{driver}'", f"use one of: {known}")
    uart = Uart(
        driver, table.number("base") or 0, table.number("clock_hz") or 0, table.number("interrupt") or 0
    )
    table.finish()
    return uart


def _setup_step(table: Table) -> SetupStep:
    step = SetupStep(
        table.text("does"),
        table.number("register") or 0,
        write=table.number("write", required=False),
        clear=table.number("clear", 0) or 0,
        set=table.number("set", 0) or 0,
        mask=table.number("mask", 0) or 0,
        until=table.number("until", 0) or 0,
    )
    if step.write is not None and (step.clear or step.set):
        table.problem("write", "excludes 'clear' and 'set'")
    if step.until & ~step.mask:
        table.problem("until", f"can never be reached: it has bits outside of 'mask', {step.mask:#x}")
    if step.write is None and not (step.clear or step.set or step.mask):
        table.problem("", "does nothing", "give 'write', 'set', 'clear' or 'mask'")
    table.finish()
    return step


def _header_words(table: Table) -> HeaderWords:
    words = HeaderWords(table.number("offset", 0) or 0, table.numbers("words"))
    if words.offset % 4:
        table.problem("offset", f"is {words.offset:#x}, which is no multiple of 4")
    table.finish()
    return words


def _runner(top: Table) -> Runner:
    table = top.table("runner", required=True)
    if table is None:
        return Runner("")
    kind = table.choice("kind", RUNNERS)
    runner = Runner(
        kind,
        configuration=table.text("configuration", None if kind == "verilator" else ""),
        machine=table.text("machine", None if kind == "qemu" else ""),
    )
    table.finish()
    return runner


def _serial(top: Table) -> Serial | None:
    table = top.table("serial", required=False)
    if table is None:
        return None
    serial = Serial(table.text("port", ""), table.number("baud", 115200) or 0)
    table.finish()
    return serial
