"""Give every output and every state's next value bytes of its own that a kernel writes.

An output may be a constant or the old value of a state, and a state may become another state or a constant.
None of these can share a buffer with what it comes from, so a copy is put in between: a CONCATENATION of
one input.
"""

from __future__ import annotations

from dataclasses import replace

from smidgen.compile.lower.rewrite import with_nodes
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Concatenation, Reshape


def root(graph: Graph, name: str) -> str:
    """The tensor whose bytes this tensor is: itself, or what a chain of Reshapes started from."""
    producer = graph.producer(name)
    while producer is not None and isinstance(producer.operator, Reshape):
        name = producer.inputs[0] or name
        producer = graph.producer(name)
    return name


def materialize(graph: Graph) -> Graph:
    """The graph with copies where an output or a state would otherwise share a buffer it must not share."""
    state_tensors = {state.tensor for state in graph.states}

    def is_fixed(name: str) -> bool:
        return graph.tensor(name).is_constant or name in state_tensors

    copies: dict[str, str] = {}
    for name in graph.outputs:
        if is_fixed(root(graph, name)):
            copies[name] = f"{name}.copy"
    for state in graph.states:
        source = root(graph, state.next)
        if source != state.tensor and is_fixed(source):
            copies[state.next] = f"{state.next}.copy"
    if not copies:
        return graph
    tensors = [replace(graph.tensor(old), name=new, data=None) for old, new in copies.items()]
    nodes = [Node(new, Concatenation(axis=0), (old,), (new,)) for old, new in copies.items()]
    wider = with_nodes(graph, (*graph.nodes, *nodes), tensors)
    return replace(
        wider,
        outputs=tuple(copies.get(name, name) for name in graph.outputs),
        states=tuple(replace(state, next=copies.get(state.next, state.next)) for state in graph.states),
    )
