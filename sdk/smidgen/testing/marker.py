"""What a test's `smidgen` markers ask for."""

from __future__ import annotations

from typing import Any

import pytest

from smidgen.errors import Problem, UsageError

KEYS = ("platform", "fixtures", "model", "seconds", "budget")


def marker_values(item: pytest.Item) -> dict[str, Any]:
    """The nearest marker wins, key by key. UsageError for what a marker does not take."""
    values: dict[str, Any] = {}
    for marker in item.iter_markers("smidgen"):
        unknown = sorted(set(marker.kwargs) - set(KEYS))
        if unknown or marker.args:
            what = f"does not take {', '.join(unknown) or 'positional arguments'}"
            raise UsageError(Problem(f"{item.nodeid}, marker 'smidgen'", what, f"use {', '.join(KEYS)}"))
        values = {**marker.kwargs, **values}
    return values


def wanted(item: pytest.Item, key: str) -> tuple[str, ...]:
    """One name or several, as a tuple; () when the markers do not say."""
    value = marker_values(item).get(key, ())
    return (value,) if isinstance(value, str) else tuple(value)
