"""Finished evaluations in an SQLite file, so that a search that was killed goes on where it was.

Nothing else is kept: an evaluation is a pure function of what its file is named after and of its key, and the
search asks for the same ones in the same order each time.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from smidgen.errors import BuildError, Problem


class Store:
    """Results by key. A context manager; only one process writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=60)
            self._database.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value TEXT)")
        except (OSError, sqlite3.Error) as error:
            fix = "remove it, or set SMIDGEN_CACHE to a folder that can be written"
            raise BuildError(Problem(str(path), f"cannot keep the search's state: {error}", fix)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def get(self, key: str) -> Any:
        """What was stored under this key, None when nothing was."""
        row = self._database.execute("SELECT value FROM results WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, key: str, value: Any) -> None:
        """Store for good: once this returns, the value outlives the process."""
        with self._database:
            self._database.execute("INSERT OR REPLACE INTO results VALUES (?, ?)", (key, json.dumps(value)))
