"""Measured models, by kind of layer."""

from __future__ import annotations

from dataclasses import dataclass

from smidgen.compress import requantize_weights
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from smidgen.run.result import Layer, Result

BITS = (8, 4, 2)
KINDS = ("convolution", "pointwise", "depthwise", "fully connected")


@dataclass(frozen=True, eq=False)
class Measured:
    """A model with weights of one width: the checked graph and its figures."""

    graph: Graph
    result: Result

    def layers(self, kind: str | None = None) -> list[tuple[Node, Layer]]:
        """Every layer of one kind (of all kinds when None) with its node."""
        nodes = {node.id: node for node in self.graph.nodes}
        pairs = [(nodes[layer.name], layer) for layer in self.result.layers]
        return [pair for pair in pairs if kind in (None, kind_of(self.graph, pair[0]))]


def kind_of(graph: Graph, node: Node) -> str:
    if isinstance(node.operator, Conv2D):
        return "pointwise" if graph.tensor(node.inputs[1]).shape[1:3] == (1, 1) else "convolution"
    kinds = {DepthwiseConv2D: "depthwise", FullyConnected: "fully connected"}
    return kinds.get(type(node.operator), "other")


def with_bits(graph: Graph, bits: int) -> Graph:
    """The int8 model with weights of so many bits (rounded: speed and size are what counts here)."""
    return graph if bits == 8 else requantize_weights(graph, bits)
