"""Intersection over union: of the pixels that the labels or the network call so, the share that both do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scores:
    """confusion: how many pixels of each class (row) were called each class (column)."""

    confusion: np.ndarray

    @staticmethod
    def of(labels: np.ndarray, answers: np.ndarray, classes: int) -> Scores:
        """labels: the class of each pixel, -1 where it is unknown, which does not count."""
        known = labels >= 0
        pairs = labels[known] * classes + answers[known]
        return Scores(np.bincount(pairs, minlength=classes**2).reshape(classes, classes))

    @property
    def by_class(self) -> np.ndarray:
        """NaN for a class that occurs nowhere."""
        both = self.confusion.diagonal()
        either = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - both
        return np.where(either > 0, both / np.maximum(either, 1), np.nan)

    @property
    def mean(self) -> float:
        return float(np.nanmean(self.by_class))
