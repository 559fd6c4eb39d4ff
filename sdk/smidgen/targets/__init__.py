"""Targets: one TOML file per board or core, found by name or by path.

A name is looked up as `NAME.toml` in the folders of `search_path()`, first match wins, so a user's own
target needs no change to the installed package.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from smidgen.errors import ProblemList, UsageError
from smidgen.paths import data_folder
from smidgen.targets.reading import read_target
from smidgen.targets.types import (
    Board,
    Bootloader,
    ChipId,
    Core,
    Engine,
    Flasher,
    Fpga,
    HeaderWords,
    Memory,
    Runner,
    Serial,
    SetupStep,
    Target,
    ToolchainSettings,
)

__all__ = [
    "Board",
    "Bootloader",
    "ChipId",
    "Core",
    "Engine",
    "Flasher",
    "Fpga",
    "HeaderWords",
    "Memory",
    "Runner",
    "Serial",
    "SetupStep",
    "Target",
    "ToolchainSettings",
    "list_targets",
    "load_target",
    "search_path",
]


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
        return read_target(Path(text))
    targets = list_targets()
    if text not in targets:
        problems = ProblemList()
        near = difflib.get_close_matches(text, targets, n=3, cutoff=0.4)
        near_text = f"did you mean {' or '.join(near)}? " if near else ""
        fix = f"{near_text}Known targets: {', '.join(targets) or 'none'}"
        problems.add(f"target '{text}'", "there is no such target", fix)
        problems.stop_if_any(UsageError)
    return read_target(targets[text])
