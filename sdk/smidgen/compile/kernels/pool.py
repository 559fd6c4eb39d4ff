"""Kernels of firmware/kernels/portable/pool.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import PORTABLE, constant_operands, refuse_other_types
from smidgen.compile.kernels.overlap import overlap_of_channels
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import AveragePool2D, MaxPool2D
from smidgen.graph.reference.pool import pool_parameters


def pool_fields(graph: Graph, node: Node) -> dict[str, int]:
    """The fields of struct smidgen_pool_shape, with which those of other kernel sets begin."""
    operator: AveragePool2D | MaxPool2D = node.operator
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    p = pool_parameters(graph, node)
    return {
        "batches": x.shape[0],
        "input_height": x.shape[1],
        "input_width": x.shape[2],
        "channels": x.shape[3],
        "output_height": output.shape[1],
        "output_width": output.shape[2],
        "size_height": operator.size[0],
        "size_width": operator.size[1],
        "stride_height": operator.stride[0],
        "stride_width": operator.stride[1],
        "pad_top": operator.padding.top,
        "pad_left": operator.padding.left,
        "activation_min": p.clamp_min,
        "activation_max": p.clamp_max,
    }


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: AveragePool2D | MaxPool2D = node.operator
    shapes = graph.tensor(node.inputs[0]).shape, graph.tensor(node.outputs[0]).shape
    return Lowered(
        symbol="smidgen_average_pool" if isinstance(node.operator, AveragePool2D) else "smidgen_max_pool",
        shape_type="struct smidgen_pool_shape",
        shape=pool_fields(graph, node),
        reads=node.inputs[:1],
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=overlap_of_channels(*shapes, operator.stride, (operator.padding.top, operator.padding.left)),
    )


KERNELS = (
    KernelSpec("average_pool", "pool", PORTABLE, (AveragePool2D,), refuse_other_types, _lower),
    KernelSpec("max_pool", "pool", PORTABLE, (MaxPool2D,), refuse_other_types, _lower),
)
