"""Learned rounding: the integers and scales that give a layer's outputs back best, not its weights.

For one output channel the squared error of the outputs is a quadratic form of the weights, so the data enter
by their second moments alone, and the best rounding is a quadratic problem in integers. It is approached by
rounding one weight after the other while the others make up for its error (OPTQ, E. Frantar et al., arXiv
2210.17323), then by changing single weights while that helps (coordinate descent, as in QuantEase, K. Behdin
et al., arXiv 2309.01885). AdaRound (M. Nagel et al., arXiv 2004.10568) minimizes the same error by gradients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.compress.quantize.weights import search_scale, weight_range

# How far the weights are held near the float ones where the data say nothing, of the mean variance.
_DAMPING = 0.01
# Scales that are tried, of the one that clips no weight.
_CLIPS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_ROUNDS, _SWEEPS = 3, 12


@dataclass(frozen=True, eq=False)
class Rounded:
    """integers (groups, outputs, inputs) as float64, scale (groups, outputs)."""

    integers: np.ndarray
    scale: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        return self.integers * self.scale[:, :, None]


class Problem:
    """Minimize w H w - 2 w c for each output channel over w = scale * integers.

    inputs: covariance of the inputs (groups, inputs, inputs); targets: covariance of inputs and outputs
    (groups, inputs, outputs); weights: the float ones (groups, outputs, inputs); floor: the smallest scale
    that is allowed (groups, outputs).
    """

    def __init__(
        self, inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray, floor: np.ndarray, bits: int
    ) -> None:
        self.bits = bits
        self.low, self.high = weight_range(bits)
        self.float_weights, self.floor = weights, floor
        size = inputs.shape[1]
        mean = np.maximum(np.trace(inputs, axis1=1, axis2=2) / size, 1e-12)
        damping = _DAMPING * mean[:, None]
        self.h = inputs + damping[:, :, None] * np.eye(size)
        self.c = targets.transpose(0, 2, 1) + damping[:, :, None] * weights

    def solve(self) -> Rounded:
        """The best of several starts, each of which is improved; never worse than rounding to nearest."""
        w = self.float_weights
        rows = w.reshape(-1, w.shape[2])
        scale = self._stored(np.maximum(search_scale(rows, self.bits).reshape(w.shape[:2]), self.floor))
        nearest = np.clip(np.rint(w / scale[:, :, None]), self.low, self.high)
        chosen = Rounded(nearest, scale)
        chosen = self._improved(chosen, chosen)
        unclipped = np.maximum(w.max(axis=2) / self.high, w.min(axis=2) / self.low)
        inverse = np.linalg.inv(self.h)
        upper = np.linalg.cholesky(inverse).transpose(0, 2, 1)
        best = self.c @ inverse
        for clip in _CLIPS:
            scale = self._stored(np.maximum(unclipped * clip, self.floor))
            chosen = self._improved(Rounded(self._propagate(best, upper, scale), scale), chosen)
        return chosen

    def _improved(self, start: Rounded, chosen: Rounded) -> Rounded:
        """The better of `chosen` and of what the start becomes, channel by channel: integers and scale are
        set to their best in turn."""
        for _ in range(_ROUNDS):
            start = Rounded(self._descend(start.integers, start.scale), start.scale)
            better = self.error(start) < self.error(chosen)
            chosen = Rounded(
                np.where(better[:, :, None], start.integers, chosen.integers),
                np.where(better, start.scale, chosen.scale),
            )
            start = Rounded(start.integers, self._fitted(start.integers, start.scale))
        return chosen

    def error(self, rounded: Rounded) -> np.ndarray:
        """Of each output channel, up to a constant."""
        w = rounded.weights
        return ((w @ self.h - 2 * self.c) * w).sum(axis=2)

    def _stored(self, scale: np.ndarray) -> np.ndarray:
        return np.where(scale > 0, scale, 1.0).astype(np.float32).astype(np.float64)

    def _fitted(self, integers: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """The best scale for these integers."""
        above = (integers * self.c).sum(axis=2)
        below = ((integers @ self.h) * integers).sum(axis=2)
        fitted = np.where((below > 0) & (above > 0), above / np.where(below > 0, below, 1.0), scale)
        return self._stored(np.maximum(fitted, self.floor))

    def _propagate(self, best: np.ndarray, upper: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Round one input after the other; those that follow make up for the error."""
        w, integers = best.copy(), np.empty_like(best)
        for k in range(w.shape[2]):
            integers[:, :, k] = np.clip(np.rint(w[:, :, k] / scale), self.low, self.high)
            error = (w[:, :, k] - integers[:, :, k] * scale) / upper[:, None, k, k]
            w[:, :, k:] -= error[:, :, None] * upper[:, None, k, k:]
        return integers

    def _descend(self, integers: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Set one weight after the other to its best value, until none changes."""
        q = integers.copy()
        slope = self.c - (q * scale[:, :, None]) @ self.h
        for _ in range(_SWEEPS):
            changed = False
            for k in range(q.shape[2]):
                step = slope[:, :, k] / self.h[:, None, k, k] / scale
                after = np.clip(np.rint(q[:, :, k] + step), self.low, self.high)
                change = after - q[:, :, k]
                if change.any():
                    changed = True
                    q[:, :, k] = after
                    slope -= (change * scale)[:, :, None] * self.h[:, None, k, :]
            if not changed:
                break
        return q
