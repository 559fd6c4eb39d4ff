"""From the camera's counts to the network's input, in float for training and in integers for targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FULL_SCALE = 4095  # of a camera's 12 bits
SHIFT = 18  # of fixed point; see pipeline.c, which computes the same


@dataclass(frozen=True)
class Preparation:
    """Relative to the scene's mean, so that exposure does not matter, then by the mean and deviation that
    each band has in the scenes to train with. gain: from a scene's numbers to counts of 12 bits."""

    mean: np.ndarray
    deviation: np.ndarray
    gain: float

    @staticmethod
    def of(cubes: np.ndarray) -> Preparation:
        relative = _relative(cubes)
        gain = FULL_SCALE / float(cubes.max())
        return Preparation(relative.mean(axis=(0, 1, 2)), relative.std(axis=(0, 1, 2)), gain)

    def __call__(self, cubes: np.ndarray) -> np.ndarray:
        return ((_relative(cubes) - self.mean) / self.deviation).astype(np.float32)

    def counts(self, cubes: np.ndarray) -> np.ndarray:
        """As a camera would give them: uint16."""
        return np.clip(np.rint(cubes * self.gain), 0, FULL_SCALE).astype(np.uint16)

    def quantized(self, scale: float, zero_point: int, values: int) -> IntegerPreparation:
        """The same for a network whose input has this scale and zero point. values: of a scene."""
        steps = 1 / (self.deviation.astype(np.float64) * scale)
        factors = np.rint(values * steps * (1 << SHIFT)).astype(np.int64)
        offsets = np.rint((zero_point - self.mean * steps + 128.5) * (1 << SHIFT)).astype(np.int64)
        return IntegerPreparation(factors, offsets)


@dataclass(frozen=True)
class IntegerPreparation:
    """For each band what is divided by a scene's sum, and what is added to get values from 0 to 255."""

    factors: np.ndarray
    offsets: np.ndarray

    def __call__(self, counts: np.ndarray) -> np.ndarray:
        """int8 of uint16 counts (scene, row, column, band)."""
        totals = counts.sum(axis=(1, 2, 3), dtype=np.int64)
        scales = np.minimum(self.factors // np.maximum(totals, 1)[:, None], 1 << SHIFT)
        values = (counts * scales[:, None, None] + self.offsets) >> SHIFT
        return (np.clip(values, 0, 255) - 128).astype(np.int8)


def _relative(cubes: np.ndarray) -> np.ndarray:
    return cubes / cubes.mean(axis=(1, 2, 3), keepdims=True)
