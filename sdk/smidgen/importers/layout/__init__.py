"""Taking Transposes out of a graph: from channels first to channels last, as far as operators allow.

A Transpose is not written where it stands: its output is remembered as a view of its input with other axes,
and views pass through every operator that can compute on the other order (its axes, paddings, constants
change). Where one cannot, the tensor is written out in the order that it needs. So pairs cancel, constants
are transposed now, and a Transpose remains only where an operator really needs another order than the one
before.
"""

from __future__ import annotations

from smidgen.graph import Graph
from smidgen.importers.layout.operators import through
from smidgen.importers.layout.writer import Writer


def cancel_transposes(graph: Graph) -> Graph:
    """The same function with as few Transposes as this finds; inputs, outputs and states keep their
    layout."""
    writer = Writer(graph)
    for node in graph.nodes:
        through(writer, node)
    return writer.finish()


__all__ = ["cancel_transposes"]
