"""Compute nodes whose inputs are all constants, with the reference."""

from __future__ import annotations

from dataclasses import replace

from smidgen.compile.lower.rewrite import Pass, replace_node
from smidgen.graph import Graph, Node
from smidgen.graph.reference import run


def _match(graph: Graph, node: Node) -> bool:
    return all(name is None or graph.tensor(name).is_constant for name in node.inputs)


def _transform(graph: Graph, node: Node) -> Graph:
    names = [name for name in (*node.inputs, *node.outputs) if name is not None]
    alone = Graph(
        name=node.id,
        tensors={name: graph.tensor(name) for name in names},
        nodes=(node,),
        inputs=(),
        outputs=node.outputs,
    )
    values = run(alone, []).outputs
    constants = [
        replace(graph.tensor(name), data=value) for name, value in zip(node.outputs, values, strict=True)
    ]
    return replace_node(graph, node, (), constants)


FOLD_CONSTANTS = Pass("fold constants", _match, _transform)
