"""Kernels of firmware/kernels/mve/elementwise.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import constant_operands, refuse_other_types
from smidgen.compile.kernels.mve import MVE
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Add, Sub
from smidgen.graph.reference.elementwise import add_parameters

_HALF = 1 << 30  # the multiplier that halves


def _refuse(graph: Graph, node: Node) -> str | None:
    elements = graph.tensor(node.outputs[0]).elements
    if any(graph.tensor(name).elements != elements for name in node.inputs):
        return "its inputs broadcast"
    return refuse_other_types(graph, node, 2)


def _scaling(left_shift: int, multiplier: int, shift: int) -> tuple[int, int, int]:
    """(shift to the left before the multiplication, multiplier, shift after it) that scale as these.

    A half may as well be twice a quarter: then every shift after the multiplication goes right.
    """
    if (multiplier, shift) == (_HALF, 0):
        return left_shift + 1, multiplier, -1
    return left_shift, multiplier, shift


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = add_parameters(graph, node)
    a = _scaling(p.left_shift, p.input1_multiplier, p.input1_shift)
    b = _scaling(p.left_shift, p.input2_multiplier, p.input2_shift)
    if optimize == "size" or max(a[2], b[2], p.output_shift) > -1:
        variant = "wide"
    else:
        variant = "clamped" if p.clamp_min >= p.output_zero_point else "right"
    kind = "add" if isinstance(node.operator, Add) else "sub"
    scalings = {
        f"{name}_{field}": value
        for name, scaling in (("a", a), ("b", b))
        for field, value in zip(("left_shift", "multiplier", "shift"), scaling, strict=True)
    }
    return Lowered(
        symbol=f"smidgen_mve_{kind}_{variant}",
        shape_type="struct smidgen_mve_add_shape",
        shape={
            "elements": graph.tensor(node.outputs[0]).elements,
            "a_zero_point": p.input1_zero_point,
            "b_zero_point": p.input2_zero_point,
            **scalings,
            "output_zero_point": p.output_zero_point,
            "output_multiplier": p.output_multiplier,
            "output_shift": p.output_shift,
            "activation_min": p.clamp_min,
            "activation_max": p.clamp_max,
        },
        reads=node.inputs,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
        overlap=0,
    )


KERNELS = (KernelSpec("mve_add", "elementwise", MVE, (Add, Sub), _refuse, _lower),)
