"""One option for each layer: the whole front of what a choice costs, where costs add up.

A multiple-choice knapsack with several costs and no fixed budget. Layers are added one after the other, and
what another partial choice dominates is dropped (H. Kellerer, U. Pferschy, D. Pisinger, "Knapsack Problems",
2004, chapters 11 and 13). Up to CELLS different sums of a cost the front is exact; beyond that sums in the
same of CELLS equal steps are taken for equal, so that each layer adds at most 1/CELLS to a cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CELLS = 2000


@dataclass(frozen=True, eq=False)
class Choices:
    """totals (N, 1 + costs): loss, then the costs; options (N, layers): the option taken of each layer.

    In the order of rising first cost.
    """

    totals: np.ndarray
    options: np.ndarray


def additive_front(layers: Sequence[np.ndarray]) -> Choices:
    """The choices that no other dominates.

    layers: for each layer an array (options, 1 + costs), one or two costs: what each option adds to the loss
    and to the costs; nothing may be negative.
    """
    width = layers[0].shape[1]
    if width not in (2, 3) or any(layer.shape[1] != width or layer.min() < 0 for layer in layers):
        raise ValueError("each option needs a loss and one or two costs, none below 0")
    most = sum(layer.max(axis=0) for layer in layers)[1:]
    totals, options = np.zeros((1, width)), np.zeros((1, 0), np.int8)
    for layer in layers:
        count = len(layer)
        totals = (totals[:, None] + layer[None]).reshape(-1, width)
        taken = np.tile(np.arange(count, dtype=np.int8), len(options))[:, None]
        options = np.hstack([np.repeat(options, count, axis=0), taken])
        kept = _undominated(totals, most)
        totals, options = totals[kept], options[kept]
    return Choices(totals, options)


def _undominated(totals: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Indices of the rows to keep, in the order of the first cost, then the second, then the loss."""
    cells = [_cells(column, largest) for column, largest in zip(totals.T[1:], most, strict=True)]
    second = cells[1] if len(cells) > 1 else np.zeros(len(totals), np.int64)
    order = np.lexsort((totals[:, 0], second, cells[0]))
    # The least loss so far of any row with at most so much of the second cost.
    least = np.full(int(second.max()) + 1, np.inf)
    kept = []
    for index in order:
        if totals[index, 0] < least[second[index]]:
            np.minimum(least[second[index] :], totals[index, 0], out=least[second[index] :])
            kept.append(index)
    return np.array(kept)


def _cells(values: np.ndarray, largest: float) -> np.ndarray:
    unique, ranks = np.unique(values, return_inverse=True)
    if len(unique) <= CELLS or largest == 0:
        return ranks
    return np.floor(values * (CELLS / largest)).astype(np.int64)
