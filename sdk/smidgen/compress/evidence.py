"""What compressing a model cost, on samples that nothing was chosen on.

A model's answer is the largest element of its first output. Intervals are 95 % ones (Wilson's for shares;
for a difference of paired shares the normal one); McNemar's test is the exact one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from smidgen.compress.batches import BatchReference, Sample, Track, untracked
from smidgen.compress.layers import stored_constants
from smidgen.graph import Graph, Tensor
from smidgen.graph.packing import storage_bytes
from smidgen.graph.reference.quantize import dequantize_array, quantize_array

# Samples on which every layer is compared, which takes all tensors of both models.
LAYER_SAMPLES = 64
_Z = 1.959964  # of the normal distribution, for 95 %


@dataclass(frozen=True)
class Share:
    """count of total, with its interval."""

    count: int
    total: int

    @property
    def value(self) -> float:
        return self.count / self.total

    @property
    def interval(self) -> tuple[float, float]:
        p, n = self.value, self.total
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def to_json(self) -> dict[str, Any]:
        return {"count": self.count, "total": self.total, "share": self.value, "interval": self.interval}


@dataclass(frozen=True)
class Comparison:
    """Two models on the same labelled samples: right answers of both, and those that only one has right."""

    before: Share
    after: Share
    lost: int
    gained: int

    @property
    def difference(self) -> float:
        """After less before, as a share."""
        return (self.gained - self.lost) / self.before.total

    @property
    def interval(self) -> tuple[float, float]:
        n = self.before.total
        variance = (self.lost + self.gained) / n - self.difference**2
        half = _Z * math.sqrt(max(variance, 0.0) / n)
        return self.difference - half, self.difference + half

    @property
    def mcnemar(self) -> float:
        """The probability of so uneven changes or more, were the models equally good (two-sided)."""
        changed, fewer = self.lost + self.gained, min(self.lost, self.gained)
        if changed == 0:
            return 1.0
        log_total = changed * math.log(2)
        tail = sum(math.exp(_log_binomial(changed, k) - log_total) for k in range(fewer + 1))
        return min(2 * tail, 1.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "float": self.before.to_json(),
            "quantized": self.after.to_json(),
            "difference": self.difference,
            "difference_interval": self.interval,
            "lost": self.lost,
            "gained": self.gained,
            "mcnemar_p": self.mcnemar,
        }


@dataclass(frozen=True)
class LayerEvidence:
    """One node: the bits and bytes of its weights (None without weights), and the signal-to-noise ratio of
    its output in dB, everything before it quantized too (None where nothing differs)."""

    id: str
    type: str
    bits: int | None
    weight_bytes: int | None
    sqnr: float | None


@dataclass(frozen=True)
class Evidence:
    """samples: how many were compared; answers: how many answers are the float model's; accuracy: with
    labels only; weight_bytes: of weights at their bits and biases, of the float model and of this one."""

    samples: int
    answers: Share
    accuracy: Comparison | None
    sqnr: float | None
    layers: tuple[LayerEvidence, ...]
    float_weight_bytes: int
    weight_bytes: int

    def to_json(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "same_answers": self.answers.to_json(),
            "accuracy": None if self.accuracy is None else self.accuracy.to_json(),
            "output_sqnr_db": self.sqnr,
            "float_weight_bytes": self.float_weight_bytes,
            "weight_bytes": self.weight_bytes,
            "layers": [asdict(layer) for layer in self.layers],
        }


def gather_evidence(
    before: Graph,
    after: Graph,
    samples: Sequence[Sample],
    labels: np.ndarray | None,
    track: Track = untracked,
    teacher: Graph | None = None,
) -> Evidence:
    """Compare the float model with the integer one; samples: float inputs, labels: one per sample or None;
    teacher: the float model that layers are compared with, where it is equalized."""
    quantized = quantize_samples(after, samples)
    floats = BatchReference(before).outputs(samples, track, "running the float model")[0]
    integers = BatchReference(after).outputs(quantized, track, "running the quantized model")[0]
    count = len(samples)
    real = dequantize_array(integers, after.tensor(after.outputs[0]))
    answers = floats.reshape(count, -1).argmax(axis=1)
    after_answers = real.reshape(count, -1).argmax(axis=1)
    noise = _Noise()
    noise.add(floats, real)
    return Evidence(
        samples=count,
        answers=Share(int((answers == after_answers).sum()), count),
        accuracy=None if labels is None else compare(answers == labels, after_answers == labels),
        sqnr=noise.sqnr,
        layers=_layers(teacher or before, after, samples[:LAYER_SAMPLES], quantized[:LAYER_SAMPLES]),
        float_weight_bytes=_weight_bytes(before),
        weight_bytes=_weight_bytes(after),
    )


def compare(before: np.ndarray, after: np.ndarray) -> Comparison:
    """From whether each answer is right: booleans, one per sample."""
    count = len(before)
    return Comparison(
        Share(int(before.sum()), count),
        Share(int(after.sum()), count),
        int((before & ~after).sum()),
        int((after & ~before).sum()),
    )


def quantize_samples(graph: Graph, samples: Sequence[Sample]) -> list[list[np.ndarray]]:
    """Float samples as the integers that the graph takes."""
    tensors = [graph.tensor(name) for name in graph.inputs]
    return [
        [quantize_array(array, t) for array, t in zip(sample, tensors, strict=True)] for sample in samples
    ]


class _Noise:
    """Sums signal and noise over batches."""

    def __init__(self) -> None:
        self.signal = self.noise = 0.0

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        self.signal += float(np.square(before, dtype=np.float64).sum())
        self.noise += float(np.square(before.astype(np.float64) - after).sum())

    @property
    def sqnr(self) -> float | None:
        if not self.signal or not self.noise:
            return None
        return 10 * math.log10(self.signal / self.noise)


def _layers(
    before: Graph, after: Graph, samples: Sequence[Sample], quantized: Sequence[Sample]
) -> tuple[LayerEvidence, ...]:
    noises = {node.outputs[0]: _Noise() for node in before.nodes}
    both = zip(
        BatchReference(before).run(samples, "all"), BatchReference(after).run(quantized, "all"), strict=True
    )
    for (_, floats), (_, integers) in both:
        for name, noise in noises.items():
            noise.add(floats[name], dequantize_array(integers[name], after.tensor(name)))
    weights = {node.id: stored_constants(after, node)[0] for node in after.nodes}
    return tuple(
        LayerEvidence(
            node.id,
            node.operator.type_name,
            weights[node.id][0].dtype.bits if weights[node.id] else None,
            _bytes(weights[node.id]) if weights[node.id] else None,
            noises[node.outputs[0]].sqnr,
        )
        for node in before.nodes
    )


def _weight_bytes(graph: Graph) -> int:
    constants = {
        tensor.name: tensor
        for node in graph.nodes
        for kind in stored_constants(graph, node)
        for tensor in kind
    }
    return _bytes(constants.values())


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(storage_bytes(tensor.dtype, tensor.elements) for tensor in tensors)


def _log_binomial(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
