"""Kernels of firmware/kernels/midge/elementwise.h."""

from __future__ import annotations

from dataclasses import replace

from smidgen.compile.kernels import elementwise as portable
from smidgen.compile.kernels.common import refuse_other_types
from smidgen.compile.kernels.midge import MIDGE
from smidgen.compile.kernels.midge.packing import WORD
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Cost
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Add, Maximum, Minimum, Mul, Sub

_PORTABLE = {spec.name: spec for spec in portable.KERNELS}
_AXES = {f"{field}_{axis}" for field in ("size", "a", "b") for axis in range(portable.AXES)}
FEWEST = 16  # sums for which filling the tables pays

# Measured on the simulated core.
TABLES = 612  # filling both tables, and the call
SUMS = 15  # of a word
MUL, PRODUCT = 85, 27  # the call, and a product
EXTREMUM, WORDS = 35, 10  # the call, and a word


def _refuse_broadcast(graph: Graph, node: Node) -> str | None:
    elements = {graph.tensor(name).elements for name in (*node.inputs, *node.outputs)}
    return "its inputs broadcast" if len(elements) > 1 else refuse_other_types(graph, node, 2)


def _refuse_add(graph: Graph, node: Node) -> str | None:
    elements = graph.tensor(node.outputs[0]).elements
    if elements < FEWEST:
        return f"it has {elements} elements, and filling the tables pays from {FEWEST} on"
    return _refuse_broadcast(graph, node)


def _flat(graph: Graph, node: Node, kernel: str, name: str, optimize: str) -> Lowered:
    """As the portable kernel, without its axes."""
    lowered = _PORTABLE[kernel].lower(graph, node, optimize)
    parameters = {field: value for field, value in lowered.shape.items() if field not in _AXES}
    return replace(
        lowered,
        symbol=f"smidgen_midge_{name}",
        shape={"elements": graph.tensor(node.outputs[0]).elements, **parameters},
    )


def _lower_add(graph: Graph, node: Node, optimize: str) -> Lowered:
    lowered = _flat(graph, node, "add", "add" if isinstance(node.operator, Add) else "sub", optimize)
    elements = lowered.shape["elements"]
    words = -(-elements // WORD)
    cost = Cost(TABLES + SUMS * words, data_port=2 * words + elements, requantizer=512 + elements)
    return replace(lowered, shape_type="struct smidgen_midge_add_shape", cost=cost)


def _lower_mul(graph: Graph, node: Node, optimize: str) -> Lowered:
    lowered = _PORTABLE["mul"].lower(graph, node, optimize)
    elements = graph.tensor(node.outputs[0]).elements
    cost = Cost(MUL + PRODUCT * elements, data_port=3 * elements, requantizer=elements)
    return replace(lowered, symbol="smidgen_midge_mul", cost=cost)


def _lower_extremum(graph: Graph, node: Node, optimize: str) -> Lowered:
    kind = "minimum" if isinstance(node.operator, Minimum) else "maximum"
    lowered = _flat(graph, node, kind, kind, optimize)
    words = -(-lowered.shape["elements"] // WORD)
    cost = Cost(EXTREMUM + WORDS * words, data_port=3 * words)
    return replace(lowered, shape_type="struct smidgen_midge_extremum_shape", cost=cost)


KERNELS = (
    KernelSpec("midge_add", "elementwise", MIDGE, (Add, Sub), _refuse_add, _lower_add),
    KernelSpec("midge_mul", "elementwise", MIDGE, (Mul,), _PORTABLE["mul"].refuse, _lower_mul),
    KernelSpec(
        "midge_extremum", "elementwise", MIDGE, (Minimum, Maximum), _refuse_broadcast, _lower_extremum
    ),
)
