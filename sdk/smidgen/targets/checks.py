"""What can be wrong between the parts of a target file, found before anything is built."""

from __future__ import annotations

from itertools import pairwise

from smidgen.targets.configurations import configurations
from smidgen.targets.table import Table
from smidgen.targets.types import EXTERNAL, STORAGE, Board, Chip, Core, Memory

# What a kernel set needs of the core beyond its base instructions, as core.isa spells it.
_KERNEL_NEEDS = {
    "dsp": ("the DSP extension", ("armv7e-m", "+dsp")),
    "mve": ("the vector extension (Helium)", ("+mve",)),
    "thumb": ("Thumb instructions", ("armv",)),
    "midge": ("Midge's extension", ("xmidge",)),
    "npu": ("Midge, which the neural engine stands beside", ("rv32",)),
}
# The private peripheral bus of every Cortex-M: its system registers.
_SYSTEM_REGISTERS = Memory("the core's system registers", 0xE000_0000, 0x10_0000, "peripheral")
# Cores that compare the stack pointer with a limit.
_STACK_LIMIT = ("armv8-m.main", "armv8.1-m.main")
_NAMES = {"flash": "flash", "ram": "RAM", EXTERNAL: "external memory", STORAGE: "SPI flash"}
# In Midge's system: where it is, and the parameter that says how much.
_OUTSIDE = {EXTERNAL: (0x8000_0000, "EXTERNAL_BYTES"), STORAGE: (0x4000_0000, "SPI_FLASH_BYTES")}


def check_kernels(top: Table, kernels: tuple[str, ...], core: Core) -> None:
    """Every kernel set's instructions are there."""
    able = [name for name in kernels if not _lacks(name, core)]
    for name in kernels:
        if _lacks(name, core):
            needs, spelled = _KERNEL_NEEDS[name]
            listed = ", ".join(f'"{other}"' for other in able or ["portable"])
            top.problem(
                "kernels",
                f"names '{name}', which needs {needs}; core.isa, '{core.isa}', lacks it",
                f"write kernels = [{listed}], or, if the core has it, a core.isa with {' or '.join(spelled)}",
            )


def _lacks(kernel_set: str, core: Core) -> bool:
    _, spelled = _KERNEL_NEEDS.get(kernel_set, ("", ()))
    return bool(spelled) and not any(part in core.isa for part in spelled)


def check_external(top: Table, memories: tuple[Memory, ...], name: str) -> None:
    """Where the target is a system of ours, its configuration of this name has the memory chips."""
    configuration = configurations().get(name)
    for memory in memories:
        if memory.kind not in _OUTSIDE or configuration is None:
            continue
        origin, parameter = _OUTSIDE[memory.kind]
        length = configuration.get(parameter, 0)
        there = Memory(name, origin, length, memory.kind)
        if not there.origin <= memory.origin < memory.end <= there.end:
            what = f"lies from {memory.origin:#x} to {memory.end:#x}, where '{name}' has none"
            others = (there,) if length else ()
            top.problem(f"memory.{memory.name}", what, f"its {_NAMES[memory.kind]}: {_listed(others)}")


def check_map(top: Table, memories: tuple[Memory, ...], board: Board | None, chip: Chip, core: Core) -> None:
    """The target's memories, UART and registers lie where the chip has such things."""
    ranges = sorted((*chip.memories, *chip.peripherals), key=lambda one: one.origin)
    for before, after in pairwise(ranges):
        if after.origin < before.end:
            top.problem(f"chip.{after.name}", f"overlaps '{before.name}', which ends at {before.end:#x}")
    for memory in memories:
        _check_memory(top, memory, chip)
    flash = next((memory for memory in memories if memory.kind == "flash"), None)
    if flash is not None and flash.origin != chip.boot:
        what = f"is {flash.origin:#x}, but the chip starts from what lies at {chip.boot:#x}"
        top.problem(f"memory.{flash.name}.origin", what, f"write origin = {chip.boot:#x}")
    ram = next((memory for memory in memories if memory.kind == "ram"), None)
    if ram is not None:
        _check_below(top, ram, chip, core)
    if board is None:
        return
    registers = [("board.uart.base", board.uart.base)] if board.uart else []
    registers += [(f"board.setup[{i}].register", step.register) for i, step in enumerate(board.setup)]
    for key, address in registers:
        if not any(part.origin <= address < part.end for part in (*chip.peripherals, _SYSTEM_REGISTERS)):
            top.problem(key, f"is {address:#x}, where the chip has no peripherals", _listed(chip.peripherals))
        elif address % 4:
            top.problem(key, f"is {address:#x}, which is no multiple of 4")


def _check_memory(top: Table, memory: Memory, chip: Chip) -> None:
    key = f"memory.{memory.name}"
    place = f"lies from {memory.origin:#x} to {memory.end:#x}"
    same = [part for part in chip.memories if part.kind == memory.kind]
    fix = f"the chip's {_NAMES[memory.kind]}: {_listed(same)}"
    found = next((part for part in chip.memories if part.origin <= memory.origin < part.end), None)
    if found is None:
        top.problem(key, f"{place}, where the chip has no memory", fix)
    elif found.kind != memory.kind:
        what = f"is {_NAMES[memory.kind]} and {place}, where the chip has {_NAMES[found.kind]}"
        top.problem(key, what, fix)
    elif memory.end > found.end:
        top.problem(key, f"ends {memory.end - found.end:,} bytes behind the chip's memory", fix)


def _check_below(top: Table, ram: Memory, chip: Chip, core: Core) -> None:
    """The stack lies lowest in RAM: whatever is below it, an overflow must not reach it unnoticed."""
    key = f"memory.{ram.name}.origin"
    if ram.origin % 32:
        top.problem(key, f"is {ram.origin:#x}; the guard below the stack wants a multiple of 32")
    below = next((part for part in chip.memories if part.origin < ram.origin <= part.end), None)
    if below is not None and not core.isa.startswith(_STACK_LIMIT):
        what = f"is {ram.origin:#x}, right behind other memory, which a stack overflow would write into"
        top.problem(key, what, f"let it start where the chip's RAM does, at {below.origin:#x}")


def _listed(parts: tuple[Memory, ...] | list[Memory]) -> str:
    return ", ".join(f"{part.origin:#x} to {part.end:#x}" for part in parts) or "none"
