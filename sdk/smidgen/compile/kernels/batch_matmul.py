"""Kernels of firmware/kernels/portable/batch_matmul.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.elementwise import broadcast_loops
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import BatchMatMul
from smidgen.graph.reference.matmul import batch_matmul_parameters

AXES = 3
_PATCHES = 4


def _loops(graph: Graph, node: Node) -> list[tuple[int, int, int]]:
    """(size, matrices from one index to the next of the first input, of the second) of the batch axes."""
    a, b, output = (graph.tensor(name).shape[:-2] for name in (*node.inputs, node.outputs[0]))
    return broadcast_loops(a, b, output)


def _refuse(graph: Graph, node: Node) -> str | None:
    if len(_loops(graph, node)) > AXES:
        return f"its inputs broadcast in a pattern of more than {AXES} batch axes"
    return refuse_other_types(graph, node, 2)


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: BatchMatMul = node.operator
    a, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    rows, columns = output.shape[-2:]
    depth = a.shape[-2 if operator.transpose_a else -1]
    loops = _loops(graph, node)
    loops = [(1, 0, 0)] * (AXES - len(loops)) + loops
    p = batch_matmul_parameters(graph, node)
    packed_columns = columns + -columns % _PATCHES
    return Lowered(
        symbol="smidgen_batch_matmul",
        shape_type="struct smidgen_batch_matmul_shape",
        shape={
            **{f"size_{axis}": size for axis, (size, _, _) in enumerate(loops)},
            **{f"a_{axis}": step * rows * depth for axis, (_, step, _) in enumerate(loops)},
            **{f"b_{axis}": step * depth * columns for axis, (_, _, step) in enumerate(loops)},
            "rows": rows,
            "depth": depth,
            "columns": columns,
            "a_row": 1 if operator.transpose_a else depth,
            "a_depth": rows if operator.transpose_a else 1,
            "b_depth": 1 if operator.transpose_b else columns,
            "b_column": depth if operator.transpose_b else 1,
            "multiplier": doubled(p.multiplier),
            "shift": -p.shift,
            "a_zero_point": p.a_zero_point,
            "b_zero_point": p.b_zero_point,
            "output_zero_point": p.output_zero_point,
            "activation_min": p.clamp_min,
            "activation_max": p.clamp_max,
        },
        reads=node.inputs,
        scratch_bytes=packed_columns * (4 + depth) + _PATCHES * depth,
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
    )


KERNELS = (KernelSpec("batch_matmul", "batch_matmul", PORTABLE, (BatchMatMul,), _refuse, _lower),)
