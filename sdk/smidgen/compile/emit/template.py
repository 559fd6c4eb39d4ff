"""C text from small templates: files of C with $names, in the folder `templates`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template

# What needs no escape in a C string; a question mark could start a trigraph.
_PLAIN = frozenset(map(chr, range(0x20, 0x7F))) - frozenset('"\\?')
_FOLDER = Path(__file__).parent / "templates"


@cache
def _load(file: str) -> Template:
    return Template((_FOLDER / file).read_text(encoding="utf-8"))


def fill(file: str, **values: object) -> str:
    """The template with every $name replaced. Raises KeyError when a name has no value."""
    return _load(file).substitute({name: str(value) for name, value in values.items()})


def comment_text(text: str) -> str:
    """Text from a model as it may stand in a C comment: printable ASCII that cannot end the comment."""
    printable = "".join(c if " " <= c <= "~" and c not in "?\\" else "_" for c in text)
    return printable.replace("*/", "* /").replace("/*", "/ *")


def string_literal(text: str) -> str:
    """A C string with this text in UTF-8."""
    plain = (
        chr(byte) if chr(byte) in _PLAIN else f"\\{byte:03o}" for byte in text.encode("utf-8", "replace")
    )
    return f'"{"".join(plain)}"'
