"""Kernels of firmware/kernels/portable/elementwise.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.fixed_point import INT32_MAX
from smidgen.graph.operators import Add, Maximum, Minimum, Mul, Sub
from smidgen.graph.reference.elementwise import AddParameters, add_parameters, mul_parameters

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
    first, second = (_strides(shape, len(output)) for shape in (a, b))
    loops: list[tuple[int, int, int]] = []
    for size, step_a, step_b in zip(output, first, second, strict=True):
        if size == 1:
            continue
        if loops and loops[-1][1:] == (step_a * size, step_b * size):
            loops[-1] = (loops[-1][0] * size, step_a, step_b)
        else:
            loops.append((size, step_a, step_b))
    return loops


def broadcasts(graph: Graph, node: Node) -> bool:
    """Whether an input that is not a constant has fewer elements than the output."""
    inputs = [graph.tensor(name) for name in node.inputs]
    elements = graph.tensor(node.outputs[0]).elements
    return any(not tensor.is_constant and tensor.elements != elements for tensor in inputs)


def _refuse(graph: Graph, node: Node) -> str | None:
    if len(_loops(graph, node)) > AXES:
        return f"its inputs broadcast in a pattern of more than {AXES} axes"
    return refuse_other_types(graph, node, 2)


def _lower(graph: Graph, node: Node, symbol: str, struct: str, parameters: dict[str, int]) -> Lowered:
    loops = _loops(graph, node)
    loops = [(1, 0, 0)] * (AXES - len(loops)) + loops
    names = [f"{field}_{axis}" for field in ("size", "a", "b") for axis in range(AXES)]
    values = [loop[field] for field in range(3) for loop in loops]
    return Lowered(
        symbol=symbol,
        shape_type=f"struct {struct}",
        shape={**dict(zip(names, values, strict=True)), **parameters},
        reads=node.inputs,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
        overlap=None if broadcasts(graph, node) else 0,
    )


def _lower_add(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = add_parameters(graph, node)
    parameters = {
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
    kind = "add" if isinstance(node.operator, Add) else "sub"
    symbol = f"smidgen_{kind}_{_add_variant(p, optimize)}"
    return _lower(graph, node, symbol, "smidgen_add_shape", parameters)


def _add_variant(p: AddParameters, optimize: str) -> str:
    """The variant "right" where no shift goes left and no sum with its rounding term leaves 31 bits."""
    shifts = (-p.input1_shift, -p.input2_shift, -p.output_shift)
    if optimize == "size" or min(shifts) < 0:
        return "wide"
    scaled = 255 << p.left_shift  # neither input grows by its scaling
    rounding = (1 << shifts[0], 1 << shifts[1], abs(2 * p.output_zero_point + 1) << shifts[2])
    return "right" if 2 * scaled + 1 + max(rounding) <= INT32_MAX else "wide"


def _lower_mul(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = mul_parameters(graph, node)
    parameters = {
        "a_zero_point": p.input1_zero_point,
        "b_zero_point": p.input2_zero_point,
        "output_zero_point": p.output_zero_point,
        "output_multiplier": doubled(p.multiplier),
        "output_shift": -p.shift,
        "activation_min": p.clamp_min,
        "activation_max": p.clamp_max,
    }
    return _lower(graph, node, "smidgen_mul", "smidgen_mul_shape", parameters)


def _lower_minimum(graph: Graph, node: Node, optimize: str) -> Lowered:
    return _lower(graph, node, "smidgen_minimum", "smidgen_extremum_shape", {})


def _lower_maximum(graph: Graph, node: Node, optimize: str) -> Lowered:
    return _lower(graph, node, "smidgen_maximum", "smidgen_extremum_shape", {})


KERNELS = (
    KernelSpec("add", "elementwise", PORTABLE, (Add, Sub), _refuse, _lower_add),
    KernelSpec("mul", "elementwise", PORTABLE, (Mul,), _refuse, _lower_mul),
    KernelSpec("minimum", "elementwise", PORTABLE, (Minimum,), _refuse, _lower_minimum),
    KernelSpec("maximum", "elementwise", PORTABLE, (Maximum,), _refuse, _lower_maximum),
)
