"""Which channels may be multiplied by a number, because the layers around them can take it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from smidgen.compress.layers import BIAS, CHANNEL_AXIS, WEIGHTS, bias_of, weight_layers, with_constants
from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.fixed_point import activation_range_float
from smidgen.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    LeakyRelu,
    MaxPool2D,
    Mean,
    Pad,
    Relu,
    Relu6,
    Reshape,
    ResizeBilinear,
    ResizeNearestNeighbor,
    Sub,
)

# They treat channels alike, and give k times the output for k times the inputs while no bound is reached.
_PROPORTIONAL = (
    Add, AveragePool2D, LeakyRelu, MaxPool2D, Mean, Pad, Relu, Relu6, Reshape, ResizeBilinear,
    ResizeNearestNeighbor, Sub,
)  # fmt: skip


@dataclass(frozen=True)
class ChannelGroup:
    """Tensors that share their channels, which are the last axis: what `writers` give and `readers` take.

    bounds: of tensors that a ReLU6 or the like limits, by name: the magnitude that it lets through.
    """

    tensors: tuple[str, ...]
    channels: int
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    bounds: Mapping[str, float]


def channel_groups(graph: Graph) -> list[ChannelGroup]:
    """All groups whose channels only layers with constant weights write and read, in the graph's order."""
    parent = {name: name for name, tensor in graph.tensors.items() if not tensor.is_constant}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for node in graph.nodes:
        if _is_proportional(graph, node):
            for name in node.inputs:
                parent[root(str(name))] = root(node.outputs[0])
    members: dict[str, list[str]] = {}
    for name in parent:
        members.setdefault(root(name), []).append(name)
    groups = [_group(graph, names) for names in members.values()]
    return [group for group in groups if group is not None]


def _is_proportional(graph: Graph, node: Node) -> bool:
    """Whether inputs and output of the node share their channels."""
    if not isinstance(node.operator, _PROPORTIONAL):
        return False
    tensors = [graph.tensor(name) for name in (*node.inputs, *node.outputs)]
    if any(tensor.is_constant or tensor.shape[-1:] != tensors[0].shape[-1:] for tensor in tensors):
        return False
    match node.operator:
        case Pad(paddings=paddings, value=value):
            return not value and paddings[-1] == (0, 0)
        case Mean(axes=axes):
            return len(tensors[0].shape) - 1 not in axes
    return True


def _group(graph: Graph, names: list[str]) -> ChannelGroup | None:
    outside = {*graph.inputs, *graph.outputs}
    outside |= {name for state in graph.states for name in (state.tensor, state.next)}
    channels = {graph.tensor(name).shape[-1:] for name in names}
    if outside & set(names) or len(channels) != 1 or channels == {()}:
        return None
    (size,) = channels.pop()
    writers, readers, bounds = [], [], {}
    layers = {node.id for node in weight_layers(graph)}
    for name in names:
        for node in (graph.producer(name), *graph.consumers(name)):
            writes = node is not None and name in node.outputs
            if node is None or not (_is_proportional(graph, node) or _is_layer(graph, node, layers)):
                return None
            if writes and (bound := _bound(node)) is not None:
                bounds[name] = bound
            if node.id in layers:
                if not writes and not _takes_channels(graph, node, size):
                    return None
                (writers if writes else readers).append(node.id)
    if not writers or not readers:
        return None
    return ChannelGroup(tuple(names), size, tuple(writers), tuple(dict.fromkeys(readers)), bounds)


def _is_layer(graph: Graph, node: Node, layers: set[str]) -> bool:
    constants = [name for name in node.inputs[WEIGHTS:] if name is not None]
    return node.id in layers and all(graph.tensor(name).is_constant for name in constants)


def _takes_channels(graph: Graph, node: Node, channels: int) -> bool:
    """Whether the layer's weights know the channels of its input, each for itself."""
    weights = graph.tensor(node.inputs[WEIGHTS]).shape
    match node.operator:
        case DepthwiseConv2D():
            return weights[3] % channels == 0
        case Conv2D():
            return channels % weights[3] == 0
    return weights[-1] == channels


def _bound(node: Node) -> float | None:
    """The magnitude at which the node's output ends, None where it ends nowhere (a ReLU's 0 stays 0)."""
    if isinstance(node.operator, Relu6):
        return 6.0
    high = activation_range_float(getattr(node.operator, "activation", Activation.NONE))[1]
    return None if np.isinf(high) else high


def by_input(node: Node, weights: np.ndarray, channels: int) -> np.ndarray:
    """View of a reader's weights with its input channels first: (channels, ...)."""
    if isinstance(node.operator, DepthwiseConv2D):
        return np.moveaxis(weights.reshape(*weights.shape[:3], channels, -1), 3, 0)
    if isinstance(node.operator, Conv2D):
        parts = channels // weights.shape[3]  # input channels of part p meet outputs of part p only
        split = weights.reshape(parts, -1, *weights.shape[1:])
        return np.moveaxis(split, -1, 1).reshape(channels, -1, *weights.shape[1:3])
    return np.moveaxis(weights, -1, 0)


def input_factors(node: Node, weights: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """The factors of a reader's input channels in a shape that broadcasts over its weights."""
    if isinstance(node.operator, DepthwiseConv2D):
        return np.repeat(factors, weights.shape[3] // len(factors))
    if isinstance(node.operator, Conv2D):
        parts = len(factors) // weights.shape[3]
        per_output = np.repeat(factors.reshape(parts, -1), weights.shape[0] // parts, axis=0)
        return per_output[:, None, None, :]
    return factors


def with_factors(graph: Graph, group: ChannelGroup, factors: np.ndarray) -> Graph:
    """The graph in which the group's channels are so many times as large; (channels,), above 0."""
    for name in group.writers:
        node = _node(graph, name)
        weights, bias = graph.tensor(node.inputs[WEIGHTS]), bias_of(graph, node)
        assert weights.data is not None
        shape = np.ones(weights.data.ndim, int)
        shape[CHANNEL_AXIS[type(node.operator)]] = -1
        changed = {WEIGHTS: _times(weights, factors.reshape(shape))}
        if bias is not None:
            changed[BIAS] = _times(bias, factors)
        graph = with_constants(graph, node, changed)
    for name in group.readers:
        node = _node(graph, name)
        weights = graph.tensor(node.inputs[WEIGHTS])
        assert weights.data is not None
        graph = with_constants(
            graph, node, {WEIGHTS: _times(weights, 1 / input_factors(node, weights.data, factors))}
        )
    return graph


def _times(tensor: Tensor, factors: np.ndarray) -> Tensor:
    assert tensor.data is not None
    return replace(tensor, data=(tensor.data * factors).astype(np.float32))


def _node(graph: Graph, name: str) -> Node:
    return next(node for node in graph.nodes if node.id == name)
