"""What every lowering pass shares: the shape of a pass, and edits that return a new graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from smidgen.graph import Graph, Node, Tensor


@dataclass(frozen=True)
class Pass:
    """A rewrite of one node and its neighbours that changes no output bit.

    match: whether the pass applies to this node of this graph; transform: the graph after applying it.
    """

    name: str
    match: Callable[[Graph, Node], bool]
    transform: Callable[[Graph, Node], Graph]


def apply(graph: Graph, rewrite: Pass) -> tuple[Graph, int]:
    """The graph after applying the pass wherever it matches, and how often it did."""
    count = 0
    position = 0
    while position < len(graph.nodes):
        node = graph.nodes[position]
        if rewrite.match(graph, node):
            graph = rewrite.transform(graph, node)
            count += 1
            # The node at this position is now another one, or the same one in a simpler form.
        else:
            position += 1
    return graph, count


def is_interface(graph: Graph, name: str) -> bool:
    """Whether a tensor is seen from outside (an output, or what a state becomes), so must keep its name."""
    return name in graph.outputs or any(state.next == name for state in graph.states)


def with_nodes(graph: Graph, nodes: Sequence[Node], tensors: Sequence[Tensor] = ()) -> Graph:
    """The graph with these nodes, and these tensors added or replaced."""
    table = {**graph.tensors, **{tensor.name: tensor for tensor in tensors}}
    return replace(graph, nodes=tuple(nodes), tensors=table)


def replace_node(graph: Graph, old: Node, new: Sequence[Node], tensors: Sequence[Tensor] = ()) -> Graph:
    """The graph with one node replaced by others at its place."""
    nodes = [other for node in graph.nodes for other in (new if node.id == old.id else (node,))]
    return with_nodes(graph, nodes, tensors)


def rename_reads(graph: Graph, old: str, new: str) -> Graph:
    """The graph in which every node that read tensor `old` reads `new`."""
    nodes = [
        replace(node, inputs=tuple(new if name == old else name for name in node.inputs))
        for node in graph.nodes
    ]
    return with_nodes(graph, nodes)


def same_quantization(first: Tensor, second: Tensor) -> bool:
    """Whether the same integers mean the same real numbers in both tensors."""
    if first.dtype is not second.dtype:
        return False
    a, b = first.quantization, second.quantization
    if a is None or b is None:
        return a is b
    return (
        a.axis == b.axis
        and a.scale.tolist() == b.scale.tolist()
        and a.zero_point.tolist() == b.zero_point.tolist()
    )
