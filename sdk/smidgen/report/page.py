"""The frame of a report page, and what several pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files

from smidgen import __version__
from smidgen.report.tables import is_number


def document(title: str, sections: Iterable[str]) -> str:
    """A whole page of these sections; it needs no other file."""
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    style = files("smidgen.report").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body>{''.join(sections)}<footer>Smidgen {escape(__version__)}, {made}</footer></body></html>\n"
    )


def cards(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, those without a value left out; what a value has in parentheses is set smaller."""
    items = (_card(name, *value.partition(" (")) for name, value in pairs if value != "-")
    return f'<div class="cards">{"".join(items)}</div>'


def _card(name: str, value: str, _: str, note: str) -> str:
    small = f"<small>{escape(note.removesuffix(')'))}</small>" if note else ""
    return f'<div class="card"><b>{escape(value)}</b>{small}<span>{escape(name)}</span></div>'


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns whose cells are all numbers are aligned to the right."""
    right = [all(is_number(row[index]) for row in rows) for index in range(len(columns))]

    def cells(tag: str, row: Sequence[str]) -> str:
        styles = (' class="number"' if side else "" for side in right)
        return "".join(
            f"<{tag}{style}>{escape(text)}</{tag}>" for style, text in zip(styles, row, strict=True)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = f"<tr>{cells('th', columns)}</tr>"
    return f"<h2>{escape(title)}</h2><div class='scroll'><table>{head}{body}</table></div>"
