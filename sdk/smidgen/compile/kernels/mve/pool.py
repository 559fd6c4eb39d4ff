"""Kernels of firmware/kernels/mve/pool.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import constant_operands, refuse_other_types
from smidgen.compile.kernels.mve import MVE
from smidgen.compile.kernels.pool import pool_fields
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import AveragePool2D, MaxPool2D

_MOST_SUMMED = 255  # values, so that 16 bits hold their sum


def _refuse_average(graph: Graph, node: Node) -> str | None:
    size = node.operator.size
    if size[0] * size[1] > _MOST_SUMMED:
        return f"its windows have {size[0] * size[1]:,} positions"
    return refuse_other_types(graph, node)


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    kind = "average" if isinstance(node.operator, AveragePool2D) else "max"
    return Lowered(
        symbol=f"smidgen_mve_{kind}_pool",
        shape_type="struct smidgen_pool_shape",
        shape=pool_fields(graph, node),
        reads=node.inputs[:1],
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


KERNELS = (
    KernelSpec("mve_average_pool", "pool", MVE, (AveragePool2D,), _refuse_average, _lower),
    KernelSpec("mve_max_pool", "pool", MVE, (MaxPool2D,), refuse_other_types, _lower),
)
