"""Rows of a benchmark that lasts: kept in a JSON file after each, so that a run that was stopped goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import REPOSITORY

# Where models and data lie unless --data says so.
SHARED = Path(os.environ.get("SMIDGEN_SHARED", REPOSITORY.parent / "shared" / "data"))


def open_rows(path: Path | None) -> tuple[dict[str, Any], Callable[[], None]]:
    """The rows measured before, by name, and what writes them as they then are; no path: nothing is kept."""
    rows: dict[str, Any] = {}
    if path and path.is_file():
        rows = json.loads(path.read_text(encoding="utf-8"))

    def save() -> None:
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            # In one step: a run killed while it writes leaves the file of before.
            unfinished = path.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
            unfinished.replace(path)

    return rows, save
