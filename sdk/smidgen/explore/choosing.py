"""Which of the points that were found a user gets, under the budgets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from smidgen.errors import Problem, UsageError
from smidgen.explore.costs import WIDTHS, Costs
from smidgen.explore.search import Found, Point

# How figures are called in messages.
_TITLES = {"accuracy": "accuracy", "weights": "weights", "flash": "flash", "ram": "RAM"}


def check_possible(costs: Costs, limits: Mapping[str, float]) -> None:
    """Raise UsageError when a cost cannot be met with any bits; it names the least."""
    cheapest = [costs.of((bits,) * len(costs.layers)) for bits in WIDTHS]
    # A layer may be faster at more bits, so each cost has a least choice of its own.
    least = {
        "taken": costs.base.taken + _least(costs, "taken"),
        "weights": min(one.weight_bytes for one in cheapest),
        "flash": min(one.flash_bytes for one in cheapest),
        "ram": costs.least_ram_bytes,
    }
    fewest = dict.fromkeys(("weights", "flash"), "with the fewest bits it is")
    problems = [
        Problem(
            f"budget on {_title(name, costs.base.unit)}",
            f"{_text(name, limits[name])} cannot be met: "
            f"{fewest.get(name, 'whatever the bits, it is at least')} {_text(name, value)}",
            "raise the budget, or make the model smaller",
        )
        for name, value in least.items()
        if name in limits and value > limits[name]
    ]
    if problems:
        raise UsageError(problems)


def _least(costs: Costs, name: str) -> float:
    changes = [
        min(getattr(costs.latencies[layer, bits], name) for bits in WIDTHS)
        - getattr(costs.latencies[layer, 8], name)
        for layer in costs.layers
    ]
    return sum(changes)


def meeting(found: Found, limits: Mapping[str, float], unit: str) -> list[Point]:
    """The points that meet every limit, the one to take first.

    Where only accuracy is limited, or nothing, that is the cheapest. Where a cost is limited, it is, of those
    within one standard error of the most accurate, the one with the least noise, which needs fewer samples to
    be told (Breiman et al., "Classification and Regression Trees", 1984, section 3.4.3).
    Raises UsageError when no point meets all; it names the nearest.
    """
    points = [point for point in found.points if meets(point, limits)]
    if not points:
        raise none_meets(found.points, limits, unit)
    if limits.keys() <= {"accuracy"}:
        return sorted(points, key=lambda point: (point.taken, point.weight_bytes, point.noise))
    best = max(points, key=_right)
    enough = _right(best) - math.sqrt(best.samples - best.same)

    def order(point: Point) -> tuple[float, ...]:
        lost = 0 if _right(point) >= enough else _right(best) - _right(point)
        return (lost, point.noise, point.taken, point.weight_bytes)

    return sorted(points, key=order)


def meets(point: Point, limits: Mapping[str, float]) -> bool:
    return _excess(point, limits) <= 0


def none_meets(points: Sequence[Point], limits: Mapping[str, float], unit: str) -> UsageError:
    """What to raise then; it names the nearest point."""
    nearest = min(points, key=lambda point: (_excess(point, limits), point.noise))
    have = ", ".join(
        f"{_title(name, unit)} {_text(name, value)}"
        for name in limits
        if (value := nearest.figures[name]) is not None
    )
    want = ", ".join(f"{_title(name, unit)} {_text(name, limit)}" for name, limit in limits.items())
    fix = f"the nearest that was found has {have}; change a budget, or train (step fine_tune)"
    return UsageError(Problem("budget", f"none of {len(points)} choices has {want}", fix))


def _right(point: Point) -> int:
    return point.same if point.right is None else point.right


def _excess(point: Point, limits: Mapping[str, float]) -> float:
    """How far the point is beyond the limits: of costs as a share, of accuracy in tens of points."""
    excess = [0.0]
    for name, limit in limits.items():
        value = point.figures[name]
        assert value is not None
        excess.append((limit - value) / 10 if name == "accuracy" else value / limit - 1)
    return max(excess)


def _title(name: str, unit: str) -> str:
    return unit if name == "taken" else _TITLES[name]


def _text(name: str, value: float) -> str:
    return (
        f"{value + 0.0:+.2f} points"
        if name == "accuracy"
        else f"{value:,.0f}" + ("" if name == "taken" else " bytes")
    )
