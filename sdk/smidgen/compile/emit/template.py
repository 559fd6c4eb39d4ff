"""C text from small templates: files of C with $names, in the folder `templates`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent / "templates"


@cache
def _load(file: str) -> Template:
    return Template((_FOLDER / file).read_text(encoding="utf-8"))


def fill(file: str, **values: object) -> str:
    """The template with every $name replaced. Raises KeyError when a name has no value."""
    return _load(file).substitute({name: str(value) for name, value in values.items()})


def comment_text(text: str) -> str:
    """Text from a model as it may stand in a C comment or a string: printable ASCII, no quotes, no `*/`."""
    printable = "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)
    return printable.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")
