"""Imports run downward only: `graph` knows nobody, `cli` may know everyone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

# What each folder may import, beside itself and the modules that everyone may (`errors`, `paths`, ...).
EVERYONE = {"errors", "paths", "__init__"}
ALLOWED = {
    "graph": set(),
    "npu": {"graph"},
    "importers": {"graph"},
    "exporters": {"graph"},
    "compress": {"graph"},
    "train": {"graph", "compress"},
    "compile": {"graph", "npu", "targets", "toolchains", "golden"},
    "fpga": {"compile", "targets"},
    "libraries": {"graph", "compile", "targets", "golden"},
    "device": {"graph", "npu", "compile", "targets", "golden", "toolchains"},
    "explore": {"graph", "compress", "compile", "device", "targets", "toolchains", "golden"},
    "oracles": {"graph", "importers"},
    "run": {
        "graph",
        "npu",
        "importers",
        "compress",
        "train",
        "explore",
        "compile",
        "device",
        "oracles",
        "targets",
        "golden",
    },
    "testing": {"graph", "importers", "compile", "device", "run", "targets"},
    "report": {
        "graph",
        "importers",
        "compress",
        "explore",
        "compile",
        "libraries",
        "device",
        "run",
        "targets",
    },
}


def imported(path: Path) -> set[str]:
    """The first part below `smidgen` of every import in a file."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        parts |= {name.split(".")[1] for name in names if name.startswith("smidgen.")}
    return parts


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports_run_downward(repository: Path, folder: str) -> None:
    for path in sorted((repository / "sdk" / "smidgen" / folder).rglob("*.py")):
        beyond = imported(path) - ALLOWED[folder] - EVERYONE - {folder}
        assert not beyond, f"{path} imports {beyond}"


def test_files_are_short(repository: Path) -> None:
    for folder, suffix in (
        ("sdk", ".py"),
        ("firmware", ".c"),
        ("firmware", ".h"),
        ("hw", ".sv"),
        ("hw", ".cpp"),
    ):
        for path in (repository / folder).rglob(f"*{suffix}"):
            if "build" not in path.relative_to(repository).parts:
                lines = len(path.read_text(encoding="utf-8").splitlines())
                assert lines <= 400, f"{path} has {lines} lines"
