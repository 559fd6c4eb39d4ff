"""From a histogram to the range that an activation's integers shall cover."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smidgen.compress.quantize.statistics import Histogram
from smidgen.graph import Quantization

METHODS = ("minmax", "percentile", "mse", "kl")
PERCENTILE = 99.995
_STEPS = 255  # between the least and the largest int8 value
_CLIPS = np.linspace(0.3, 1.0, 36)  # of the whole range, on either side of zero
_FLOOR = 1e-12  # a share that is nothing, for logarithms

Range = tuple[float, float]


def choose_range(histograms: list[Histogram], method: str) -> Range:
    """(low, high), with 0 inside, for tensors that share one quantization."""
    seen = [histogram for histogram in histograms if histogram.total]
    low = min([0.0, *(histogram.minimum for histogram in seen)])
    high = max([0.0, *(histogram.maximum for histogram in seen)])
    if method == "minmax" or low == high:
        return low, high
    return _CHOOSERS[method](seen, low, high)


def _percentile(histograms: list[Histogram], low: float, high: float) -> Range:
    """Leaves out the same small share of the values that are not zero at either end."""
    lows, highs = [0.0], [0.0]
    for histogram in histograms:
        shares = np.cumsum(histogram.counts) / max(histogram.counts.sum(), 1)
        outside = 1 - PERCENTILE / 100
        first = int(np.searchsorted(shares, outside))
        last = min(int(np.searchsorted(shares, 1 - outside)), len(shares) - 1)
        half_bin = histogram.radius / len(shares)
        lows.append(float(histogram.centres[first]) - half_bin)
        highs.append(float(histogram.centres[last]) + half_bin)
    return max(min(lows), low), min(max(highs), high)


def _mse(histograms: list[Histogram], low: float, high: float) -> Range:
    """The least squared error of rounding and clipping."""

    def error(bounds: Range) -> float:
        scale = (bounds[1] - bounds[0]) / _STEPS
        total = 0.0
        for histogram in histograms:
            used = histogram.counts > 0
            values, counts = histogram.centres[used], histogram.counts[used]
            rounded = np.rint((np.clip(values, *bounds) - bounds[0]) / scale) * scale + bounds[0]
            total += float(counts @ np.square(values - rounded))
        return total

    return _search(error, low, high)


def _kl(histograms: list[Histogram], low: float, high: float) -> Range:
    """The least Kullback-Leibler divergence of the quantized from the original distribution.

    As in TensorRT's calibration (S. Migacz, "8-bit Inference with TensorRT", 2017): what is clipped counts
    at the range's ends in the original, and each step spreads its share over the bins that held something.
    """

    def divergence(bounds: Range) -> float:
        scale = (bounds[1] - bounds[0]) / _STEPS
        total = 0.0
        for histogram in histograms:
            used = histogram.counts > 0
            values, counts = histogram.centres[used], histogram.counts[used].astype(np.float64)
            inside = (values >= bounds[0]) & (values <= bounds[1])
            if not inside.any():
                continue
            kept = counts[inside]
            original = kept.copy()
            original[0] += counts[values < bounds[0]].sum()
            original[-1] += counts[values > bounds[1]].sum()
            steps = np.rint((values[inside] - bounds[0]) / scale).astype(np.int64)
            sums = np.bincount(steps, kept, _STEPS + 1)
            bins = np.bincount(steps, minlength=_STEPS + 1)
            spread = (sums / np.maximum(bins, 1))[steps]
            p, q = original / original.sum(), spread / spread.sum()
            total += float(p @ np.log(np.maximum(p, _FLOOR) / np.maximum(q, _FLOOR)))
        return total

    return _search(divergence, low, high)


def _search(cost: Callable[[Range], float], low: float, high: float) -> Range:
    """The cheapest pair of clips: both ends together first, then each end alone."""
    best = min(((low * clip, high * clip) for clip in _CLIPS), key=cost)
    if low < 0 < high:
        best = min(((low * clip, best[1]) for clip in _CLIPS), key=cost)
        best = min(((best[0], high * clip) for clip in _CLIPS), key=cost)
    return best


_CHOOSERS = {"percentile": _percentile, "mse": _mse, "kl": _kl}


def int8_quantization(bounds: Range) -> Quantization:
    """Per tensor, asymmetric, zero exactly representable (TFLite 8-bit specification)."""
    low, high = min(bounds[0], 0.0), max(bounds[1], 0.0)
    if low == high:  # nothing but zeros was seen
        return Quantization.per_tensor(1.0, 0)
    scale = float(np.float32((high - low) / _STEPS))
    return Quantization.per_tensor(scale, int(np.clip(np.rint(-128 - low / scale), -128, 127)))
