"""Tensors that are bytes of another tensor: all of them (a Reshape), or a run of its rows.

SLICE, SPLIT and UNPACK along the outermost axis give runs of what they read. CONCATENATION and PACK along it
are made of runs, which the kernels that compute the parts write where they belong. None of these moves a byte
then. What is seen from outside, and what would start off a word, keeps bytes of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from smidgen.compile.lower.rewrite import is_interface
from smidgen.compile.schedule import WORD
from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.operators import Concatenation, Pack, Reshape, Split, StridedSlice, Unpack
from smidgen.graph.packing import storage_bytes


@dataclass(frozen=True)
class Place:
    """The tensor whose bytes these are, and where among them, in bytes."""

    root: str
    offset: int


@dataclass(frozen=True)
class Views:
    """places: of every tensor that is not a constant; nodes: ids of those that need no kernel."""

    places: Mapping[str, Place]
    nodes: frozenset[str]


def find_views(graph: Graph) -> Views:
    """Where every tensor lies."""
    finder = _Finder(graph)
    for node in graph.nodes:
        finder.add(node)
    return Views({name: finder.place(name) for name in finder.parents}, frozenset(finder.nodes))


class _Finder:
    """parents: for each tensor the one that it is a part of and where, itself when it is none."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: set[str] = set()
        self.written: set[str] = set()  # by kernels, to bytes of their own so far
        self.parents = {name: Place(name, 0) for name in graph.inputs}
        self.parents |= {state.tensor: Place(state.tensor, 0) for state in graph.states}
        self.outside = self._outside()

    def _outside(self) -> set[str]:
        """Tensors that are seen from outside, and those that are these by another name."""
        names = {name for name in self.graph.tensors if is_interface(self.graph, name)}
        for node in reversed(self.graph.nodes):
            if isinstance(node.operator, Reshape) and node.outputs[0] in names and node.inputs[0]:
                names.add(node.inputs[0])
        return names

    def place(self, name: str) -> Place:
        offset, parent = 0, self.parents[name]
        while parent.root != name:
            offset, name = offset + parent.offset, parent.root
            parent = self.parents[name]
        return Place(name, offset)

    def add(self, node: Node) -> None:
        parts, joins = None, isinstance(node.operator, Concatenation | Pack)
        if joins:
            parts = self._parts_that_make(node)
        elif isinstance(node.operator, Reshape | StridedSlice | Split | Unpack):
            parts = self._parts_of(node)
        for name in node.outputs:
            self.parents[name] = Place(name, 0)
        if parts is not None:
            self.parents |= parts
            self.written -= parts.keys()
            self.nodes.add(node.id)
        if parts is None or joins:
            self.written |= set(node.outputs)

    def _parts_of(self, node: Node) -> dict[str, Place] | None:
        """Where in its input each output of a node lies, None when one does not."""
        source = self.graph.tensor(node.inputs[0])
        results = self.graph.output_tensors(node)
        if isinstance(node.operator, Reshape):
            return {results[0].name: Place(source.name, 0)}
        if source.is_constant or any(result.name in self.outside for result in results):
            return None
        start = 0
        match node.operator:
            case StridedSlice() as operator:
                if not _is_run(operator, source, results[0]):
                    return None
                strides = [math.prod(source.shape[axis + 1 :]) for axis in range(len(source.shape))]
                elements = sum(b * stride for b, stride in zip(operator.begin, strides, strict=True))
                start = storage_bytes(source.dtype, elements)
            case Split(axis=axis) | Unpack(axis=axis):
                if math.prod(source.shape[:axis]) != 1:
                    return None
        return _one_after_the_other(source.name, results, start + self.place(source.name).offset, start)

    def _parts_that_make(self, node: Node) -> dict[str, Place] | None:
        """Where in the output of a node each of its inputs lies, None when one cannot be written there."""
        result = self.graph.tensor(node.outputs[0])
        roots = []
        for name in node.inputs:
            root = None if name not in self.parents else self.place(name)
            if root is None or root.root not in self.written or root.root in self.outside:
                return None
            if self.graph.tensor(root.root).elements != self.graph.tensor(name).elements:
                return None
            roots.append(self.graph.tensor(root.root))
        if len(set(node.inputs)) < len(roots) or len({root.name for root in roots}) < len(roots):
            return None
        if math.prod(result.shape[: node.operator.axis]) != 1:  # type: ignore[attr-defined]
            return None
        return _one_after_the_other(result.name, roots, 0, 0)


def _one_after_the_other(
    whole: str, parts: list[Tensor], first_address: int, start: int
) -> dict[str, Place] | None:
    """Places of parts in the whole from `start` on, None where one would not begin with a word."""
    places = {}
    for part in parts:
        if first_address % WORD:
            return None
        places[part.name] = Place(whole, start)
        size = storage_bytes(part.dtype, part.elements)
        first_address, start = first_address + size, start + size
    return places


def _is_run(operator: StridedSlice, source: Tensor, result: Tensor) -> bool:
    """Whether the elements that a slice takes lie one after the other."""
    long = [axis for axis, size in enumerate(result.shape) if size > 1]
    if any(operator.step[axis] != 1 for axis in long):
        return False
    return not long or result.shape[long[0] + 1 :] == source.shape[long[0] + 1 :]
