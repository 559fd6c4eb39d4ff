"""The figures that MLPerf Tiny's runner computes from what a board answers.

scores: (N, 1) for anomaly detection, otherwise (N, classes); labels: (N,).
"""

from __future__ import annotations

import numpy as np

_THRESHOLDS = 100


def file_score(results: np.ndarray) -> np.ndarray:
    """One row for a file from the results of its windows (W, values): the mean, each scaled to a sum of 1."""
    if results.shape[1] > 1:
        sums = results.sum(axis=1, keepdims=True)
        results = results / np.where(sums == 0, 1, sums)
    return results.mean(axis=0)


def top_1(scores: np.ndarray, labels: np.ndarray) -> float:
    """Percent of files whose largest score is the label; with one score for each, the best mean of
    precision and recall over a hundred thresholds between the lowest and the highest."""
    if scores.shape[1] > 1:
        return 100 * float(np.mean(scores.argmax(axis=1) == labels))
    low, high = scores.min(), scores.max()
    best = 0.0
    for threshold in low + np.arange(_THRESHOLDS) / _THRESHOLDS * (high - low):
        found = scores[:, 0] > threshold
        hits = np.sum(found & (labels == 1))
        precision = hits / max(np.sum(found), 1)
        recall = hits / max(np.sum(labels == 1), 1)
        best = max(best, 100 * float(precision + recall) / 2)
    return best


def auc(scores: np.ndarray, labels: np.ndarray) -> float | None:
    """Area under the receiver operating characteristic; of several classes the mean of each against the rest.
    None when the files are all of one class."""
    if scores.shape[1] <= 2:
        return _area(scores[:, -1], labels == 1)
    areas = [_area(scores[:, label], labels == label) for label in range(scores.shape[1])]
    known = [area for area in areas if area is not None]
    return float(np.mean(known)) if known else None


def _area(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """The share of pairs of a positive and a negative in which the positive is higher; ties count half."""
    low, high = np.sort(scores[~positive]), scores[positive]
    if not len(low) or not len(high):
        return None
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / 2 / len(low))
