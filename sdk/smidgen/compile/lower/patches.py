"""Cut the first layers of a model into bands of rows that run one after the other (patch-based execution).

The large tensors of the first layers then never exist as a whole. Each band computes the rows that later rows
of it need, so neighbouring bands compute the rows between them (the halo) twice. Bands are operators like any
others, with their own padding; what they read and write are views, so that nothing is copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from smidgen.compile.lower.rewrite import is_interface, with_nodes
from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    LeakyRelu,
    Logistic,
    Maximum,
    MaxPool2D,
    Minimum,
    Mul,
    Quantize,
    Relu,
    Relu6,
    Reshape,
    StridedSlice,
    Sub,
    Tanh,
)

Rows = tuple[int, int]  # the first, and the one after the last

_CONVOLUTIONS = (Conv2D, DepthwiseConv2D)
_WINDOWED = (*_CONVOLUTIONS, AveragePool2D, MaxPool2D)
_ROW_BY_ROW = (Add, Sub, Mul, Minimum, Maximum, LeakyRelu, Logistic, Quantize, Relu, Relu6, Tanh)


@dataclass(frozen=True)
class _Window:
    """How rows of an output follow from rows of the image: before: rows of padding above it."""

    reach: int
    stride: int
    before: int

    def inputs(self, rows: Rows) -> Rows:
        """The rows that output rows are made of, with those of the padding."""
        return rows[0] * self.stride - self.before, (rows[1] - 1) * self.stride - self.before + self.reach


def cuts(graph: Graph) -> list[int]:
    """After how many of its nodes (in their order) a graph can be cut; those before then run in bands."""
    found = []
    inside: set[str] = set()
    sources = _sources(graph)
    for index, node in enumerate(graph.nodes):
        if isinstance(node.operator, Reshape) and node.outputs[0] in sources:
            continue
        if not _can_be_cut(graph, node, inside | sources):
            break
        inside.add(node.outputs[0])
        later = {name for other in graph.nodes[index + 1 :] for name in other.inputs}
        seen = {name for name in inside if name in later or is_interface(graph, name)}
        if seen == {node.outputs[0]} and graph.tensor(node.outputs[0]).shape[1] > 1:
            found.append(index + 1)
    return found


def cut(graph: Graph, count: int, bands: int) -> Graph:
    """The graph with its first `count` nodes run in bands of the rows of what the last of them writes.

    count: one of `cuts`; bands: at most as many as there are rows.
    """
    last = graph.nodes[count - 1]
    result = graph.tensor(last.outputs[0])
    height = result.shape[1]
    nodes: list[Node] = [node for node in graph.nodes[:count] if isinstance(node.operator, Reshape)]
    tensors: dict[str, Tensor] = {}
    parts = []
    for band in range(bands):
        rows = (band * height // bands, (band + 1) * height // bands)
        one = _Band(graph, graph.nodes[:count], f"[{band + 1}/{bands}]", last.outputs[0], rows)
        nodes += one.nodes
        tensors |= one.tensors
        parts.append(one.name(last.outputs[0]))
    nodes.append(Node(last.id, Concatenation(axis=1), tuple(parts), last.outputs))
    return with_nodes(graph, (*nodes, *graph.nodes[count:]), list(tensors.values()))


def _sources(graph: Graph) -> set[str]:
    """What bands may be cut from: inputs, and inputs in another shape."""
    sources = set(graph.inputs)
    for node in graph.nodes:
        if isinstance(node.operator, Reshape) and node.inputs[0] in sources:
            sources.add(node.outputs[0])
    return sources


def _can_be_cut(graph: Graph, node: Node, known: set[str]) -> bool:
    """Whether each row of what the node writes follows from a few rows of images among `known`."""
    if not isinstance(node.operator, (*_WINDOWED, *_ROW_BY_ROW)):
        return False
    result = graph.tensor(node.outputs[0])
    images = _images(graph, node)
    if not images or any(name not in known for name in images):
        return False
    tensors = [result, *map(graph.tensor, images)]
    if any(len(tensor.shape) != 4 or tensor.shape[0] != 1 for tensor in tensors):
        return False
    if isinstance(node.operator, _WINDOWED):
        return True
    # Every row is made in the same way: images of one shape, constants of a single row.
    constants = [tensor for tensor in graph.input_tensors(node) if tensor is not None and tensor.is_constant]
    return all(graph.tensor(name).shape == result.shape for name in images) and all(
        tensor.shape[-3:-2] in ((), (1,)) for tensor in constants
    )


def _images(graph: Graph, node: Node) -> list[str]:
    """The inputs of a node that are not constants."""
    return [name for name in node.inputs if name is not None and not graph.tensor(name).is_constant]


def _window(graph: Graph, node: Node) -> _Window:
    operator = node.operator
    if isinstance(operator, _CONVOLUTIONS):
        kernel = graph.tensor(node.inputs[1]).shape[1]
        return _Window((kernel - 1) * operator.dilation[0] + 1, operator.stride[0], operator.padding.top)
    if isinstance(operator, AveragePool2D | MaxPool2D):
        return _Window(operator.size[0], operator.stride[0], operator.padding.top)
    return _Window(1, 1, 0)


class _Band:
    """The nodes that compute some rows of `result`; suffix: what their names end with."""

    def __init__(self, graph: Graph, nodes: Sequence[Node], suffix: str, result: str, rows: Rows) -> None:
        self.graph, self.suffix = graph, suffix
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self.rows = _needed(graph, nodes, result, rows)
        for node in nodes:
            if node.outputs[0] in self.rows and not isinstance(node.operator, Reshape):
                self._add(node)

    def name(self, name: str) -> str:
        return name + self.suffix

    def _add(self, node: Node) -> None:
        rows, window = self.rows[node.outputs[0]], _window(self.graph, node)
        images = _images(self.graph, node)
        height = self.graph.tensor(images[0]).shape[1]
        first, end = window.inputs(rows)
        operator = node.operator
        if isinstance(operator, _WINDOWED):
            padding = replace(operator.padding, top=max(-first, 0), bottom=max(end - height, 0))
            operator = replace(operator, padding=padding)
        inside = (max(first, 0), min(end, height))
        inputs = tuple(self._slice(name, inside) if name in images else name for name in node.inputs)
        result = self._tensor(node.outputs[0], self.name(node.outputs[0]), rows)
        self.nodes.append(Node(self.name(node.id), operator, inputs, (result,)))

    def _slice(self, name: str | None, rows: Rows) -> str:
        """The name of these rows of a tensor, of which the band has these or more."""
        assert name is not None
        producer = self.graph.producer(name)
        if producer is None or isinstance(producer.operator, Reshape):
            source, whole = name, (0, self.graph.tensor(name).shape[1])
        else:
            source, whole = self.name(name), self.rows[name]
        if rows == whole:
            return source
        part = f"{self.name(name)}.rows_{rows[0]}_{rows[1]}"
        if part not in self.tensors:
            self._tensor(name, part, rows)
            operator = StridedSlice((0, rows[0] - whole[0], 0, 0), (1, 1, 1, 1))
            self.nodes.append(Node(part, operator, (source,), (part,)))
        return part

    def _tensor(self, like: str, name: str, rows: Rows) -> str:
        tensor = self.graph.tensor(like)
        batch, _, *rest = tensor.shape
        self.tensors[name] = replace(tensor, name=name, shape=(batch, rows[1] - rows[0], *rest))
        return name


def _needed(graph: Graph, nodes: Sequence[Node], result: str, rows: Rows) -> Mapping[str, Rows]:
    """Of each image the rows that some rows of the result are made of."""
    needed = {result: rows}
    for node in reversed(nodes):
        if node.outputs[0] not in needed or isinstance(node.operator, Reshape):
            continue
        first, end = _window(graph, node).inputs(needed[node.outputs[0]])
        for name in _images(graph, node):
            inside = (max(first, 0), min(end, graph.tensor(name).shape[1]))
            before = needed.get(name, inside)
            needed[name] = (min(before[0], inside[0]), max(before[1], inside[1]))
    return needed
