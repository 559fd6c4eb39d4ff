"""Kernels of firmware/kernels/dsp/elementwise.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.dsp import DSP
from smidgen.compile.kernels.dsp.packing import UNIT_MULTIPLIER, kernel_shift, variant_of
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.fixed_point import INT32_MAX
from smidgen.graph.operators import Add
from smidgen.graph.reference.elementwise import AddParameters, add_parameters

_SHIFT = 20  # to the left, of operands
_HALF = (1 << 30, 0)  # multiplier and shift of the operand with the larger scale


def _operands(p: AddParameters) -> list[tuple[int, int, int, int]]:
    """(multiplier, shift to the right, zero point, position), that which is halved first."""
    first = (p.input1_multiplier, -p.input1_shift, p.input1_zero_point, 0)
    second = (p.input2_multiplier, -p.input2_shift, p.input2_zero_point, 1)
    return sorted((first, second), key=lambda operand: operand[:2] != _HALF)


def _refuse(graph: Graph, node: Node) -> str | None:
    reason = refuse_other_types(graph, node, 2)
    if reason is not None:
        return reason
    if len({graph.tensor(name).shape for name in (*node.inputs, *node.outputs)}) > 1:
        return "its inputs broadcast"
    p = add_parameters(graph, node)
    half, other = _operands(p)
    if p.left_shift != _SHIFT or half[:2] != _HALF:
        return "no input is scaled by a half"
    largest = 255 << _SHIFT  # of the sum
    reach = abs(2 * p.output_zero_point + 1) << -p.output_shift if p.output_shift < 0 else INT32_MAX
    if min(p.output_multiplier, other[0]) < 1 << 30 or largest + 1 + reach > INT32_MAX:
        return "its scales are too far apart"
    if other[1] < 0 or (1 << other[1]) + largest > INT32_MAX:
        return "its scales are too far apart"
    return None


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = add_parameters(graph, node)
    half, other = _operands(p)
    if other[:2] == _HALF:  # exactly, though multiplied by 2^32 and shifted by 1
        multiplier, shift = UNIT_MULTIPLIER, 0
    else:
        multiplier, shift = doubled(other[0]), other[1] - 1
    variant = variant_of(optimize, (p.clamp_min, p.clamp_max), p.output_zero_point)
    reads = tuple(node.inputs[operand[3]] for operand in (half, other))
    return Lowered(
        symbol=f"smidgen_dsp_add_{variant}",
        shape_type="struct smidgen_dsp_add_shape",
        shape={
            "elements": graph.tensor(node.outputs[0]).elements,
            "b_multiplier": multiplier,
            "output_multiplier": doubled(p.output_multiplier),
            "a_offset": half[2] << (_SHIFT - 1),
            "b_offset": other[2] << _SHIFT,
            "b_shift": shift,
            "output_zero_point": p.output_zero_point,
            "output_shift": kernel_shift(-p.output_shift, variant),
            "activation_min": p.clamp_min,
            "activation_max": p.clamp_max,
        },
        reads=reads,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
        overlap=0,
    )


KERNELS = (KernelSpec("dsp_add", "elementwise", DSP, (Add,), _refuse, _lower),)
