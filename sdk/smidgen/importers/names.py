"""The name of an imported graph."""

from __future__ import annotations

import re
from pathlib import Path


def graph_name(path: Path) -> str:
    """The file's stem as a C identifier."""
    name = re.sub(r"[^0-9A-Za-z]+", "_", path.stem).strip("_").lower()
    return name if name and name[0].isalpha() else f"model_{name}".rstrip("_")
