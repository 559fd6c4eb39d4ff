"""The layers that have weights, and how their constants are replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Gru, Lstm, TransposeConv2D

WEIGHTS, BIAS = 1, 2  # positions among a node's inputs

# The axis of the weights along which their output channels lie.
CHANNEL_AXIS = {Conv2D: 0, DepthwiseConv2D: 3, TransposeConv2D: 0, FullyConnected: 0}


def weight_layers(graph: Graph) -> list[Node]:
    """The nodes that have weights, in the graph's order."""
    return [node for node in graph.nodes if type(node.operator) in CHANNEL_AXIS]


def stored_constants(graph: Graph, node: Node) -> tuple[list[Tensor], list[Tensor]]:
    """(weights, biases) of a node; recurrent layers, whose weights always have 8 bits, have two of each."""
    if isinstance(node.operator, Lstm | Gru):
        parts = node.inputs[WEIGHTS:3], node.inputs[3 : 4 if isinstance(node.operator, Lstm) else 5]
    elif type(node.operator) in CHANNEL_AXIS:
        parts = node.inputs[WEIGHTS:BIAS], node.inputs[BIAS:]
    else:
        parts = (), ()
    weights, biases = ([graph.tensor(name) for name in names if name is not None] for names in parts)
    return weights, biases


def bias_of(graph: Graph, node: Node) -> Tensor | None:
    name = node.inputs[BIAS] if len(node.inputs) > BIAS else None
    return None if name is None else graph.tensor(name)


def with_constants(graph: Graph, node: Node, constants: Mapping[int, Tensor]) -> Graph:
    """The graph in which inputs of one node, by position, are other constants.

    A constant that no other node reads keeps its name; otherwise the new one is named after the node.
    """
    tensors, inputs = dict(graph.tensors), list(node.inputs)
    for position, tensor in constants.items():
        if len(graph.consumers(tensor.name)) > 1 or tensor.name in graph.outputs:
            tensor = replace(tensor, name=f"{tensor.name} of {node.id}")
        tensors[tensor.name] = tensor
        inputs[position] = tensor.name
    changed = replace(node, inputs=tuple(inputs))
    nodes = tuple(changed if other.id == node.id else other for other in graph.nodes)
    return replace(graph, tensors=tensors, nodes=nodes)
