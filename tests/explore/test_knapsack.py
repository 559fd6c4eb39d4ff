"""The additive front is the one that trying everything gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from smidgen.explore import knapsack
from smidgen.explore.knapsack import additive_front


def exhaustive(layers: list[np.ndarray]) -> set[tuple[float, ...]]:
    """The totals that no other total beats."""
    totals = {
        tuple(np.sum([layer[i] for layer, i in zip(layers, options, strict=True)], axis=0).tolist())
        for options in itertools.product(*(range(len(layer)) for layer in layers))
    }
    return {
        one
        for one in totals
        if not any(other != one and all(a <= b for a, b in zip(other, one, strict=True)) for other in totals)
    }


@pytest.mark.parametrize("costs", [1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_front_is_the_exhaustive_one(costs: int, seed: int) -> None:
    rng = np.random.default_rng([seed, costs])
    layers = [
        rng.integers(0, 12 if seed % 2 else 1000, (3, 1 + costs)).astype(float)
        for _ in range(rng.integers(1, 6))
    ]
    found = additive_front(layers)
    assert {tuple(row) for row in found.totals.tolist()} == exhaustive(layers)
    assert len(found.totals) == len({tuple(row) for row in found.totals.tolist()})
    for total, options in zip(found.totals, found.options, strict=True):
        np.testing.assert_array_equal(
            total, np.sum([layer[i] for layer, i in zip(layers, options, strict=True)], axis=0)
        )


def test_coarse_sums_stay_within_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few cells the front is no longer exact, but each layer adds at most a cell to a cost."""
    rng = np.random.default_rng(7)
    layers = [rng.uniform(0, 1, (3, 3)) for _ in range(6)]
    exact = additive_front(layers).totals
    cells = 40
    monkeypatch.setattr(knapsack, "CELLS", cells)
    coarse = additive_front(layers).totals
    assert len(coarse) < len(exact)
    slack = len(layers) * sum(layer.max(axis=0) for layer in layers)[1:] / cells
    for row in exact:
        assert ((coarse[:, 0] <= row[0] + 1e-9) & (coarse[:, 1:] <= row[1:] + slack).all(axis=1)).any()


def test_negative_costs_are_refused() -> None:
    with pytest.raises(ValueError, match="below 0"):
        additive_front([np.array([[0.0, -1.0]])])
