"""Folders of text from folders of templates: `@{name}` in file names and texts is replaced."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "templates"


class _Template(string.Template):
    """With @ for the names, because CMake, make and shells have their own use for $."""

    delimiter = "@"


def fill(text: str, values: Mapping[str, object]) -> str:
    """The text with every @{name} replaced. Raises KeyError when a name has no value."""
    return _Template(text).substitute({name: str(value) for name, value in values.items()})


def fill_file(file: str, values: Mapping[str, object]) -> str:
    """The text of a file of the template folder, filled."""
    return fill((FOLDER / file).read_text(encoding="utf-8"), values)


def fill_folder(folder: str, values: Mapping[str, object]) -> dict[str, str]:
    """All files below a folder of the template folder, by their path below it, filled."""
    top = FOLDER / folder
    return {
        fill(path.relative_to(top).as_posix(), values): fill(path.read_text(encoding="utf-8"), values)
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }
