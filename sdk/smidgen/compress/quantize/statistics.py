"""What calibration data say about the tensors of a model: the one place that gathers it.

Everything streams: batches are seen once and forgotten. The histogram's range doubles when a value falls
outside, two bins becoming one, so the result does not depend on the order of the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from smidgen.compress.batches import BatchReference, Sample, Track, untracked
from smidgen.compress.quantize.masks import maskable, unmasked
from smidgen.errors import ModelError, Problem
from smidgen.graph import DType, Graph

# Bins over [-radius, radius]: of a tensor without negative values, at least an eighth holds the values.
BINS = 16_384
_SMALLEST = 2.0**-96  # radius, far from where float32 ends
_LARGEST = 2.0**48  # value: sums of squares of many larger ones would leave float32


class Histogram:
    """Counts of a tensor's values in equal bins over [-radius, radius], its exact least and largest value.

    radius is a power of two; it is 0 until a value other than 0 has been seen.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(BINS, np.int64)
        self.zeros = 0
        self.radius = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf
        self.total = 0
        self.masked = 0  # values that are not counted (`masks`)

    def add(self, values: np.ndarray) -> None:
        """Count the values of an array, which must be finite."""
        flat = values.reshape(-1)
        if not flat.size:
            return
        low, high = float(flat.min()), float(flat.max())
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self.total += flat.size
        self._reach(max(abs(low), abs(high)))
        # Activations are exactly 0 so often that they would fill one bin beside the others.
        nonzero = flat[flat != 0]
        self.zeros += flat.size - nonzero.size
        if nonzero.size:
            # Exact, because it scales by a power of two.
            index = np.floor(nonzero * np.float32(BINS / (2 * self.radius))).astype(np.int64) + BINS // 2
            self.counts += np.bincount(np.minimum(index, BINS - 1), minlength=BINS)

    def _reach(self, magnitude: float) -> None:
        """Double the radius until it holds the magnitude."""
        if magnitude == 0:
            return
        needed = max(2.0 ** math.ceil(math.log2(magnitude)), _SMALLEST)
        if self.radius == 0:
            self.radius = needed
        while self.radius < needed:
            middle = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros(BINS, np.int64)
            self.counts[BINS // 4 : BINS - BINS // 4] = middle
            self.radius *= 2

    def without_negatives(self) -> Histogram:
        """What it would be, had every value below 0 been 0."""
        other = Histogram()
        other.counts, other.radius, other.total = self.counts.copy(), self.radius, self.total
        other.counts[: BINS // 2] = 0
        other.zeros = self.total - int(other.counts.sum())
        other.minimum, other.maximum = max(self.minimum, 0.0), max(self.maximum, 0.0)
        return other

    @property
    def centres(self) -> np.ndarray:
        """The middle of each bin."""
        return (np.arange(BINS) + 0.5) * (2 * self.radius / BINS) - self.radius


def gather(graph: Graph, samples: Sequence[Sample], track: Track = untracked) -> dict[str, Histogram]:
    """The histogram of every float tensor that is not a constant, over all samples, by name.

    Raises ModelError when the model gives a value that is no finite number.
    """
    reference = BatchReference(graph)
    histograms = {
        name: Histogram()
        for name, tensor in graph.tensors.items()
        if not tensor.is_constant and tensor.dtype is DType.F32
    }
    masks = maskable(graph)
    with np.errstate(over="ignore", invalid="ignore"):  # `_expect_finite` says what they would, and where
        for _, tensors in reference.run(samples, "all", track, "gathering statistics"):
            counted = {name: unmasked(tensors[name]) if name in masks else tensors[name] for name in tensors}
            _expect_finite(graph, counted)
            for name, histogram in histograms.items():
                histogram.add(counted[name])
                histogram.masked += tensors[name].size - counted[name].size
    return histograms


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """Of each channel, which is the last axis: the largest magnitude, and the mean square."""

    largest: np.ndarray
    power: np.ndarray


def gather_channels(
    graph: Graph, samples: Sequence[Sample], names: Iterable[str], track: Track = untracked
) -> dict[str, ChannelStatistics]:
    """What is seen of the channels of these float tensors over all samples, by name.

    Raises ModelError when the model gives a value that is no finite number.
    """
    sizes = {name: graph.tensor(name).shape[-1] for name in names}
    largest = {name: np.zeros(size) for name, size in sizes.items()}
    squares = {name: np.zeros(size) for name, size in sizes.items()}
    rows = dict.fromkeys(sizes, 0)
    with np.errstate(over="ignore", invalid="ignore"):  # `_expect_finite` says what they would, and where
        for _, tensors in BatchReference(graph).run(samples, "all", track, "looking at channels"):
            _expect_finite(graph, {name: tensors[name] for name in sizes})
            for name, size in sizes.items():
                values = tensors[name].reshape(-1, size)
                largest[name] = np.maximum(largest[name], np.abs(values).max(axis=0))
                squares[name] += np.square(values, dtype=np.float64).sum(axis=0)
                rows[name] += len(values)
    return {name: ChannelStatistics(largest[name], squares[name] / max(rows[name], 1)) for name in sizes}


def _expect_finite(graph: Graph, tensors: Mapping[str, np.ndarray]) -> None:
    for node in graph.nodes:
        for name in (name for name in node.outputs if name in tensors):
            # True for what is not a number, too.
            if not (np.abs(tensors[name]) <= _LARGEST).all():
                where = f"{graph.name}: {node.operator.type_name} '{node.id}'"
                what = (
                    f"its output '{name}' holds infinity, what is not a number, or values beyond "
                    f"{_LARGEST:.0e} on the calibration data"
                )
                raise ModelError(Problem(where, what, "check the data's range, and the model on them"))
