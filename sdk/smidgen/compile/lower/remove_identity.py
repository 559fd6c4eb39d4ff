"""Remove a Reshape that changes nothing, so that the nodes around it can meet."""

from __future__ import annotations

from smidgen.compile.lower.rewrite import Pass, is_interface, rename_reads, replace_node, same_quantization
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Reshape


def _match(graph: Graph, node: Node) -> bool:
    if not isinstance(node.operator, Reshape):
        return False
    source, result = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    is_same = source.shape == result.shape and same_quantization(source, result)
    return is_same and not is_interface(graph, result.name)


def _transform(graph: Graph, node: Node) -> Graph:
    source = graph.tensor(node.inputs[0]).name
    return replace_node(rename_reads(graph, node.outputs[0], source), node, ())


REMOVE_IDENTITY = Pass("remove identities", _match, _transform)
