"""What the neural engine did for each layer: its cycles, where they went, and what it moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from smidgen.report import page
from smidgen.report.tables import number, percent, print_table
from smidgen.run.engine import EngineUse
from smidgen.run.result import Result

TITLE = "Neural engine, from its own counters"

FIGURES: Mapping[str, Callable[[EngineUse], str]] = {
    "cycles": lambda use: number(use.cycles),
    "array use": lambda use: percent(use.array_use),
    "array works": lambda use: _share(use, use.array_cycles),
    "waits": lambda use: _share(use, use.waiting_cycles),
    "requantizer": lambda use: _share(use, use.requantizer_cycles),
    "ports": lambda use: _share(use, use.port_cycles),
    "start, end": lambda use: _share(use, use.rest_cycles),
    "bus waits": lambda use: _share(use, use.bus_cycles),
    "read B": lambda use: number(use.bytes_read),
    "written B": lambda use: number(use.bytes_written),
}
COLUMNS = ("#", "layer", "type", "shapes", *FIGURES)


def print_engine(result: Result) -> None:
    """Nothing where no layer runs on the engine."""
    rows = _rows(result)
    if rows:
        print_table(COLUMNS, rows, title=TITLE)


def section(result: Result) -> str:
    """The same for a page."""
    rows = _rows(result)
    return page.table(TITLE, COLUMNS, rows) if rows else ""


def _rows(result: Result) -> list[tuple[str, ...]]:
    """A row for each list, and one for each of its layers where there are several."""
    return [
        (number(layer.id) if use is layer.engine else "", use.name, use.type, use.shape, *figures(use))
        for layer in result.layers
        if layer.engine is not None
        for use in (layer.engine, *layer.engine.parts)
    ]


def figures(use: EngineUse) -> list[str]:
    return [cell(use) for cell in FIGURES.values()]


def _share(use: EngineUse, cycles: float | None) -> str:
    return percent(None if cycles is None or not use.cycles else cycles / use.cycles)
