"""Masks of attention: scores of -1e9 or minus infinity, of which a Softmax makes nothing.

Such values must not stretch a range, or no step would be left for the scores. They are not counted; instead
the range reaches so far below what is counted that a saturated mask still makes nothing.
"""

from __future__ import annotations

import numpy as np

from smidgen.graph import Graph, Node
from smidgen.graph.operators import Activation, Add, Softmax
from smidgen.graph.scales import SAME_SCALE

MASKED = -1e4  # values below it are masks
MARGIN = 12.0  # exp(-12) is far below Softmax's step of 1 / 256


def maskable(graph: Graph) -> frozenset[str]:
    """Tensors, also constants, that come to nothing but Softmaxes, by choices, moves and sums."""
    found: set[str] = set()
    for node in reversed(graph.nodes):
        if _keeps_masks(node, found):
            readers = {name: graph.consumers(name) for name in node.inputs if name is not None}
            found |= {
                name
                for name, consumers in readers.items()
                if name not in graph.outputs and all(_keeps_masks(one, found) for one in consumers)
            }
    return frozenset(found)


def _keeps_masks(node: Node, found: set[str]) -> bool:
    if isinstance(node.operator, Softmax):
        return True
    moves = isinstance(node.operator, SAME_SCALE)
    sums = isinstance(node.operator, Add) and node.operator.activation is Activation.NONE
    return (moves or sums) and all(name in found for name in node.outputs)


def unmasked(values: np.ndarray) -> np.ndarray:
    """The values that are no masks, in one dimension; what is not a number stays."""
    return values[~(values <= MASKED)]
