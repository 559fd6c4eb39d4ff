"""Kernels of firmware/kernels/portable/elementwise.h."""

from __future__ import annotations

from collections.abc import Sequence

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.fixed_point import INT32_MAX, integer_range
from smidgen.graph.operators import Add, Div, Maximum, Minimum, Mul, Prelu, SquaredDifference, Sub
from smidgen.graph.reference.activation import prelu_parameters
from smidgen.graph.reference.elementwise import (
    AddParameters,
    MulParameters,
    add_parameters,
    div_parameters,
    mul_parameters,
    squared_difference_parameters,
)

AXES = 4


def _strides(shape: tuple[int, ...], rank: int) -> list[int]:
    """Elements from one index to the next along each of the output's axes; 0 where the input broadcasts."""
    strides: list[int] = []
    step = 1
    for size in reversed((1,) * (rank - len(shape)) + shape):
        strides.insert(0, 0 if size == 1 else step)
        step *= size
    return strides


def _loops(graph: Graph, node: Node) -> list[tuple[int, int, int]]:
    return broadcast_loops(*(graph.tensor(name).shape for name in (*node.inputs, node.outputs[0])))


def broadcast_loops(
    a: tuple[int, ...], b: tuple[int, ...], output: tuple[int, ...]
) -> list[tuple[int, int, int]]:
    """(size, step of the first input, step of the second) of an output's axes, those that can run together
    merged."""
    return [(size, step_a, step_b) for size, step_a, step_b in merged_loops((a, b), output)]


def merged_loops(inputs: Sequence[tuple[int, ...]], output: tuple[int, ...]) -> list[tuple[int, ...]]:
    """(size, step of each input) of an output's axes, those that can run together merged."""
    strides = [_strides(shape, len(output)) for shape in inputs]
    loops: list[tuple[int, ...]] = []
    for size, *steps in zip(output, *strides, strict=True):
        if size == 1:
            continue
        if loops and loops[-1][1:] == tuple(step * size for step in steps):
            loops[-1] = (loops[-1][0] * size, *steps)
        else:
            loops.append((size, *steps))
    return loops


def broadcast_fields(loops: list[tuple[int, ...]], names: tuple[str, ...]) -> dict[str, int]:
    """The fields of a shape for so many numbers per loop, filled up to AXES loops from the front."""
    unused = (1, *(0 for _ in names[1:]))
    loops = [unused] * (AXES - len(loops)) + loops
    return {f"{name}_{axis}": loop[i] for i, name in enumerate(names) for axis, loop in enumerate(loops)}


def broadcasts(graph: Graph, node: Node) -> bool:
    """Whether an input that is not a constant has fewer elements than the output."""
    inputs = [graph.tensor(name) for name in node.inputs]
    elements = graph.tensor(node.outputs[0]).elements
    return any(not tensor.is_constant and tensor.elements != elements for tensor in inputs)


def refuse_pattern(graph: Graph, node: Node) -> str | None:
    if len(_loops(graph, node)) > AXES:
        return f"its inputs broadcast in a pattern of more than {AXES} axes"
    return None


def _refuse(graph: Graph, node: Node) -> str | None:
    return refuse_pattern(graph, node) or refuse_other_types(graph, node, 2)


def pairs(graph: Graph, node: Node, symbol: str, struct: str, parameters: dict[str, int]) -> Lowered:
    """A call of a kernel with SMIDGEN_BROADCAST_FIELDS."""
    return Lowered(
        symbol=symbol,
        shape_type=f"struct {struct}",
        shape={**broadcast_fields(_loops(graph, node), ("size", "a", "b")), **parameters},
        reads=node.inputs,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
        overlap=None if broadcasts(graph, node) else 0,
    )


def sum_fields(p: AddParameters) -> dict[str, int]:
    return {
        "left_shift": p.left_shift,
        "a_zero_point": p.input1_zero_point,
        "a_multiplier": doubled(p.input1_multiplier),
        "a_shift": -p.input1_shift,
        "b_zero_point": p.input2_zero_point,
        "b_multiplier": doubled(p.input2_multiplier),
        "b_shift": -p.input2_shift,
        "output_zero_point": p.output_zero_point,
        "output_multiplier": doubled(p.output_multiplier),
        "output_shift": -p.output_shift,
        "activation_min": p.clamp_min,
        "activation_max": p.clamp_max,
    }


def _lower_add(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = add_parameters(graph, node)
    kind = "add" if isinstance(node.operator, Add) else "sub"
    symbol = f"smidgen_{kind}_{_add_variant(p, optimize)}"
    return pairs(graph, node, symbol, "smidgen_add_shape", sum_fields(p))


def _add_variant(p: AddParameters, optimize: str) -> str:
    """The variant "right" where no shift goes left and no sum with its rounding term leaves 31 bits."""
    shifts = (-p.input1_shift, -p.input2_shift, -p.output_shift)
    if optimize == "size" or min(shifts) < 0:
        return "wide"
    scaled = 255 << p.left_shift  # neither input grows by its scaling
    rounding = (1 << shifts[0], 1 << shifts[1], abs(2 * p.output_zero_point + 1) << shifts[2])
    return "right" if 2 * scaled + 1 + max(rounding) <= INT32_MAX else "wide"


def _lower_squared_difference(graph: Graph, node: Node, optimize: str) -> Lowered:
    fields = sum_fields(squared_difference_parameters(graph, node))
    return pairs(graph, node, "smidgen_squared_difference", "smidgen_add_shape", fields)


def product_fields(p: MulParameters) -> dict[str, int]:
    return {
        "a_zero_point": p.input1_zero_point,
        "b_zero_point": p.input2_zero_point,
        "output_zero_point": p.output_zero_point,
        "output_multiplier": doubled(p.multiplier),
        "output_shift": -p.shift,
        "activation_min": p.clamp_min,
        "activation_max": p.clamp_max,
    }


def _lower_mul(graph: Graph, node: Node, optimize: str) -> Lowered:
    fields = product_fields(mul_parameters(graph, node))
    return pairs(graph, node, "smidgen_mul", "smidgen_mul_shape", fields)


def _lower_div(graph: Graph, node: Node, optimize: str) -> Lowered:
    fields = product_fields(div_parameters(graph, node))
    return pairs(graph, node, "smidgen_div", "smidgen_mul_shape", fields)


def _lower_prelu(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = prelu_parameters(graph, node)
    low, high = integer_range(8)
    fields = {
        "positive_multiplier": doubled(p.positive_multiplier),
        "negative_multiplier": doubled(p.negative_multiplier),
        "a_zero_point": p.input_zero_point,
        "b_zero_point": p.alpha_zero_point,
        "positive_shift": -p.positive_shift,
        "negative_shift": -p.negative_shift,
        "output_zero_point": p.output_zero_point,
        "activation_min": low,
        "activation_max": high,
    }
    return pairs(graph, node, "smidgen_prelu", "smidgen_prelu_shape", fields)


def _lower_minimum(graph: Graph, node: Node, optimize: str) -> Lowered:
    return pairs(graph, node, "smidgen_minimum", "smidgen_extremum_shape", {})


def _lower_maximum(graph: Graph, node: Node, optimize: str) -> Lowered:
    return pairs(graph, node, "smidgen_maximum", "smidgen_extremum_shape", {})


KERNELS = (
    KernelSpec("add", "elementwise", PORTABLE, (Add, Sub), _refuse, _lower_add),
    KernelSpec("mul", "elementwise", PORTABLE, (Mul,), _refuse, _lower_mul),
    KernelSpec("div", "elementwise", PORTABLE, (Div,), _refuse, _lower_div),
    KernelSpec(
        "squared_difference",
        "elementwise",
        PORTABLE,
        (SquaredDifference,),
        _refuse,
        _lower_squared_difference,
    ),
    KernelSpec("prelu", "elementwise", PORTABLE, (Prelu,), _refuse, _lower_prelu),
    KernelSpec("minimum", "elementwise", PORTABLE, (Minimum,), _refuse, _lower_minimum),
    KernelSpec("maximum", "elementwise", PORTABLE, (Maximum,), _refuse, _lower_maximum),
)
