"""Structured pruning: whole channels are removed, and what is left is an ordinary, smaller graph."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from smidgen.compress.coupling import Coupling
from smidgen.compress.layers import BIAS, CHANNEL_AXIS, WEIGHTS, weight_layers
from smidgen.compress.quantize import check_float
from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.graph import Graph, Node
from smidgen.graph.operators import DepthwiseConv2D, TransposeConv2D


@dataclass(frozen=True)
class Size:
    """Of the layers that have weights: parameters (weights and biases), and operations of one inference
    (multiply-accumulates)."""

    parameters: int
    operations: int

    def __add__(self, other: Size) -> Size:
        return Size(self.parameters + other.parameters, self.operations + other.operations)

    def __sub__(self, other: Size) -> Size:
        return Size(self.parameters - other.parameters, self.operations - other.operations)


@dataclass(frozen=True)
class Shares:
    """The shares of a model's size that may be left; multiple: of how many channels are removed at once, for
    targets that compute so many side by side."""

    parameters: float = 1.0
    operations: float = 1.0
    multiple: int = 1

    def check(self, where: str) -> None:
        """Raises UsageError."""
        problems = ProblemList()
        for name in ("parameters", "operations"):
            if not 0 < getattr(self, name) <= 1:
                what = f"'{name}' is {getattr(self, name):g}"
                problems.add(where, what, "give the share that is left: more than 0, at most 1")
        if self.parameters == self.operations == 1:
            problems.add(where, "nothing is to be removed", "give 'parameters' or 'operations' less than 1")
        if self.multiple < 1:
            problems.add(where, f"'multiple' is {self.multiple}", "give 1 or more")
        problems.stop_if_any(UsageError)


@dataclass(frozen=True)
class Rounds:
    """count: in how many steps the shares are approached, each leaving as large a part of what is left as the
    others; epochs: of training after each; last_epochs: after the last one; batch: samples of a step of
    training; learning_rate: None for the usual; balanced: whether rare labels weigh more."""

    count: int = 4
    epochs: int = 2
    last_epochs: int = 8
    batch: int = 32
    learning_rate: float | None = None
    balanced: bool = False


def size(graph: Graph) -> Size:
    return sum((_Layer(graph, node).size for node in weight_layers(graph)), Size(0, 0))


def choose(
    graph: Graph, coupling: Coupling, importance: np.ndarray, shares: Shares, whole: Size | None = None
) -> np.ndarray:
    """Which sets of channels to remove, so that the shares are kept and little importance is lost: booleans.

    importance: of each set; whole: what they are shares of (this graph, unless given). One bundle after
    the other goes that loses least for what it saves, counted in what still exceeds its share. Then those
    come back that there is place for after all, the most important first. Raises UsageError when the shares
    cannot be kept.
    """
    whole = whole or size(graph)
    layers = [_Layer(graph, node) for node in weight_layers(graph)]
    families = [
        _Family(
            sets[np.argsort(importance[sets], kind="stable")], importance, coupling, layers, shares.multiple
        )
        for sets in coupling.families()
    ]
    removed = np.zeros(len(coupling.removable), bool)
    now = size(graph)
    while exceeded := _exceeded(now, whole, shares):
        best, least = None, math.inf
        for family in families:
            share = sum(getattr(family.saved, name) / getattr(whole, name) for name in exceeded)
            if share > 0 and (loss := family.loss / share) < least:
                best, least = family, loss
        if best is None:
            raise _impossible(graph, exceeded, now, whole, shares)
        now -= best.saved
        removed[best.take()] = True
        for family in families:
            if family is best or any(layer in best.layers for layer in family.layers):
                family.weigh()
    while possible := [
        family for family in families if family.taken and not _exceeded(now + family.cost, whole, shares)
    ]:
        best = max(possible, key=lambda family: float(importance[family.taken[-1]].sum()))
        now += best.cost
        removed[best.give_back()] = False
    return removed


def remove_channels(graph: Graph, coupling: Coupling, removed: np.ndarray) -> Graph:
    """The graph without the channels of these sets (booleans, one for each).

    A set whose channels are zero whatever the input is removed without any change to the outputs. Raises
    ModelError for a quantized model, ValueError for a set that may not go or that leaves a tensor empty.
    """
    check_float(graph)
    if (removed & ~coupling.removable).any():
        raise ValueError(f"set {int((removed & ~coupling.removable).argmax())} may not be removed")
    keep = {name: ~removed[sets] for name, sets in coupling.sets.items()}
    tensors = dict(graph.tensors)
    for name, mask in keep.items():
        tensor = tensors[name]
        if not mask.any():
            raise ValueError(f"'{name}' would have no channels left")
        data = None if tensor.data is None else tensor.data[..., mask]
        tensors[name] = replace(tensor, shape=(*tensor.shape[:-1], int(mask.sum())), data=data)
    for node in weight_layers(graph):
        inputs, outputs = keep[str(node.inputs[0])], keep[node.outputs[0]]
        for position, name in enumerate(node.inputs[WEIGHTS:], WEIGHTS):
            tensor = None if name is None else graph.tensor(name)
            if tensor is not None and tensor.data is not None:
                data = _layer_constant(node, position, tensor.data, inputs, outputs)
                tensors[tensor.name] = replace(tensor, shape=data.shape, data=data)
    return replace(graph, tensors=tensors)


class _Layer:
    """How the size of a layer follows from its channels, which become fewer."""

    def __init__(self, graph: Graph, node: Node) -> None:
        x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
        weights = graph.tensor(node.inputs[WEIGHTS])
        self.x, self.y = x.name, y.name
        self.mixes = not isinstance(node.operator, DepthwiseConv2D)
        self.outputs = weights.shape[CHANNEL_AXIS[type(node.operator)]]
        # Of a grouped convolution the weights know fewer inputs than there are; those are never removed.
        self.inputs = min(x.shape[-1], weights.shape[-1]) if self.mixes else 1
        self._taps = weights.elements // (self.inputs * self.outputs)
        self._biases = sum(name is not None for name in node.inputs[BIAS:])
        moved = x if isinstance(node.operator, TransposeConv2D) else y
        self._positions = moved.elements // moved.shape[-1]

    @property
    def size(self) -> Size:
        return self.size_with(self.inputs, self.outputs)

    def size_with(self, inputs: int, outputs: int) -> Size:
        products = self._taps * inputs * outputs
        return Size(products + self._biases * outputs, products * self._positions)


class _Family:
    """Sets of channels that lie in the same tensors, the least important first, and the bundle that would go
    next: what it saves and loses (nothing and infinity when the rest must stay). taken: those that went."""

    def __init__(
        self,
        members: np.ndarray,
        importance: np.ndarray,
        coupling: Coupling,
        layers: list[_Layer],
        multiple: int,
    ) -> None:
        self._members, self._importance, self._multiple = members, importance, multiple
        self.taken: list[np.ndarray] = []
        first = members[0]
        counts = {name: int((sets == first).sum()) for name, sets in coupling.sets.items()}
        self.layers = [layer for layer in layers if counts[layer.x] or counts[layer.y]]
        self._counts = counts
        self.weigh()

    def weigh(self) -> None:
        """Again, after one of the layers has changed."""
        count = len(self._members) % self._multiple or self._multiple
        self._bundle = self._members[: count if len(self._members) - count >= self._multiple else 0]
        self.loss = float(self._importance[self._bundle].sum()) if len(self._bundle) else math.inf
        self.saved = self._saved_without(len(self._bundle))

    def take(self) -> np.ndarray:
        """The sets of the bundle, which are gone now."""
        taken = self._bundle
        self._remove(len(taken))
        self.taken.append(taken)
        self._members = self._members[len(taken) :]
        return taken

    @property
    def cost(self) -> Size:
        """By how much the layers grow when the bundle that went last comes back."""
        return Size(0, 0) - self._saved_without(-len(self.taken[-1]))

    def give_back(self) -> np.ndarray:
        """The sets of that bundle, which are there again."""
        given = self.taken.pop()
        self._remove(-len(given))
        return given

    def _remove(self, count: int) -> None:
        for layer in self.layers:
            layer.inputs, layer.outputs = self._without(count, layer)

    def _saved_without(self, count: int) -> Size:
        """What the layers save without so many of their channels; less than nothing when they get some."""
        changes = (layer.size - layer.size_with(*self._without(count, layer)) for layer in self.layers)
        return sum(changes, Size(0, 0))

    def _without(self, count: int, layer: _Layer) -> tuple[int, int]:
        """The inputs and outputs of a layer without so many of its channels."""
        inputs = layer.inputs - count * self._counts[layer.x] if layer.mixes else 1
        return inputs, layer.outputs - count * self._counts[layer.y]


def _exceeded(now: Size, whole: Size, shares: Shares) -> list[str]:
    return [
        name
        for name in ("parameters", "operations")
        if getattr(now, name) > getattr(shares, name) * getattr(whole, name)
    ]


def _impossible(graph: Graph, exceeded: list[str], now: Size, whole: Size, shares: Shares) -> UsageError:
    least = (f"{getattr(now, name) / getattr(whole, name):.1%} of its {name}" for name in exceeded)
    asked = " and ".join(f"{getattr(shares, name):.1%} of its {name}" for name in exceeded)
    what = f"{asked} cannot be reached by removing channels: the least is {' and '.join(least)}"
    fix = "raise the shares; inputs, outputs and what operators hold together keep their channels"
    return UsageError(Problem(f"pruning {graph.name}", what, fix))


def _layer_constant(
    node: Node, position: int, data: np.ndarray, inputs: np.ndarray, outputs: np.ndarray
) -> np.ndarray:
    """A layer's weights or bias with the channels that are kept (booleans)."""
    if position != WEIGHTS:
        return data.reshape(-1)[outputs] if data.size == len(outputs) else data
    data = np.compress(outputs, data, axis=CHANNEL_AXIS[type(node.operator)])
    if isinstance(node.operator, DepthwiseConv2D) or inputs.all():
        return data
    return data[..., np.tile(inputs, data.shape[-1] // len(inputs))]
