"""Kernels of firmware/kernels/midge/activation.h."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.common import constant_operands, refuse_other_types
from smidgen.compile.kernels.midge import MIDGE
from smidgen.compile.kernels.midge.packing import WORD
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Cost
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Relu, Relu6
from smidgen.graph.reference.table import unary_table

CLAMP, WORDS = 35, 9  # the call, and a word; measured on the simulated core


def _clamp(graph: Graph, node: Node) -> tuple[int, int] | None:
    """The smallest and largest output of a function that does nothing but clamp, or None."""
    table = unary_table(graph, node).astype(np.int64)
    low, high = int(table.min()), int(table.max())
    inputs = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)
    return (low, high) if np.array_equal(table, np.clip(inputs, low, high)) else None


def _refuse_clamp(graph: Graph, node: Node) -> str | None:
    reason = refuse_other_types(graph, node)
    if reason is None and _clamp(graph, node) is None:
        return "it rescales its input"
    return reason


def _lower_clamp(graph: Graph, node: Node, optimize: str) -> Lowered:
    elements = graph.tensor(node.outputs[0]).elements
    clamp = _clamp(graph, node)
    assert clamp is not None
    words = -(-elements // WORD)
    return Lowered(
        symbol="smidgen_midge_clamp",
        shape_type="struct smidgen_midge_clamp_shape",
        shape={"elements": elements, "activation_min": clamp[0], "activation_max": clamp[1]},
        reads=node.inputs[:1],
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        cost=Cost(CLAMP + WORDS * words, data_port=2 * words),
    )


KERNELS = (KernelSpec("midge_clamp", "activation", MIDGE, (Relu, Relu6), _refuse_clamp, _lower_clamp),)
