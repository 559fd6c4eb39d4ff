"""The boot loader in the ROM of an STM32 (ST's AN3155), imitated by a firmware of ours on QEMU's machine.

QEMU has neither that ROM nor flash that programs can write. `start` runs an imitation in their place
(firmware/imitations/stm32_rom) whose flash is a file; it speaks on the USART of the target file.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from smidgen.compile.board_header import BOARD_HEADER, board_header
from smidgen.compile.cache import cached, content_key
from smidgen.compile.runtime import Component, board, runtime
from smidgen.compile.sources import write_files
from smidgen.device.simulators import qemu
from smidgen.device.simulators.process import Simulator, await_port, launch
from smidgen.errors import Problem, UsageError
from smidgen.paths import data_folder
from smidgen.targets import Target
from smidgen.toolchains import Compiler, compile_object, find_compiler, run_tool

_SOURCES = ("stm32_rom.c", "flash_file.c")
_FLAGS = ("-std=c99", "-Os", "-Wall", "-Wextra", "-Werror", "-ffunction-sections", "-fdata-sections")
_STACK_BYTES = 2048
_HEADER = "rom_target.h"


@dataclass(frozen=True)
class Family:
    """sectors: how many of how many bytes, in order, in the largest flash (reference manuals RM0041, RM0090);
    size_register: where system memory holds the size of the flash; extended_erase: see AN3155."""

    sectors: tuple[tuple[int, int], ...]
    size_register: int
    extended_erase: bool


FAMILIES = {
    "F1": Family(((128, 1024),), 0x1FFF_F7E0, False),
    "F4": Family(((4, 0x4000), (1, 0x1_0000), (7, 0x2_0000)), 0x1FFF_7A22, True),
}


def start(target: Target, flash: Path) -> Simulator:
    """The target's machine after a reset with BOOT0 high, its USART on a pseudo-terminal.

    flash: a file with what is in the flash; it is read and written while the simulator runs.
    Raises BuildError (no compiler), UsageError (not such a chip) and DeviceError (QEMU did not start).
    """
    machine = target.runner.machine
    semihosting = qemu.values({"enable": "on", "target": "native", "arg": flash})
    command = [
        qemu.find(machine), "-machine", machine, "-kernel", str(build(target)), "-display", "none",
        "-monitor", "none", "-serial", "pty", "-semihosting-config", semihosting,
    ]  # fmt: skip
    simulator = launch("QEMU", lambda folder: command)
    await_port(simulator, qemu.port_in)
    return simulator


def build(target: Target) -> Path:
    """The imitation for the chip of this target, an ELF file, compiled if the cache does not hold it yet."""
    assert target.board is not None
    compiler = find_compiler(target.toolchain.compiler)
    platform, agent = board(target.board), runtime()
    folder = data_folder("firmware") / "imitations" / "stm32_rom"
    files = {
        BOARD_HEADER: board_header(target),
        _HEADER: _rom_header(target),
        "memory.ld": _memory_script(target),
    }
    own = [*sorted(folder.glob("*.[ch]")), *platform.files(), *agent.include[0].glob("*.h")]
    own += sorted((data_folder("firmware") / "boards").rglob("*.h"))
    flags = [*target.toolchain.flags, *_FLAGS]
    key = content_key([compiler.version, *flags, *files.values(), *(path.read_bytes() for path in own)])

    def make(output: Path) -> None:
        work = output / "work"
        write_files(work, files)
        include = [work, folder, data_folder("firmware") / "boards", *platform.include, *agent.include]
        sources = [*platform.sources, *(folder / name for name in _SOURCES)]
        objects = [
            compile_object(compiler, source, work / f"{source.stem}.o", flags, include) for source in sources
        ]
        _link(compiler, target, platform, objects, work, output / "rom.elf")
        shutil.rmtree(work)

    return cached("simulators", key, make) / "rom.elf"


def _link(
    compiler: Compiler, target: Target, platform: Component, objects: list[Path], work: Path, elf: Path
) -> None:
    options = [*platform.ldflags, f"-L{work}", f"-Wl,-T,{platform.linker_script}"]
    options += ["-Wl,--defsym=__arena_bytes=0", f"-Wl,--defsym=__stack_bytes={_STACK_BYTES}"]
    arguments = [*target.toolchain.flags, *options, *map(str, objects), "-lgcc", "-o", str(elf)]
    run_tool(compiler.path, arguments, "linking the imitation of the boot ROM")


def _memory_script(target: Target) -> str:
    """The regions that the board's linker script wants."""
    flash, ram = target.memory_of_kind("flash"), target.memory_of_kind("ram")
    assert flash is not None and ram is not None  # the target file was checked
    regions = (("flash (rx)", flash), ("ram (rw)", ram))
    lines = [f"    {name} : ORIGIN = {part.origin:#x}, LENGTH = {part.length}\n" for name, part in regions]
    return f"MEMORY {{\n{''.join(lines)}}}\n"


def _rom_header(target: Target) -> str:
    """What stm32_rom.c wants to know of the chip."""
    flasher, flash, ram = target.flasher, target.memory_of_kind("flash"), target.memory_of_kind("ram")
    name = str(flasher.options.get("family", "")) if flasher else ""
    if flasher is None or flasher.chip_id is None or flash is None or ram is None or name not in FAMILIES:
        fix = f'write method = "stm32_rom", a family ({", ".join(FAMILIES)}) and a chip_id under [flasher]'
        raise UsageError(Problem(str(target.path), "does not say which STM32's boot ROM to imitate", fix))
    family = FAMILIES[name]
    sectors = ", ".join(f"{{{count}u, {size}u}}" for count, size in family.sectors)
    values = {
        "ROM_CHIP_ID": f"{flasher.chip_id.value:#x}",
        "ROM_FLASH_ORIGIN": f"{flash.origin:#x}u",
        "ROM_FLASH_BYTES": f"{flash.length}u",
        "ROM_RAM_ORIGIN": f"{ram.origin:#x}u",
        "ROM_RAM_BYTES": f"{ram.length}u",
        "ROM_SIZE_REGISTER": f"{family.size_register:#x}u",
        "ROM_EXTENDED_ERASE": str(int(family.extended_erase)),
        "ROM_SECTORS": sectors,
    }
    return "".join(f"#define {name} {value}\n" for name, value in values.items())
