"""Exact counts of executed instructions: where the simulator is to look, QEMU's plugin, and the log.

The firmware has labels around a run of the model and around every layer (firmware/runtime/measure.c). The
simulator logs how many instructions were executed when one of them is reached.
"""

from __future__ import annotations

from pathlib import Path

from elftools.elf.elffile import ELFFile

from smidgen.compile.cache import cached, content_key
from smidgen.toolchains import find_compiler, run_tool

LOG = "counts"  # the log, in the simulator's folder
_LIBRARY = "count_instructions.so"
_PREFIX = "smidgen_mark_"
_FLAGS = (
    "-std=gnu11",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fPIC",
    "-shared",
    "-pthread",
    "-fvisibility=hidden",
)
_MARK_INSTRUCTIONS = 1  # the no-operation that carries a mark


def plugin(interface_version: int = 1) -> Path:
    """QEMU's plugin, compiled if the cache does not hold it yet. BuildError without gcc.

    interface_version: 1, or 2 from QEMU 9 on.
    """
    compiler = find_compiler("gcc")
    here = Path(__file__).parent
    source, header = here / "count_instructions.c", here / "qemu_plugin.h"
    flags = [*_FLAGS, f"-DINTERFACE_VERSION={interface_version}"]
    key = content_key([compiler.version, *flags, source.read_bytes(), header.read_bytes()])

    def make(folder: Path) -> None:
        arguments = [*flags, str(source), "-o", str(folder / _LIBRARY)]
        run_tool(compiler.path, arguments, "compiling the QEMU plugin that counts instructions")

    return cached("simulators", key, make) / _LIBRARY


def marks(image: Path) -> dict[str, int]:
    """The addresses of the marks in an ELF file by name, "run_begin" and so on."""
    with image.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        symbols = [] if table is None else list(table.iter_symbols())
    return {
        symbol.name.removeprefix(_PREFIX): symbol["st_value"] & ~1
        for symbol in symbols
        if symbol.name.startswith(_PREFIX)
    }


class CountLog:
    """A simulator's log, read on from where the last reading ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def new_counts(self) -> dict[str, list[int]]:
        """Instructions from each begin to its end since the last call, in order: of "run", of "layer"
        and of "profile" (a whole run with the hooks on)."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        begins: dict[str, int] = {}
        counts: dict[str, list[int]] = {"run": [], "layer": [], "profile": []}
        for line in text.decode().splitlines():
            mark, executed = line.split()
            kind, _, end = mark.partition("_")
            if end == "begin":
                begins[kind] = int(executed) + _MARK_INSTRUCTIONS
            else:
                counts[kind].append(int(executed) - begins.pop(kind))
        return counts
