"""The graph under construction: which tensor stands for which of the old graph, in which order of axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.operators import Operator, Reshape, Transpose
from smidgen.importers.names import unique_name, with_names

Axes = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class View:
    """A tensor of the old graph, whose axis i is axis `axes[i]` of tensor `base` of the new one.

    order: None, or, where only fully connected layers look, the places of the old last axis in the base's
    order.
    """

    base: str
    axes: Axes
    order: np.ndarray | None = None

    @property
    def is_plain(self) -> bool:
        return self.axes == tuple(range(len(self.axes)))


def inverse(axes: Axes) -> Axes:
    return tuple(int(place) for place in np.argsort(axes))


def permuted(sizes: Sequence, axes: Axes) -> tuple:
    """What belongs to each axis, after a transposition by `axes`."""
    return tuple(sizes[axis] for axis in axes)


def only_moves_ones(shape: Sequence[int], axes: Axes) -> bool:
    """Whether a transposition leaves the elements in their order, because it moves axes of size 1 only."""
    larger = [axis for axis in axes if shape[axis] != 1]
    return larger == sorted(larger)


class Writer:
    """views: of every tensor of the old graph that has been passed."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.views: dict[str, View] = {}
        self.consumers: dict[str, list[Node]] = {}
        self._names = set(graph.tensors)
        self._ids = {node.id for node in graph.nodes}
        self._written: dict[tuple[str, Axes, tuple[int, ...]], str] = {}
        self._reshaped: dict[str, str] = {}  # output of a Reshape -> what it reshapes
        self._changed: dict[str, str] = {}  # changed constant -> the one that it was
        for node in graph.nodes:
            for name in dict.fromkeys(node.inputs):
                if name is not None:
                    self.consumers.setdefault(name, []).append(node)
        given = (*graph.inputs, *(state.tensor for state in graph.states))
        constants = [name for name, tensor in graph.tensors.items() if tensor.is_constant]
        for name in (*given, *constants):
            self.tensors[name] = graph.tensors[name]
            self.views[name] = View(name, tuple(range(len(graph.tensors[name].shape))))

    # Reading

    def base(self, view: View) -> Tensor:
        return self.tensors[view.base]

    def is_seen(self, name: str) -> bool:
        """Whether a tensor of the old graph is read from outside of it."""
        return name in self.graph.outputs or any(state.next == name for state in self.graph.states)

    def in_order(self, name: str, axes: Axes | None = None) -> str:
        """The new tensor whose transposition by `axes` is the old one; without `axes`, the old one itself."""
        view = self.views[name]
        assert view.order is None, f"'{name}' is only for fully connected layers"
        wanted = tuple(range(len(view.axes))) if axes is None else axes
        return self.transposed(view.base, permuted(view.axes, inverse(wanted)))

    def transposed(self, name: str, axes: Axes) -> str:
        """A tensor of the new graph with its axes in another order."""
        tensor = self.tensors[name]
        if axes == tuple(range(len(axes))):
            return name
        shape = permuted(tensor.shape, axes)
        if tensor.is_constant:
            return self.constant(tensor, lambda data: data.transpose(axes), axes)
        if only_moves_ones(tensor.shape, axes):
            return self.reshaped(name, shape)
        if (name, axes, shape) not in self._written:
            self._written[name, axes, shape] = self._move(Transpose(axes), name, shape, "transposed")
        return self._written[name, axes, shape]

    def reshaped(self, name: str, shape: tuple[int, ...]) -> str:
        """The same elements in another shape; Reshapes of Reshapes become one."""
        source = self._reshaped.get(name, name)
        tensor = self.tensors[source]
        if tensor.shape == shape:
            return source
        if self.tensors[name].shape == shape:
            return name
        if tensor.is_constant:
            return self.constant(tensor, lambda data: data.reshape(shape), None)
        key = (source, (), shape)
        if key not in self._written:
            self._written[key] = self._move(Reshape(), source, shape, "reshaped")
            self._reshaped[self._written[key]] = source
        return self._written[key]

    # Writing

    def emit(
        self, node: Node, operator: Operator, inputs: Sequence[str | None], axes: Sequence[Axes], order=None
    ) -> None:
        """Write an old node in the new graph; its outputs are transpositions by `axes` of what is written."""
        for name, own in zip(node.outputs, axes, strict=True):
            old = self.graph.tensors[name]
            self.tensors[name] = replace(old, shape=permuted(old.shape, inverse(own)))
            self.views[name] = View(name, own, order)
        self.nodes.append(replace(node, operator=operator, inputs=tuple(inputs)))

    def constant(self, tensor: Tensor, change, axes: Axes | None) -> str:
        """Another form of a constant; `axes` says how its axes move, None that its quantization has none."""
        quantization = tensor.quantization
        if quantization is not None and quantization.axis is not None and axes is not None:
            quantization = replace(quantization, axis=axes.index(quantization.axis))
        data = np.ascontiguousarray(change(tensor.data))
        name = unique_name(self._names, tensor.name)
        self._changed[name] = self._changed.get(tensor.name, tensor.name)
        self.tensors[name] = replace(
            tensor, name=name, shape=data.shape, data=data, quantization=quantization
        )
        return name

    def _move(self, operator: Operator, name: str, shape: tuple[int, ...], what: str) -> str:
        tensor = self.tensors[name]
        output = unique_name(self._names, f"{name}_{what}")
        self.tensors[output] = replace(tensor, name=output, shape=shape)
        identifier = unique_name(self._ids, f"{operator.type_name.lower()}_{name}")
        self.nodes.append(Node(identifier, operator, (name,), (output,)))
        return output

    def finish(self) -> Graph:
        """The new graph, with outputs in the old order under their old names."""
        old = (*self.graph.outputs, *(state.next for state in self.graph.states))
        fixed = {*self.graph.inputs, *(state.tensor for state in self.graph.states)}
        names, ends = self._ends(old, fixed)
        new = [ends[name] for name in old]
        used = _needed(self.nodes, new)
        nodes = tuple(
            replace(
                node,
                inputs=tuple(None if name is None else names.get(name, name) for name in node.inputs),
                outputs=tuple(names.get(name, name) for name in node.outputs),
            )
            for node in self.nodes
            if used & set(node.outputs)
        )
        used |= fixed | {name for node in self.nodes if used & set(node.outputs) for name in node.outputs}
        renamed = [
            replace(tensor, name=names.get(name, name))
            for name, tensor in self.tensors.items()
            if name in used
        ]
        ends = [names.get(name, name) for name in new]
        count = len(self.graph.outputs)
        states = tuple(
            replace(state, next=name) for state, name in zip(self.graph.states, ends[count:], strict=True)
        )
        tensors = {tensor.name: tensor for tensor in renamed}
        graph = replace(self.graph, tensors=tensors, nodes=nodes, outputs=tuple(ends[:count]), states=states)
        return with_names(graph, self._changed)

    def _ends(self, wanted: Sequence[str], fixed: set[str]) -> tuple[dict[str, str], dict[str, str]]:
        """(new names of tensors, which tensor is each end of the graph), so that ends keep their names.

        Where several ends hold the same, or one what an input holds, each gets a tensor of its own.
        """
        same: dict[str, list[str]] = {}
        for name in dict.fromkeys(wanted):
            same.setdefault(self.in_order(name), []).append(name)
        names: dict[str, str] = {}
        ends: dict[str, str] = {}
        for written, those in same.items():
            kept = written if written in those else None
            if kept is None and written not in fixed and not self.tensors[written].is_constant:
                kept = names[written] = those[0]
            for name in those:
                ends[name] = written
                if name != kept:
                    ends[name] = self._move(Reshape(), written, self.tensors[written].shape, "copied")
                    names[ends[name]] = name
        for name, end in ends.items():
            if name in self.tensors and end != name and name not in names:
                names[name] = unique_name(self._names, f"{name}_inner")
        return names, ends


def _needed(nodes: list[Node], outputs: Sequence[str]) -> set[str]:
    """The tensors that the outputs are computed from."""
    needed = set(outputs)
    for node in reversed(nodes):
        if needed & set(node.outputs):
            needed |= {name for name in node.inputs if name is not None}
    return needed
