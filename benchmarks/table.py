"""Our figures beside the bars and the figures of others."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from smidgen.report.tables import number, print_table

MODELS = ("kws", "vww", "ic", "ad", "sww")
COLUMNS = (*MODELS, "all")
OURS = "ours"

Row = dict[str, float | None]
# quantity -> model (or "all") -> value
Figures = dict[str, Row]
Peer = dict[str, Any]


def load_peers() -> list[Peer]:
    """What others reach, and our own bars: the entries of peers.toml."""
    return tomllib.loads((Path(__file__).parent / "peers.toml").read_text(encoding="utf-8"))["figure"]


def peer(quantity: str, whose: str) -> Peer:
    """The one figure of this quantity and origin."""
    (found,) = [one for one in load_peers() if (one["quantity"], one["whose"]) == (quantity, whose)]
    return found


def print_figures(ours: Figures, more_peers: Sequence[Peer] = ()) -> None:
    """For each quantity our row, then the bars and the peers; below, where these come from."""
    peers = [one for one in (*load_peers(), *more_peers) if one["quantity"] in ours]
    rows = []
    for quantity, row in ours.items():
        rows.append((quantity, OURS, *(_cell(row, column) for column in COLUMNS)))
        same = [one for one in peers if one["quantity"] == quantity]
        same.sort(key=lambda one: not one["whose"].startswith("bar"))
        rows += [("", one["whose"], *(_cell(one, column) for column in COLUMNS)) for one in same]
    print_table(["figure", "whose", *COLUMNS], rows)
    print("'missing': not measured in this run; what an FPGA takes comes from the last 'make -C hw synth'.")
    _print_sources(peers)


def _print_sources(peers: list[Peer]) -> None:
    """Each source once, with all that comes from it under the same conditions."""
    quantities: dict[str, list[str]] = {}
    for one in peers:
        if not one["whose"].startswith("bar"):
            line = f"{one['whose']}: {one['source']}; {one['conditions']}"
            quantities.setdefault(line, []).append(one["quantity"])
    if quantities:
        print("\nWhere the figures of others come from:")
    for line, names in quantities.items():
        print(f"  {line} ({'; '.join(names)})")


def quotient(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def reached(ours: float | None, must: float | None, aim: float | None) -> str:
    """Which of two bars a figure that should be small has reached."""
    if ours is None or must is None or aim is None:
        return "-"
    return "aim" if ours <= aim else "must" if ours <= must else "missed"


def millions(values: Iterable[float | None]) -> str:
    return " / ".join(number(None if value is None else value / 1e6, 3) for value in values)


def _cell(row: dict, column: str) -> str:
    if column not in row:
        return ""
    value = row[column]
    if value is None:
        return "missing"
    return f"{value:,.2f}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"
