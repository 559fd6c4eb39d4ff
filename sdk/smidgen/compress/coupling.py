"""Which channels belong together, over a whole graph: one can be removed only with all others of its set.

A channel is an index along a tensor's last axis. A sum ties the channels of both inputs to those of its
output, a depthwise convolution its output's to its input's, a concatenation each part to its place, and so
on. Layers that mix channels tie nothing: they end one set and begin another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from smidgen.compress.layers import CHANNEL_AXIS, WEIGHTS, weight_layers
from smidgen.graph import Graph, Node, Tensor, operators
from smidgen.graph.operators import (
    Concatenation,
    Conv2D,
    DepthToSpace,
    DepthwiseConv2D,
    FullyConnected,
    Pad,
    Reshape,
    SpaceToDepth,
    Split,
    StridedSlice,
    Tile,
    Transpose,
    TransposeConv2D,
)

# They compute each channel of the output from the same channel of each input.
_CHANNELWISE = (
    operators.Add, operators.Sub, operators.Mul, operators.Div, operators.Minimum, operators.Maximum,
    operators.SquaredDifference, operators.Prelu, operators.AveragePool2D, operators.MaxPool2D,
    operators.ResizeBilinear, operators.ResizeNearestNeighbor, operators.Relu, operators.Relu6,
    operators.LeakyRelu, operators.Elu, operators.Gelu, operators.Silu, operators.HardSwish,
    operators.HardSigmoid, operators.Clip, operators.Logistic, operators.Tanh, operators.Softplus,
    operators.Softsign, operators.Abs, operators.Neg, operators.Exp, operators.Square,
)  # fmt: skip
_REDUCTIONS = (operators.Mean, operators.Sum, operators.ReduceMax, operators.ReduceMin)

# A channel of one tensor and one of another, by name and index, for each pair that is tied.
Ties = tuple[str, np.ndarray, str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Coupling:
    """sets: of each tensor's channels the number of the set that they belong to (biases and weights are in no
    set: their layer's inputs and outputs are); removable: of each set, whether it may go at all."""

    sets: Mapping[str, np.ndarray]
    removable: np.ndarray

    def families(self) -> list[np.ndarray]:
        """The removable sets in groups of those that lie in the same tensors, each as often in all of them:
        of such sets one is as good to remove as another, but for what it computes."""
        places: list[list[tuple[int, int]]] = [[] for _ in self.removable]
        for index, sets in enumerate(self.sets.values()):
            for one, count in zip(*np.unique(sets, return_counts=True), strict=True):
                places[one].append((index, int(count)))
        alike: dict[tuple, list[int]] = {}
        for one in np.flatnonzero(self.removable):
            alike.setdefault(tuple(places[one]), []).append(int(one))
        return [np.array(members) for members in alike.values()]


def couple(graph: Graph) -> Coupling:
    """The sets of all channels. Inputs, outputs and states of the graph keep theirs, and so does every tensor
    that an operator reads or writes of which it is not known here how it treats channels."""
    places: dict[str, slice] = {}
    count = 0
    of_layers = {name for node in weight_layers(graph) for name in node.inputs[WEIGHTS:]}
    of_others = {
        name for node in graph.nodes if type(node.operator) not in CHANNEL_AXIS for name in node.inputs
    }
    for name, tensor in graph.tensors.items():
        if tensor.shape and not (tensor.is_constant and name in of_layers - of_others):
            places[name] = slice(count, count + tensor.shape[-1])
            count += tensor.shape[-1]
    numbers = np.arange(count)
    one, other = [np.zeros(0, int)], [np.zeros(0, int)]
    kept = {*graph.inputs, *graph.outputs}
    kept |= {name for state in graph.states for name in (state.tensor, state.next)}
    for node in graph.nodes:
        ties = _ties(graph, node)
        if ties is None:
            kept |= {name for name in (*node.inputs, *node.outputs) if name is not None}
            continue
        for name, indices, with_name, with_indices in ties:
            one.append(numbers[places[name]][indices])
            other.append(numbers[places[with_name]][with_indices])
    label = _connected(count, np.concatenate(one), np.concatenate(other))
    sets, label = np.unique(label, return_inverse=True)
    removable = np.ones(len(sets), bool)
    for name in kept & places.keys():
        removable[label[places[name]]] = False
    return Coupling({name: label[place] for name, place in places.items()}, removable)


def _ties(graph: Graph, node: Node) -> Iterable[Ties] | None:
    """What the node ties; None where its channels must all stay."""
    x, *others = (None if name is None else graph.tensor(name) for name in node.inputs)
    y = graph.tensor(node.outputs[0])
    operator = node.operator
    if x is None or any(not tensor.shape for tensor in (x, *graph.output_tensors(node))):
        return None
    channels, last = y.shape[-1], len(x.shape) - 1
    if isinstance(operator, Conv2D | DepthwiseConv2D | TransposeConv2D | FullyConnected):
        return _layer_ties(graph, node, x, y)
    if isinstance(operator, _CHANNELWISE):
        tensors = [tensor for tensor in (x, *others) if tensor is not None]
        return None if _spreads(tensors, channels) else _same(tensors, y)
    match operator:
        case Concatenation(axis=axis) if axis == last:
            return _parts(x, *others, whole=y)
        case Concatenation():
            return _same([tensor for tensor in (x, *others) if tensor is not None], y)
        case Split(axis=axis) if axis != last:
            return [tie for output in graph.output_tensors(node) for tie in _same([x], output)]
        case Reshape():
            return _flattened(x, y)
        case DepthToSpace():
            return [(x.name, np.arange(x.shape[-1]), y.name, np.arange(x.shape[-1]) % channels)]
        case SpaceToDepth():
            return [(y.name, np.arange(channels), x.name, np.arange(channels) % x.shape[-1])]
        case Pad(paddings=paddings) if paddings[-1] == (0, 0):
            return _same([x], y)
        case Tile(multiples=multiples) if multiples[-1] == 1:
            return _same([x], y)
        case Transpose(permutation=permutation) if permutation[-1] == last:
            return _same([x], y)
        case StridedSlice(begin=begin, step=step) if (begin[-1], step[-1]) == (0, 1):
            return _same([x], y) if channels == x.shape[-1] else None
        case operator if isinstance(operator, _REDUCTIONS) and last not in operator.axes:
            return _same([x], y)
    return None


def _layer_ties(graph: Graph, node: Node, x: Tensor, y: Tensor) -> list[Ties] | None:
    constants = [name for name in node.inputs[WEIGHTS:] if name is not None]
    if any(not graph.tensor(one).is_constant or len(graph.consumers(one)) > 1 for one in constants):
        return None
    weights, channels = graph.tensor(node.inputs[WEIGHTS]).shape, x.shape[-1]
    match node.operator:
        case DepthwiseConv2D():
            outputs = np.arange(y.shape[-1])
            return [(x.name, outputs // (y.shape[-1] // channels), y.name, outputs)]
        case FullyConnected():  # may read rows of several positions
            return None if weights[-1] % channels else []
    return [] if weights[3] == channels else None


def _same(tensors: Iterable[Tensor], y: Tensor) -> list[Ties]:
    """Each channel with the same of the output; a size of 1 is the same number for all channels."""
    indices = np.arange(y.shape[-1])
    return [(one.name, indices, y.name, indices) for one in tensors if one.shape[-1:] == y.shape[-1:]]


def _spreads(tensors: Iterable[Tensor], channels: int) -> bool:
    """Whether one computed channel meets many."""
    return any(not tensor.is_constant and tensor.shape[-1:] != (channels,) for tensor in tensors)


def _parts(*tensors: Tensor | None, whole: Tensor) -> Iterator[Ties]:
    start = 0
    for tensor in tensors:
        assert tensor is not None
        indices = np.arange(tensor.shape[-1])
        yield tensor.name, indices, whole.name, start + indices
        start += tensor.shape[-1]


def _flattened(x: Tensor, y: Tensor) -> list[Ties] | None:
    """Positions that become part of the last axis, or leave it, repeat the channels in order."""
    long, short = (x, y) if x.shape[-1] >= y.shape[-1] else (y, x)
    if long.shape[-1] % short.shape[-1]:
        return None
    indices = np.arange(long.shape[-1])
    return [(long.name, indices, short.name, indices % short.shape[-1])]


def _connected(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of each of `count` items, the smallest of those it is tied to, directly or through others."""
    label = np.arange(count)
    while True:
        smaller = np.minimum(label[one], label[other])
        changed = label.copy()
        np.minimum.at(changed, one, smaller)
        np.minimum.at(changed, other, smaller)
        changed = changed[changed]
        if (changed == label).all():
            return label
        label = changed
