"""Kernels of firmware/kernels/portable/logic.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.elementwise import AXES, broadcast_fields, merged_loops, pairs, refuse_pattern
from smidgen.compile.kernels.quantize import overlap_between_types
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import DType, Graph, Node
from smidgen.graph.operators import Cast, Compare, Logical, LogicalNot, Select
from smidgen.graph.reference.logic import COMPARE_LEFT_SHIFT, compare_parameters


def _refuse_compare(graph: Graph, node: Node) -> str | None:
    for name in node.inputs:
        if graph.tensor(name).dtype is not DType.I8:
            return f"needs int8, but '{name}' is {graph.tensor(name).dtype.value}"
    return refuse_pattern(graph, node)


def _lower_compare(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = compare_parameters(graph, node)
    fields = {
        "a_multiplier": doubled(p.input1_multiplier),
        "b_multiplier": doubled(p.input2_multiplier),
        "left_shift": COMPARE_LEFT_SHIFT,
        "a_zero_point": p.input1_zero_point,
        "a_shift": -p.input1_shift,
        "b_zero_point": p.input2_zero_point,
        "b_shift": -p.input2_shift,
    }
    symbol = f"smidgen_{node.operator.kind.value}"
    return pairs(graph, node, symbol, "smidgen_compare_shape", fields)


def _lower_logical(graph: Graph, node: Node, optimize: str) -> Lowered:
    return pairs(graph, node, f"smidgen_{node.operator.kind.value}", "smidgen_extremum_shape", {})


def _accept(graph: Graph, node: Node) -> None:
    """Its types are fixed by its meaning."""


def _lower_not(graph: Graph, node: Node, optimize: str) -> Lowered:
    return Lowered(
        symbol="smidgen_logical_not",
        shape_type="struct smidgen_logical_not_shape",
        shape={"elements": graph.tensor(node.outputs[0]).elements},
        reads=node.inputs,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
        overlap=0,
    )


def _select_loops(graph: Graph, node: Node) -> list[tuple[int, ...]]:
    condition, a, b, output = (graph.tensor(name).shape for name in (*node.inputs, node.outputs[0]))
    return merged_loops((a, b, condition), output)


def _refuse_select(graph: Graph, node: Node) -> str | None:
    if len(_select_loops(graph, node)) > AXES:
        return f"its inputs broadcast in a pattern of more than {AXES} axes"
    return refuse_other_types(graph, node, first=1, count=3)


def _lower_select(graph: Graph, node: Node, optimize: str) -> Lowered:
    elements = graph.tensor(node.outputs[0]).elements
    whole = all(graph.tensor(name).elements == elements for name in node.inputs)
    return Lowered(
        symbol="smidgen_select",
        shape_type="struct smidgen_select_shape",
        shape=broadcast_fields(_select_loops(graph, node), ("size", "a", "b", "condition")),
        reads=node.inputs,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
        overlap=0 if whole else None,
    )


def _refuse_cast(graph: Graph, node: Node) -> str | None:
    floats = [name for name in (*node.inputs, *node.outputs) if graph.tensor(name).dtype is DType.F32]
    return f"'{floats[0]}' is f32" if floats else None


def _lower_cast(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    return Lowered(
        symbol="smidgen_cast",
        shape_type="struct smidgen_cast_shape",
        shape={
            "elements": x.elements,
            "input_bytes": x.dtype.bits // 8,
            "output_bytes": output.dtype.bits // 8,
            "to_boolean": int(output.dtype is DType.BOOL),
        },
        reads=node.inputs,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
        overlap=overlap_between_types(graph, node),
    )


KERNELS = (
    KernelSpec("compare", "logic", PORTABLE, (Compare,), _refuse_compare, _lower_compare),
    KernelSpec("logical", "logic", PORTABLE, (Logical,), refuse_pattern, _lower_logical),
    KernelSpec("logical_not", "logic", PORTABLE, (LogicalNot,), _accept, _lower_not),
    KernelSpec("select", "logic", PORTABLE, (Select,), _refuse_select, _lower_select),
    KernelSpec("cast", "logic", PORTABLE, (Cast,), _refuse_cast, _lower_cast),
)
