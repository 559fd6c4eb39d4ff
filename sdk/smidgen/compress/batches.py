"""Running a graph on many samples at once: the reference is several times faster on a batch.

A sample is the list of a model's input arrays, in the graph's own shapes (leading batch dimension of 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from smidgen.graph import Graph, Node
from smidgen.graph.operators import (
    Add,
    ArgMax,
    ArgMin,
    BatchMatMul,
    Compare,
    Concatenation,
    Div,
    Gather,
    LayerNorm,
    Logical,
    Maximum,
    Mean,
    Minimum,
    Mul,
    Pack,
    Pad,
    Pow,
    Prelu,
    ReduceMax,
    ReduceMin,
    RmsNorm,
    Select,
    Softmax,
    Split,
    SquaredDifference,
    StridedSlice,
    Sub,
    Sum,
    Tile,
    Transpose,
    Unpack,
)
from smidgen.graph.reference import FAMILIES, Reference
from smidgen.graph.reference.base import Evaluator

Sample = Sequence[np.ndarray]

# Larger batches leave the processor's caches and gain nothing.
BATCH = 16

# Their inputs' axes meet from the last one on: the batch is the first axis of all only where ranks are equal.
_BROADCASTING = (
    Add, Compare, Div, Logical, Maximum, Minimum, Mul, Pow, Prelu, Select, SquaredDifference, Sub,
)  # fmt: skip

# Passes items through one by one and shows how far it is; the text says what is done with them.
Track = Callable[[Sequence, str], Iterable]


def untracked(items: Sequence, text: str) -> Iterable:
    return items


def batch_size(graph: Graph) -> int:
    """How many samples one run may take: BATCH where no operator mixes samples, else 1."""
    changing = [tensor for tensor in graph.tensors.values() if not tensor.is_constant]
    stackable = not graph.states and all(tensor.shape[:1] == (1,) for tensor in changing)
    return BATCH if stackable and not any(_mixes(graph, node) for node in graph.nodes) else 1


def _mixes(graph: Graph, node: Node) -> bool:
    """Whether the operator works on the batch axis."""
    match node.operator:
        case Concatenation(axis=axis) | Pack(axis=axis):
            return axis == 0 or any(graph.tensor(name).is_constant for name in node.inputs)
        case Unpack(axis=axis) | Split(axis=axis):
            return axis == 0
        case Mean(axes=axes) | Sum(axes=axes) | ReduceMax(axes=axes) | ReduceMin(axes=axes):
            return 0 in axes
        case ArgMax(axis=axis) | ArgMin(axis=axis):
            return axis == 0
        case LayerNorm(axes=count) | RmsNorm(axes=count):
            return len(graph.tensor(node.inputs[0]).shape) == count
        case Transpose(permutation=permutation):
            return permutation[:1] != (0,)
        case Pad(paddings=paddings):
            return paddings[0] != (0, 0)
        case StridedSlice():
            return True  # its size along the batch comes from the output's shape
        case Tile(multiples=multiples):
            return multiples[0] != 1
        case Gather(axis=axis):
            x, indices = (graph.tensor(name) for name in node.inputs)
            return not (x.is_constant and axis == 0) and not (indices.is_constant and axis > 0)
        case BatchMatMul():
            return any(_is_part_of_each(graph, node, name) for name in node.inputs)
        case Softmax():
            return len(graph.tensor(node.inputs[0]).shape) == 1
        case operator if isinstance(operator, _BROADCASTING):
            rank = len(graph.tensor(node.outputs[0]).shape)
            changing = [graph.tensor(name) for name in node.inputs if not graph.tensor(name).is_constant]
            return any(len(tensor.shape) != rank for tensor in changing)
    return False


def _is_part_of_each(graph: Graph, node: Node, name: str) -> bool:
    """Whether a factor's first axis is not the batch, or is one although the factor is a constant."""
    tensor, rank = graph.tensor(name), len(graph.tensor(node.outputs[0]).shape)
    if tensor.is_constant:
        return len(tensor.shape) == rank and tensor.shape[0] != 1
    return len(tensor.shape) != rank or rank < 3


def with_batch(graph: Graph, size: int) -> Graph:
    """The graph for `size` samples at once."""
    if size == 1:
        return graph
    tensors = {
        name: tensor if tensor.is_constant else replace(tensor, shape=(size, *tensor.shape[1:]))
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, tensors=tensors)


def stacked(samples: Sequence[Sample]) -> list[np.ndarray]:
    """One array per input, the samples along the first axis."""
    return [np.concatenate(column) if len(column) > 1 else column[0] for column in zip(*samples, strict=True)]


class BatchReference:
    """The reference of a graph on any number of samples; each size of a batch is prepared once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.size = batch_size(graph)
        self._references: dict[int, Reference] = {}

    def run(
        self, samples: Sequence[Sample], keep: str | None = None, track: Track = untracked, text: str = ""
    ) -> Iterator[tuple[list[np.ndarray], Mapping[str, np.ndarray]]]:
        """(outputs, tensors when `keep` is "all") of one batch after the other.

        A graph with states takes the samples in their order, as one sequence.
        """
        states = None
        for start in track(range(0, len(samples), self.size), text):
            batch = samples[start : start + self.size]
            if len(batch) not in self._references:
                self._references[len(batch)] = Reference(with_batch(self.graph, len(batch)))
            result = self._references[len(batch)].run(stacked(batch), states, keep)
            states = result.states or None
            yield result.outputs, result.tensors

    def outputs(
        self, samples: Sequence[Sample], track: Track = untracked, text: str = ""
    ) -> list[np.ndarray]:
        """Each output of the graph for all samples, along the first axis."""
        batches = [outputs for outputs, _ in self.run(samples, track=track, text=text)]
        return [np.concatenate(column) for column in zip(*batches, strict=True)]


def evaluators(graph: Graph, node: Node, sizes: set[int]) -> dict[int, Evaluator]:
    """One node made ready for batches of these sizes."""
    return {size: FAMILIES[type(node.operator)](with_batch(graph, size), node) for size in sizes}
