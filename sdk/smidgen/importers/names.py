"""The names of an imported graph and of its tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from smidgen.graph import Graph


def graph_name(path: Path) -> str:
    """The file's stem as a C identifier."""
    name = re.sub(r"[^0-9A-Za-z]+", "_", path.stem).strip("_").lower()
    return name if name and name[0].isalpha() else f"model_{name}".rstrip("_")


def unique_name(taken: set[str], name: str) -> str:
    """The name, numbered where it is taken already; it is taken from now on."""
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    taken.add(candidate)
    return candidate


def with_names(graph: Graph, preferred: Mapping[str, str]) -> Graph:
    """The graph whose tensors have the names preferred for them, as far as no other has these."""
    names: dict[str, str] = {}
    taken = set(graph.tensors)
    for name, better in preferred.items():
        if name in graph.tensors and better not in taken:
            names[name] = better
            taken.add(better)

    def new(name: str) -> str:
        return names.get(name, name)

    nodes = tuple(
        replace(
            node,
            inputs=tuple(None if name is None else new(name) for name in node.inputs),
            outputs=tuple(map(new, node.outputs)),
        )
        for node in graph.nodes
    )
    tensors = {new(name): replace(tensor, name=new(name)) for name, tensor in graph.tensors.items()}
    states = tuple(replace(state, tensor=new(state.tensor), next=new(state.next)) for state in graph.states)
    inputs, outputs = tuple(map(new, graph.inputs)), tuple(map(new, graph.outputs))
    return replace(graph, tensors=tensors, nodes=nodes, inputs=inputs, outputs=outputs, states=states)
