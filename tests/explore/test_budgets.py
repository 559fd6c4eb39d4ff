"""Budgets are read as users write them, and everything wrong in them is said at once."""

from __future__ import annotations

import pytest

from smidgen.errors import UsageError
from smidgen.explore.budgets import limits, parse_budgets
from smidgen.explore.latency import ModelCost

BASE = ModelCost("cycles", 1_000_000, 40_000, 90_000, 50_000, 40_000)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("accuracy=-1.0", {"accuracy": -1.0}),
        ("accuracy=0", {"accuracy": 0.0}),
        ("cycles=0.5x", {"taken": 500_000}),
        ("cycles=250000", {"taken": 250_000}),
        ("time=20ms", {"taken": 800_000}),
        ("time=500us", {"taken": 20_000}),
        ("flash=64K", {"flash": 65_536}),
        ("flash=1.5M", {"flash": 1_572_864}),
        ("ram=20K", {"ram": 20_480}),
        ("weights=0.5x", {"weights": 20_000}),
    ],
)
def test_budget_becomes_a_limit(text: str, limit: dict[str, float]) -> None:
    assert limits(parse_budgets([text]), BASE, 40_000_000, "target 'midge'") == pytest.approx(limit)


def test_the_tighter_of_two_limits_on_one_figure_counts() -> None:
    budgets = parse_budgets(["cycles=0.9x", "time=20ms"])
    assert limits(budgets, BASE, 40_000_000, "target 'midge'") == {"taken": 800_000}


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = ["speed=3", "accuracy=1.0", "cycles", "time=20", "flash=0", "ram=1K", "ram=2K", "weights=-1"]
    with pytest.raises(UsageError) as caught:
        parse_budgets(wrong)
    text = str(caught.value)
    assert len(caught.value.problems) == 7
    for word in ("speed=3", "accuracy=1.0", "cycles", "time=20", "flash=0", "'ram' twice", "weights=-1"):
        assert word in text


def test_what_a_target_does_not_tell_cannot_be_limited() -> None:
    counts_instructions = ModelCost("instructions", 1e6, 1, 1, 1, 1)
    with pytest.raises(UsageError, match=r"counts instructions\n.*limit instructions"):
        limits(parse_budgets(["cycles=0.5x"]), counts_instructions, None, "target 'mps2-an386'")
    with pytest.raises(UsageError, match="no clock or no cycles"):
        limits(parse_budgets(["time=1ms"]), counts_instructions, 10, "target 'mps2-an386'")
    no_target = ModelCost("", 0, 40_000, 0, 0, 0)
    with pytest.raises(UsageError) as caught:
        limits(parse_budgets(["cycles=0.5x", "flash=64K", "weights=0.5x"]), no_target, None, "no target")
    assert len(caught.value.problems) == 2 and "name one with -t" in str(caught.value)
