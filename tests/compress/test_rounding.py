"""Learned rounding against every possible rounding, and against rounding to nearest."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from smidgen.compress.quantize.rounding import Problem, Rounded
from smidgen.compress.quantize.weights import round_to, search_scale, weight_range


def problem(seed: int, bits: int, size: int = 6, outputs: int = 5, groups: int = 1) -> Problem:
    """Correlated inputs, as those of a convolution are."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(0, 1, (groups, size, size))
    inputs = mix @ mix.transpose(0, 2, 1) / size
    weights = rng.normal(0, 1, (groups, outputs, size))
    targets = inputs @ weights.transpose(0, 2, 1)
    return Problem(inputs, targets, weights, np.full((groups, outputs), 1e-9), bits)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bits", [4, 2])
def test_learned_is_never_worse_than_nearest(bits: int, seed: int) -> None:
    one = problem(seed, bits, size=18, outputs=20, groups=2)
    rows = one.float_weights.reshape(40, 18)
    scale = search_scale(rows, bits)
    nearest = Rounded(round_to(rows, scale, bits).reshape(2, 20, 18), scale.reshape(2, 20))
    learned = one.solve()
    low, high = weight_range(bits)
    assert learned.integers.min() >= low and learned.integers.max() <= high
    assert np.all(one.error(learned) <= one.error(nearest) + 1e-9)
    constant = np.einsum("gok,gkj,goj->go", one.float_weights, one.h, one.float_weights)
    gain = (one.error(learned) + constant).sum() / (one.error(nearest) + constant).sum()
    assert gain < 0.6


@pytest.mark.parametrize("seed", range(6))
def test_learned_is_close_to_the_best_of_all_roundings(seed: int) -> None:
    """2 bits and 6 inputs: all 4096 roundings at each of many scales."""
    one = problem(seed, 2, size=6, outputs=3)
    learned = one.error(one.solve())[0]
    every = np.array(list(itertools.product(range(-2, 2), repeat=6)), float)
    h, c = one.h[0], one.c[0]
    below, above = np.einsum("nk,kj,nj->n", every, h, every), every @ c.T
    # For given integers, the best scale is known.
    best = -np.where((above > 0) & (below[:, None] > 0), above**2 / np.maximum(below, 1e-12)[:, None], 0).max(
        axis=0
    )
    constant = np.einsum("ok,kj,oj->o", one.float_weights[0], h, one.float_weights[0])
    assert np.all(learned + constant >= best + constant - 1e-6)
    assert (learned + constant).sum() <= 1.6 * (best + constant).sum() + 1e-6


def test_scale_stays_above_its_floor() -> None:
    one = problem(1, 4)
    one.floor[:] = 5.0
    assert np.all(one.solve().scale >= 5.0)


def test_inputs_that_never_change_are_no_obstacle() -> None:
    """Dead inputs leave no trace in the moments; their weights stay near the float ones."""
    one = problem(2, 4)
    dead = Problem(np.zeros((1, 6, 6)), np.zeros((1, 6, 5)), one.float_weights, one.floor, 4)
    learned = dead.solve()
    assert np.isfinite(learned.weights).all()
    assert np.abs(learned.weights - one.float_weights).max() < 0.5
