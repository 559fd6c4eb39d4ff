"""Lowering: passes from graph to graph that leave every output bit as it was."""

from __future__ import annotations

from smidgen.compile.lower.alias_moves import ALIAS_MOVES
from smidgen.compile.lower.fold_constants import FOLD_CONSTANTS
from smidgen.compile.lower.fold_pad import FOLD_PAD
from smidgen.compile.lower.fuse_activation import FUSE_ACTIVATION
from smidgen.compile.lower.materialize import materialize
from smidgen.compile.lower.remove_dead import REMOVE_DEAD
from smidgen.compile.lower.remove_identity import REMOVE_IDENTITY
from smidgen.compile.lower.rewrite import Pass, apply
from smidgen.graph import Graph

PASSES: tuple[Pass, ...] = (
    REMOVE_DEAD,
    FOLD_CONSTANTS,
    ALIAS_MOVES,
    REMOVE_IDENTITY,
    FUSE_ACTIVATION,
    FOLD_PAD,
)


def lower(graph: Graph) -> tuple[Graph, dict[str, int]]:
    """The graph that kernels are selected for, and how often each pass applied.

    Passes run in order until none applies; at the end every output and every state has a buffer of its
    own to be written to (see `materialize`).
    """
    counts = {rewrite.name: 0 for rewrite in PASSES}
    changed = True
    while changed:
        changed = False
        for rewrite in PASSES:
            graph, count = apply(graph, rewrite)
            counts[rewrite.name] += count
            changed = changed or count > 0
    graph = materialize(graph)
    return graph, counts


__all__ = ["PASSES", "lower"]
