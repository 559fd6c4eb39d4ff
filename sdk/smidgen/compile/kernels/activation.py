"""Kernels of firmware/kernels/portable/activation.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Pow, Softmax
from smidgen.graph.reference.activation import softmax_parameters
from smidgen.graph.reference.elementwise import power_table, variable_of_power
from smidgen.graph.reference.table import FLOAT_FUNCTIONS, unary_table

SOFTMAX_DEPTH = 4095  # beyond it the sum of the exponentials leaves its 32 bits


def table_call(graph: Graph, node: Node, table, read: int = 0) -> Lowered:
    """A call of the table kernel; table: int8 outputs for the inputs 0 to 127, then -128 to -1; read: which
    of the node's inputs it is a function of."""
    reads = node.inputs[read : read + 1]
    return Lowered(
        symbol="smidgen_table",
        shape_type="struct smidgen_table_shape",
        shape={"elements": graph.tensor(node.outputs[0]).elements},
        reads=reads,
        blobs=(Blob("table", table, "table"),),
        specialise=False,
        constants=constant_operands(graph, reads),
        overlap=0,
    )


def _lower_unary(graph: Graph, node: Node, optimize: str) -> Lowered:
    return table_call(graph, node, unary_table(graph, node))


def _refuse_power(graph: Graph, node: Node) -> str | None:
    if variable_of_power(graph, node) is None:
        return "neither its base nor its exponent is one constant"
    return refuse_other_types(graph, node, 2)


def _lower_power(graph: Graph, node: Node, optimize: str) -> Lowered:
    return table_call(graph, node, power_table(graph, node), variable_of_power(graph, node) or 0)


def _refuse_softmax(graph: Graph, node: Node) -> str | None:
    depth = graph.tensor(node.inputs[0]).shape[-1]
    if depth > SOFTMAX_DEPTH:
        return f"its last axis has {depth} elements, more than {SOFTMAX_DEPTH}"
    return refuse_other_types(graph, node)


def _lower_softmax(graph: Graph, node: Node, optimize: str) -> Lowered:
    x = graph.tensor(node.inputs[0])
    p = softmax_parameters(graph, node)
    return Lowered(
        symbol="smidgen_softmax",
        shape_type="struct smidgen_softmax_shape",
        shape={
            "rows": x.elements // x.shape[-1],
            "depth": x.shape[-1],
            "multiplier": doubled(p.multiplier),
            "left_shift": p.left_shift,
            "diff_min": p.diff_min,
        },
        reads=node.inputs[:1],
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=0,  # the last of the passes over a row reads and writes element by element
    )


KERNELS = (
    KernelSpec(
        "table",
        "activation",
        PORTABLE,
        tuple(FLOAT_FUNCTIONS),
        refuse_other_types,
        _lower_unary,
    ),
    KernelSpec("power_table", "activation", PORTABLE, (Pow,), _refuse_power, _lower_power),
    KernelSpec("softmax", "activation", PORTABLE, (Softmax,), _refuse_softmax, _lower_softmax),
)
