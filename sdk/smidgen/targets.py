"""Targets: one TOML file per board or core, found by name or by path.

A name is looked up as `NAME.toml` in the folders of `search_path()`, first match wins, so a user's own
target needs no change to the installed package.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from smidgen.errors import ProblemList, UsageError
from smidgen.paths import data_folder

RUNNERS = ("host", "verilator", "serial")
MEMORY_KINDS = ("flash", "ram")


@dataclass(frozen=True)
class Memory:
    """A region of the address map: origin and length in bytes; kind is "flash" or "ram"."""

    name: str
    origin: int
    length: int
    kind: str

    @property
    def end(self) -> int:
        return self.origin + self.length


@dataclass(frozen=True)
class Core:
    """isa and abi as the compiler spells them ("host" for this machine); clock_hz is None when unknown."""

    isa: str
    abi: str
    clock_hz: int | None


@dataclass(frozen=True)
class ToolchainSettings:
    """The compiler's name, flags for every file, and more for the model, by `--optimize`."""

    compiler: str
    flags: tuple[str, ...]
    speed: tuple[str, ...]
    size: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """folder: startup code, linker script, drivers, and a `board.toml` that says how they are built."""

    folder: Path


@dataclass(frozen=True)
class Runner:
    """What runs the image: "host", "verilator" with a hardware configuration, or "serial"."""

    kind: str
    configuration: str = ""


@dataclass(frozen=True)
class Flasher:
    """The program that writes the image to the board, and its arguments."""

    command: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Serial:
    """The serial line: port ("" when the runner gives it) and bits per second."""

    port: str = ""
    baud: int = 115200


@dataclass(frozen=True)
class Target:
    """A checked target file. `kernels` are the kernel sets in order of preference."""

    name: str
    description: str
    path: Path
    core: Core
    memories: tuple[Memory, ...]
    kernels: tuple[str, ...]
    toolchain: ToolchainSettings
    board: Board | None
    runner: Runner
    flasher: Flasher | None = None
    serial: Serial | None = None

    @property
    def is_host(self) -> bool:
        return self.runner.kind == "host"

    def memory_of_kind(self, kind: str) -> Memory | None:
        return next((memory for memory in self.memories if memory.kind == kind), None)


def search_path() -> list[Path]:
    """Folders that are searched for targets: $SMIDGEN_TARGETS, ./targets, the user's own, the package's."""
    folders = [Path(part) for part in os.environ.get("SMIDGEN_TARGETS", "").split(os.pathsep) if part]
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    folders += [Path("targets"), settings / "smidgen" / "targets", data_folder("targets")]
    return folders


def list_targets() -> dict[str, Path]:
    """Every target that can be found by name, with its file, sorted by name."""
    found: dict[str, Path] = {}
    for folder in search_path():
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def load_target(name_or_path: str | Path) -> Target:
    """The target of this name, or in this file when it ends in `.toml` or holds a path separator.

    Raises UsageError: no such target (with the nearest names), or everything that is wrong in the file.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text or os.sep in text:
        return _read(Path(text))
    targets = list_targets()
    if text not in targets:
        problems = ProblemList()
        near = difflib.get_close_matches(text, targets, n=3, cutoff=0.4)
        near_text = f"did you mean {' or '.join(near)}? " if near else ""
        fix = f"{near_text}Known targets: {', '.join(targets) or 'none'}"
        problems.add(f"target '{text}'", "there is no such target", fix)
        problems.stop_if_any(UsageError)
    return _read(targets[text])


class _Table:
    """Reads the keys of one TOML table, collecting a problem for each that is missing, wrong or unknown."""

    def __init__(self, file: Path, name: str, values: Mapping[str, Any], problems: ProblemList) -> None:
        self.file, self.name, self.values, self.problems = file, name, values, problems
        self.known: set[str] = set()

    def problem(self, key: str, what: str, fix: str = "") -> None:
        place = ".".join(part for part in (self.name, key) if part)
        self.problems.add(str(self.file), f"'{place}' {what}", fix)

    def text(self, key: str, default: str | None = None) -> str:
        return self._value(key, str, "a text", default) or ""

    def number(self, key: str, default: int | None = None, required: bool = True) -> int | None:
        value = self._value(key, int, "a whole number", default, required)
        if isinstance(value, bool) or (value is not None and value < 0):
            self.problem(key, f"must be a whole number of 0 or more, not {value}")
            return None
        return value

    def texts(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        value = self._value(key, list, "a list of texts", default) or []
        if not all(isinstance(item, str) for item in value):
            self.problem(key, "must be a list of texts")
            return ()
        return tuple(value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.text(key)
        if value and value not in choices:
            self.problem(key, f"is '{value}'", f"use one of: {', '.join(choices)}")
        return value

    def table(self, key: str, required: bool) -> _Table | None:
        value = self._value(key, dict, "a table", None, required)
        name = f"{self.name}.{key}" if self.name else key
        return None if value is None else _Table(self.file, name, value, self.problems)

    def finish(self) -> None:
        """Complain about every key that nothing asked for."""
        for key in self.values:
            if key not in self.known:
                near = difflib.get_close_matches(key, self.known, n=1)
                fix = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(sorted(self.known))}"
                self.problem(key, "is not known", fix)

    def _value(self, key: str, kind: type, kind_name: str, default: Any, required: bool = True) -> Any:
        self.known.add(key)
        if key not in self.values:
            if default is None and required:
                self.problem(key, "is missing", f"it must be {kind_name}")
            return default
        value = self.values[key]
        if not isinstance(value, kind):
            self.problem(key, f"must be {kind_name}, not {value!r}")
            return default
        return value


def _read(path: Path) -> Target:
    problems = ProblemList()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.add(str(path), f"cannot read the target file: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.add(str(path), f"is not valid TOML: {error}")
    problems.stop_if_any(UsageError)
    top = _Table(path, "", values, problems)
    name, description = top.text("name"), top.text("description")
    kernels = top.texts("kernels")
    if "kernels" in values and not kernels:
        top.problem("kernels", "names no kernel set", 'for example: kernels = ["portable"]')
    runner = _runner(top)
    is_host = runner.kind == "host"
    target = Target(
        name=name,
        description=description,
        path=path,
        core=_core(top),
        memories=_memories(top, required=not is_host),
        kernels=kernels,
        toolchain=_toolchain(top),
        board=_board(top, required=not is_host),
        runner=runner,
        flasher=_flasher(top),
        serial=_serial(top),
    )
    top.finish()
    problems.stop_if_any(UsageError)
    return target


def _core(top: _Table) -> Core:
    table = top.table("core", required=True)
    if table is None:
        return Core("", "", None)
    core = Core(table.text("isa"), table.text("abi"), table.number("clock_hz", required=False))
    table.finish()
    return core


def _memories(top: _Table, required: bool) -> tuple[Memory, ...]:
    tables = top.table("memory", required)
    if tables is None:
        return ()
    memories = []
    for name in tables.values:
        table = tables.table(name, required=True)
        if table is None:
            continue
        origin, length = table.number("origin"), table.number("length")
        kind = table.choice("kind", MEMORY_KINDS)
        table.finish()
        if length == 0:
            table.problem("length", "is 0")
        if origin is not None and length:
            memories.append(Memory(name, origin, length, kind))
    in_order = sorted(memories, key=lambda memory: memory.origin)
    for before, after in pairwise(in_order):
        if after.origin < before.end:
            tables.problem(after.name, f"overlaps '{before.name}', which ends at {before.end:#x}")
    for kind in MEMORY_KINDS if required else ():
        if not any(memory.kind == kind for memory in memories):
            tables.problem("", f'has no region with kind = "{kind}"')
    return tuple(memories)


def _toolchain(top: _Table) -> ToolchainSettings:
    table = top.table("toolchain", required=True)
    if table is None:
        return ToolchainSettings("", (), (), ())
    settings = ToolchainSettings(
        table.text("compiler"), table.texts("flags", []), table.texts("speed", []), table.texts("size", [])
    )
    table.finish()
    return settings


def _board(top: _Table, required: bool) -> Board | None:
    table = top.table("board", required)
    if table is None:
        return None
    named = table.text("folder")
    # A folder of the user's own lies beside the target file; the package's lie under firmware/boards.
    own = top.file.parent / named
    folder = own if named and own.is_dir() else data_folder("firmware") / "boards" / named
    if named and not folder.is_dir():
        table.problem("folder", f"is '{named}', but neither {own} nor {folder} is a folder")
    board = Board(folder)
    table.finish()
    return board


def _runner(top: _Table) -> Runner:
    table = top.table("runner", required=True)
    if table is None:
        return Runner("")
    kind = table.choice("kind", RUNNERS)
    runner = Runner(kind, table.text("configuration", None if kind == "verilator" else ""))
    table.finish()
    return runner


def _flasher(top: _Table) -> Flasher | None:
    table = top.table("flasher", required=False)
    if table is None:
        return None
    flasher = Flasher(table.text("command"), table.texts("arguments", []))
    table.finish()
    return flasher


def _serial(top: _Table) -> Serial | None:
    table = top.table("serial", required=False)
    if table is None:
        return None
    serial = Serial(table.text("port", ""), table.number("baud", 115200) or 0)
    table.finish()
    return serial
