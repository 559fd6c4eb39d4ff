"""Budgets: what a model may take of a board, and how right it must be.

A TOML file: a table for each model, by its file's name without the suffix, with limits for every board and a
table for each platform that has its own:

    [digits]
    accuracy = 0.95
    [digits.midge]
    cycles = 25_000
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smidgen.errors import ProblemList, UsageError
from smidgen.targets.table import read_toml

# What may be limited, and whether the limit is the least or the most that is allowed.
AT_LEAST = ("accuracy",)
AT_MOST = ("cycles", "instructions", "flash", "ram", "arena", "stack", "weights")
NAMES = (*AT_LEAST, *AT_MOST)

Limits = Mapping[str, float]


class Budgets:
    """Limits by model and platform."""

    def __init__(self, tables: Mapping[str, Mapping[str, Any]], where: str = "") -> None:
        self._tables = tables
        self.where = where

    def limits(self, model: str, *platforms: str) -> dict[str, float]:
        """Those of the model, with those of the platform over them; platforms: all names that it has."""
        table = self._tables.get(model, {})
        general = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
        own = [table[name] for name in platforms if isinstance(table.get(name), Mapping)]
        return {**general, **(own[0] if own else {})}


def read_budgets(path: Path) -> Budgets:
    """UsageError with everything that is wrong in the file."""
    tables = read_toml(path, "budgets")
    problems = ProblemList()
    for model, table in tables.items():
        if not isinstance(table, dict):
            problems.add(str(path), f"'{model}' stands outside of a table", "begin with [name-of-the-model]")
            continue
        for name, value in table.items():
            if isinstance(value, dict):
                check_limits(value, f"{path}, [{model}.{name}]", problems)
            else:
                check_limits({name: value}, f"{path}, [{model}]", problems)
    problems.stop_if_any(UsageError)
    return Budgets(tables, str(path))


def check_limits(limits: Mapping[str, Any], where: str, problems: ProblemList) -> None:
    for name, value in limits.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            problems.add(where, f"'{name}' cannot be limited", f"{hint}use one of: {', '.join(NAMES)}")
        elif not number or value < 0:
            problems.add(where, f"'{name}' must be a number of 0 or more, not {value!r}")
        elif name in AT_LEAST and value > 1:
            problems.add(where, f"'{name}' is a share, so at most 1, not {value}")


def exceeded(limits: Limits, measured: Mapping[str, float | None]) -> list[str]:
    """A line for each limit that what was measured breaks. What was not measured breaks none; None, which a
    board gives that cannot count it, does."""
    lines = []
    for name, limit in limits.items():
        if name not in measured:
            continue
        value = measured[name]
        relation = "at least" if name in AT_LEAST else "at most"
        if value is None:
            lines.append(f"{name}: {relation} {limit:,} is asked for, and this board does not count it")
        elif (value < limit) if name in AT_LEAST else (value > limit):
            lines.append(f"{name}: {value:,} measured, {relation} {limit:,} allowed")
    return lines
