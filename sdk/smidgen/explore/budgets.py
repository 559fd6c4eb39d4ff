"""What a user can limit: accuracy, and what the model takes of the target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smidgen.errors import ProblemList, UsageError
from smidgen.explore.latency import ModelCost

# What each budget is of, and how it may be written.
NAMES = {
    "accuracy": "points below the float model, such as -1.0",
    "cycles": "of one inference: a number, or a share of int8's such as 0.5x",
    "instructions": "of one inference, on a target that counts no cycles: as cycles",
    "time": "of one inference at the target's clock, such as 20ms",
    "weights": "bytes, weights and biases: a number, 64K, or a share of int8's such as 0.5x",
    "flash": "bytes of the image: as weights",
    "ram": "bytes of the image, with stack and arena: as weights",
}
ON_TARGET = ("cycles", "instructions", "time", "flash", "ram")
_FACTORS = {"": 1, "K": 1024, "M": 1024**2}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_COST = re.compile(rf"({_NUMBER})(x|K|M|)")
_TIME = re.compile(rf"({_NUMBER})(us|ms|s)")
_POINTS = re.compile(rf"-{_NUMBER}|0(?:\.0+)?")


@dataclass(frozen=True)
class Budget:
    """text: as the user wrote it; value: points (0 or below), bytes, cycles or seconds; relative: of int8."""

    name: str
    text: str
    value: float
    relative: bool = False


def parse_budgets(texts: Iterable[str], where: str = "--budget") -> tuple[Budget, ...]:
    """From texts such as accuracy=-1.0 or flash=64K. Raises UsageError with all that are wrong."""
    problems = ProblemList()
    budgets: dict[str, Budget] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in NAMES or not equals:
            problems.add(
                where, f"'{text}' is no budget", f"use NAME=VALUE with a name of: {', '.join(NAMES)}"
            )
        elif name in budgets:
            problems.add(where, f"limits '{name}' twice")
        elif (budget := _parsed(name, value)) is None:
            problems.add(where, f"'{text}' cannot be read", f"{name}: {NAMES[name]}")
        else:
            budgets[name] = budget
    problems.stop_if_any(UsageError)
    return tuple(budgets.values())


def _parsed(name: str, text: str) -> Budget | None:
    if name == "accuracy":
        return Budget(name, text, float(text)) if _POINTS.fullmatch(text) else None
    if name == "time":
        found = _TIME.fullmatch(text)
        return Budget(name, text, float(found[1]) * _SECONDS[found[2]]) if found else None
    found = _COST.fullmatch(text)
    if found is None or float(found[1]) == 0:
        return None
    relative = found[2] == "x"
    return Budget(name, text, float(found[1]) * (1 if relative else _FACTORS[found[2]]), relative)


def limits(budgets: Sequence[Budget], base: ModelCost, clock_hz: int | None, where: str) -> dict[str, float]:
    """Budgets as limits of a point's figures, by the name of the figure.

    base: the int8 model; its `unit` is "" without a target. Raises UsageError for a budget on something that
    the target does not tell.
    """
    problems = ProblemList()
    result: dict[str, float] = {}
    own: Mapping[str, float] = {
        "cycles": base.taken, "instructions": base.taken, "weights": base.weight_bytes,
        "flash": base.flash_bytes, "ram": base.ram_bytes,
    }  # fmt: skip
    for budget in budgets:
        name, value = budget.name, budget.value
        place = f"budget {name}={budget.text}"
        if name in ON_TARGET and not base.unit:
            problems.add(place, "only a target can tell", "name one with -t")
        elif name in ("cycles", "instructions") and name != base.unit:
            problems.add(place, f"{where} counts {base.unit}", f"limit {base.unit}")
        elif name == "time" and (base.unit != "cycles" or clock_hz is None):
            problems.add(place, f"of {where} no clock or no cycles are known", "limit what it counts")
        elif name == "time":
            result["taken"] = min(result.get("taken", value * clock_hz), value * clock_hz)
        elif name == "accuracy":
            result[name] = value
        else:
            figure = "taken" if name in ("cycles", "instructions") else name
            limit = value * own[name] if budget.relative else value
            result[figure] = min(result.get(figure, limit), limit)
    problems.stop_if_any(UsageError)
    return result
