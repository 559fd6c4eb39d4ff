"""What the command line and the ini file say."""

from __future__ import annotations

import dataclasses
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from smidgen.device.boards import Shelf, read_hardware_map
from smidgen.device.serial_device import Deadlines
from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.testing.budgets import Budgets, read_budgets
from smidgen.testing.ini import ini_folder
from smidgen.testing.stash import SETTINGS

FLASH = ("auto", "always", "never")
_CHOICES = {"optimize": ("speed", "size"), "arena": ("fast", "small")}


@dataclass(frozen=True)
class Seconds:
    """The deadline of every stage. wait: for a free board; test: the test's own part, runs and all."""

    wait: float = 900.0
    build: float = 900.0
    flash: float = 300.0
    boot: float = 60.0
    transfer: float = 60.0
    run: float = 300.0
    query: float = 60.0
    test: float = 900.0

    def deadlines(self) -> Deadlines:
        return Deadlines(boot=self.boot, transfer=self.transfer, run=self.run, query=self.query)

    def but(self, values: Mapping[str, object], where: str) -> Seconds:
        """With other deadlines for some stages. UsageError with all that are wrong."""
        problems = ProblemList()
        changed = _changed(self, values, f"{where}, marker 'smidgen', seconds", problems)
        problems.stop_if_any(UsageError)
        return changed


@dataclass(frozen=True)
class ModelSettings:
    """A line of smidgen_models. name: the file's, without its suffix; data: inputs and labels (.npz)."""

    name: str
    file: Path
    data: Path | None = None
    limit: int | None = None
    optimize: str = "speed"
    arena: str = "fast"


@dataclass(frozen=True)
class Settings:
    """boards: ids or platforms to which the run is restricted, empty for all."""

    map_file: Path | None
    shelf: Shelf
    boards: tuple[str, ...]
    models: dict[str, ModelSettings]
    budgets: Budgets
    seconds: Seconds
    flash: str
    cache: Path | None


def settings(config: pytest.Config) -> Settings:
    """Read once for a run of pytest. UsageError with everything that is wrong."""
    if SETTINGS not in config.stash:
        config.stash[SETTINGS] = _read(config)
    return config.stash[SETTINGS]


def _read(config: pytest.Config) -> Settings:
    problems = ProblemList()
    here, ini = config.invocation_params.dir, ini_folder(config)
    map_file = _file(config, "map")
    boards = tuple(config.getoption("--smidgen-board"))
    shelf = Shelf(read_hardware_map(map_file) if map_file else ())
    if boards:
        shelf = _chosen(shelf, boards, problems)
    given = config.getoption("--smidgen-model")
    models = [
        _model(line, here if given else ini, problems) for line in given or config.getini("smidgen_models")
    ]
    names = [model.name for model in models]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(f"model '{name}'", "is there twice", "give the files different names")
    budgets = _file(config, "budgets")
    seconds = _seconds([*config.getini("smidgen_seconds"), *config.getoption("--smidgen-seconds")], problems)
    flash = config.getoption("--smidgen-flash") or str(config.getini("smidgen_flash"))
    if flash not in FLASH:
        problems.add("smidgen_flash", f"is '{flash}'", f"use one of: {', '.join(FLASH)}")
    problems.stop_if_any(UsageError)
    return Settings(
        map_file=map_file,
        shelf=shelf,
        boards=boards,
        models=dict(zip(names, models, strict=True)),
        budgets=read_budgets(budgets) if budgets else Budgets({}),
        seconds=seconds,
        flash=flash,
        cache=_file(config, "cache"),
    )


def _file(config: pytest.Config, name: str) -> Path | None:
    """From the command line, relative to where pytest was started, or from the ini file, relative to that."""
    given = config.getoption(f"--smidgen-{name}")
    if given:
        return config.invocation_params.dir / given
    written = str(config.getini(f"smidgen_{name}"))
    return ini_folder(config) / written if written else None


def _chosen(shelf: Shelf, names: tuple[str, ...], problems: ProblemList) -> Shelf:
    chosen = []
    for entry in shelf.entries:
        platforms = tuple(p for p in entry.platforms if p in names)
        if entry.id in names:
            chosen.append(entry)
        elif platforms:
            chosen.append(dataclasses.replace(entry, platforms=platforms))
    known = {name for entry in shelf.entries for name in (entry.id, *entry.platforms)}
    for name in names:
        if name not in known:
            there = ", ".join(entry.id for entry in shelf.entries) or "none; give --smidgen-map"
            problems.add(f"--smidgen-board {name}", "is no connected board", f"the hardware map has: {there}")
    return Shelf(chosen)


def _model(line: str, folder: Path, problems: ProblemList) -> ModelSettings:
    try:
        file, *options = shlex.split(line)
    except ValueError:
        problems.add(f"model '{line}'", "cannot be read", "write FILE [data=FILE] [limit=N] ...")
        return ModelSettings(line, folder / line)
    path = folder / file
    fields: dict[str, object] = {}
    for option in options:
        key, _, value = option.partition("=")
        if key == "data":
            fields[key] = folder / value
        elif key == "limit" and value.isdecimal() and int(value) > 0:
            fields[key] = int(value)
        elif value in _CHOICES.get(key, ()):
            fields[key] = value
        else:
            fix = "use data=FILE, limit=N, optimize=speed|size or arena=fast|small"
            problems.add(f"model '{file}'", f"'{option}' is not understood", fix)
    if not path.is_file():
        problems.add(f"model '{file}'", f"there is no file {path}")
    return ModelSettings(path.stem, path, **fields)  # type: ignore[arg-type]


def _seconds(texts: list[str], problems: ProblemList) -> Seconds:
    values: dict[str, object] = {}
    for text in texts:
        stage, _, value = text.partition("=")
        try:
            values[stage] = float(value)
        except ValueError:
            values[stage] = value
    return _changed(Seconds(), values, "smidgen_seconds", problems)


def _changed(seconds: Seconds, values: Mapping[str, object], where: str, problems: ProblemList) -> Seconds:
    known = [field.name for field in dataclasses.fields(Seconds)]
    for stage, value in values.items():
        if stage not in known:
            problems.add(where, f"'{stage}' is no stage", f"use one of: {', '.join(known)}")
        elif not isinstance(value, (int, float)) or not 0 < value < math.inf:
            problems.add(where, f"'{stage}={value}' is not understood", "give seconds, above 0")
        else:
            seconds = dataclasses.replace(seconds, **{stage: float(value)})
    return seconds


def no_map() -> UsageError:
    fix = "give --smidgen-map FILE, or write smidgen_map = FILE into the ini file (docs/testing.md)"
    return UsageError(Problem("the fixture 'board'", "needs a hardware map", fix))


def no_model() -> UsageError:
    fix = "give --smidgen-model FILE, or write smidgen_models = FILE into the ini file (docs/testing.md)"
    return UsageError(Problem("the fixture 'model_under_test'", "needs a model", fix))
