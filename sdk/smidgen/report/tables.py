"""Tables on the terminal, with rich. On a pipe they are as wide as they need and have no colours."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 400
_MARKS = {
    "ok": "green",
    "yes": "green",
    "bit-exact": "green",
    "missing": "red",
    "no": "red",
    "differs": "red",
}


def console() -> Console:
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=_PIPE_WIDTH)


def number(value: float | int | None, digits: int = 0) -> str:
    """Thousands separated; a dash for a figure that there is not."""
    return "-" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{100 * value:.{digits}f} %"


def signed_percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{100 * value:+.{digits}f} %"


def short(value: float | None) -> str:
    """Four significant digits, for errors that may be of any size."""
    return "-" if value is None else f"{value:.4g}"


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str | None = None,
    footer: Sequence[str] = (),
) -> None:
    """Columns whose cells are all numbers are aligned to the right; footer is a last row below a rule."""
    cells = [[str(cell) for cell in row] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        column = [row[index] for row in cells]
        right = bool(column) and all(is_number(cell) for cell in column)
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell, style=_MARKS.get(cell, "")) for cell in row))
    if footer:
        table.add_section()
        table.add_row(*(Text(cell, style="bold") for cell in footer))
    out = console()
    if title:
        out.print(Text(title, style="bold"))
    out.print(table)


def print_pairs(pairs: Iterable[tuple[str, str]], title: str | None = None) -> None:
    """A two-column list of names and values."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    for name, value in pairs:
        grid.add_row(name, Text(value))
    out = console()
    if title:
        out.print(Text(title, style="bold"))
    out.print(grid)


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, or nothing."""
    text = cell.replace(",", "").removesuffix(" %").removesuffix(" B").replace(" ", "")
    return cell in ("", "-") or text.replace(".", "", 1).replace("e-", "", 1).lstrip("+-").isdigit()
