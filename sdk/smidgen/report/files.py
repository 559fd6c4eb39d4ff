"""Writing report files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smidgen.errors import Problem, UsageError


def write_text(path: Path, text: str) -> None:
    """Write a report. Raises UsageError when the place cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be written: {error.strerror}")) from None


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
