"""What calibration data say about the tensors of a model: the one place that gathers it.

Everything streams: batches are seen once and forgotten. The histogram's range doubles when a value falls
outside, two bins becoming one, so the result does not depend on the order of the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from smidgen.compress.batches import BatchReference, Sample, Track, untracked
from smidgen.graph import DType, Graph

# Bins over [-radius, radius]: of a tensor without negative values, at least an eighth holds the values.
BINS = 16_384


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
            index = ((nonzero + np.float32(self.radius)) * np.float32(BINS / (2 * self.radius))).astype(
                np.int64
            )
            self.counts += np.bincount(np.clip(index, 0, BINS - 1), minlength=BINS)

    def _reach(self, magnitude: float) -> None:
        """Double the radius until it holds the magnitude."""
        if magnitude == 0:
            return
        needed = 2.0 ** math.ceil(math.log2(magnitude))
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
    """The histogram of every float tensor that is not a constant, over all samples, by name."""
    reference = BatchReference(graph)
    histograms = {
        name: Histogram()
        for name, tensor in graph.tensors.items()
        if not tensor.is_constant and tensor.dtype is DType.F32
    }
    for _, tensors in reference.run(samples, "all", track, "gathering statistics"):
        for name, histogram in histograms.items():
            histogram.add(tensors[name])
    return histograms


class Moments:
    """Second moments of a layer's inputs and outputs, summed over rows of data.

    Of groups of output channels that read the same inputs: x (rows, groups, inputs) is what the quantized
    model gives the layer, z (rows, groups, outputs) what the float model makes of its own before the
    activation. Convolutions have one group (or as many as they have), depthwise ones a group per channel.
    """

    def __init__(self, groups: int, inputs: int, outputs: int) -> None:
        self.rows = 0
        self.x = np.zeros((groups, inputs))
        self.z = np.zeros((groups, outputs))
        self.xx = np.zeros((groups, inputs, inputs))
        self.xz = np.zeros((groups, inputs, outputs))
        self.zz = np.zeros((groups, outputs))

    def add(self, x: np.ndarray, z: np.ndarray) -> None:
        self.rows += len(x)
        self.x += x.sum(axis=0, dtype=np.float64)
        self.z += z.sum(axis=0, dtype=np.float64)
        by_group, outputs = x.transpose(1, 2, 0), z.transpose(1, 0, 2)
        self.xx += by_group @ by_group.transpose(0, 2, 1)
        self.xz += by_group @ outputs
        self.zz += np.square(outputs, dtype=np.float64).sum(axis=1)

    def covariances(self) -> tuple[np.ndarray, np.ndarray]:
        """(of inputs with inputs (groups, inputs, inputs), of inputs with outputs (groups, inputs, outputs))."""
        x, z = self.x / self.rows, self.z / self.rows
        return (
            self.xx / self.rows - x[:, :, None] * x[:, None, :],
            self.xz / self.rows - x[:, :, None] * z[:, None, :],
        )
