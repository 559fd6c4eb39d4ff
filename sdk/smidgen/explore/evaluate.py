"""What bits for each layer do to a model's outputs: pure functions of a setup and a job, for any engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import smidgen
from smidgen import __version__
from smidgen.compress.batches import BatchReference, Sample, Track, untracked
from smidgen.compress.evidence import quantize_samples
from smidgen.compress.layers import BIAS, WEIGHTS, weight_layers, with_constants
from smidgen.compress.quantize import Histogram, gather, quantize, reconstruct
from smidgen.compress.quantize.moments import Moments
from smidgen.compress.quantize.reconstruct import learn, walk
from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.reference.quantize import dequantize_array

NARROW = (4, 2)
# Of the samples to choose on, those on which layers are tried one by one: errors, not answers, are compared.
ALONE_SAMPLES = 256

# Bits of each layer that has weights, in the graph's order.
Bits = tuple[int, ...]
# (layer's id, bits) -> its learned weights and bias, by position among the node's inputs
Learned = Mapping[tuple[str, int], Mapping[int, Tensor]]


@dataclass(frozen=True)
class Score:
    """On the samples to choose on. noise: error power of the first output, of the float model's output power;
    same: answers that are the float model's; right: right answers, None without labels."""

    noise: float
    same: int
    right: int | None


@dataclass(frozen=True, eq=False)
class Setup:
    """All that an evaluation depends on.

    calibration: float samples to quantize with; samples, labels: to choose on, and expected: the float
    model's first output for them; base: the int8 model; learned: every layer at 4 and 2 bits inside of it.
    """

    teacher: Graph
    histograms: Mapping[str, Histogram]
    ranges: str
    calibration: Sequence[Sample]
    samples: Sequence[Sample]
    labels: np.ndarray | None
    expected: np.ndarray
    base: Graph
    learned: Learned

    @property
    def layers(self) -> list[str]:
        return [node.id for node in weight_layers(self.teacher)]

    @property
    def float_right(self) -> int | None:
        """How many answers of the float model are right."""
        return None if self.labels is None else int((_answers(self.expected) == self.labels).sum())


def prepare(
    teacher: Graph,
    calibration: Sequence[Sample],
    samples: Sequence[Sample],
    labels: np.ndarray | None,
    ranges: str = "mse",
    track: Track = untracked,
) -> Setup:
    """Gather statistics, make the int8 model, and learn every layer inside of it at 4 and at 2 bits."""
    histograms = gather(teacher, calibration, track)
    base = reconstruct(teacher, quantize(teacher, histograms, 8, ranges), calibration, track)
    narrow = {bits: quantize(teacher, histograms, bits, ranges) for bits in NARROW}
    learned: dict[tuple[str, int], dict[int, Tensor]] = {}

    def learn_alone(teacher: Graph, student: Graph, node: Node, moments: Moments) -> Graph:
        for bits, graph in narrow.items():
            constants = _constants(graph, node.id)
            tried = learn(teacher, with_constants(student, node, constants), _node(graph, node.id), moments)
            learned[node.id, bits] = _constants(tried, node.id)
        return student

    walk(teacher, base, calibration, learn_alone, track, "learning each layer at 4 and 2 bits")
    (expected, *_) = BatchReference(teacher).outputs(samples, track, "running the float model")
    return Setup(teacher, histograms, ranges, calibration, samples, labels, expected, base, learned)


def digest(setup: Setup) -> str:
    """Of everything that an evaluation's result depends on, this program included."""
    whole = hashlib.sha256(f"{__version__} {np.__version__}".encode())
    package = Path(smidgen.__file__).parent
    modules = [path for folder in ("graph", "compress") for path in sorted((package / folder).rglob("*.py"))]
    for path in (*modules, Path(__file__)):
        whole.update(path.read_bytes())
    for tensor in setup.base.tensors.values():
        whole.update(repr((tensor.name, tensor.shape, tensor.dtype)).encode())
        if tensor.quantization is not None:
            whole.update(tensor.quantization.scale.tobytes() + tensor.quantization.zero_point.tobytes())
    whole.update(repr((setup.base.nodes, setup.ranges)).encode())
    constants = [t.data for t in (*setup.teacher.tensors.values(), *setup.base.tensors.values())]
    arrays = [array for sample in (*setup.calibration, *setup.samples) for array in sample]
    for array in (*constants, *arrays, setup.labels):
        whole.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()[:32]


def evaluate(setup: Setup, job: tuple[str, Bits]) -> dict[str, Any]:
    """The score of a job, as JSON holds it.

    A job is ("alone", bits): layers as they were learned alone, put into the int8 model, on few samples; or
    ("whole", bits): the model quantized and reconstructed with these bits, on all.
    """
    kind, bits = job
    if kind == "alone":
        return asdict(score(setup, assembled(setup, bits), ALONE_SAMPLES))
    return asdict(score(setup, made(setup, bits)))


def made(setup: Setup, bits: Bits, track: Track = untracked) -> Graph:
    """The model quantized and reconstructed with bits for each layer."""
    wanted = dict(zip(setup.layers, bits, strict=True))
    student = quantize(setup.teacher, setup.histograms, wanted, setup.ranges)
    return reconstruct(setup.teacher, student, setup.calibration, track)


def assembled(setup: Setup, bits: Bits) -> Graph:
    """The int8 model with layers as they were learned alone."""
    student = setup.base
    for layer, number in zip(setup.layers, bits, strict=True):
        if number != 8:
            student = with_constants(student, _node(student, layer), setup.learned[layer, number])
    return student


def score(setup: Setup, student: Graph, count: int | None = None) -> Score:
    """On the first samples to choose on, all when None."""
    samples, expected = setup.samples[:count], setup.expected[:count]
    (outputs, *_) = BatchReference(student).outputs(quantize_samples(student, samples))
    real = dequantize_array(outputs, student.tensor(student.outputs[0])).astype(np.float64)
    signal = float(np.square(expected, dtype=np.float64).sum())
    noise = float(np.square(real - expected).sum()) / signal if signal else 0.0
    answers = _answers(real)
    right = None if setup.labels is None else int((answers == setup.labels[:count]).sum())
    return Score(noise, int((answers == _answers(expected)).sum()), right)


def _answers(outputs: np.ndarray) -> np.ndarray:
    return outputs.reshape(len(outputs), -1).argmax(axis=1)


def _node(graph: Graph, name: str) -> Node:
    return next(node for node in graph.nodes if node.id == name)


def _constants(graph: Graph, layer: str) -> dict[int, Tensor]:
    inputs = _node(graph, layer).inputs
    return {position: graph.tensor(inputs[position]) for position in (WEIGHTS, BIAS)}
