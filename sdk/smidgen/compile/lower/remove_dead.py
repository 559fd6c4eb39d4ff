"""Remove nodes whose outputs nobody reads."""

from __future__ import annotations

from smidgen.compile.lower.rewrite import Pass, is_interface, replace_node
from smidgen.graph import Graph, Node


def _match(graph: Graph, node: Node) -> bool:
    return not any(is_interface(graph, name) or graph.consumers(name) for name in node.outputs)


def _transform(graph: Graph, node: Node) -> Graph:
    return replace_node(graph, node, ())


REMOVE_DEAD = Pass("remove dead nodes", _match, _transform)
