"""Kernels of firmware/kernels/portable/resize.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import PORTABLE, constant_operands
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.operators import ResizeNearestNeighbor
from smidgen.graph.reference.resize import nearest_indices


def _refuse(graph: Graph, node: Node) -> str | None:
    return None


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    rows = nearest_indices(x.shape[1], output.shape[1], node.operator)
    columns = nearest_indices(x.shape[2], output.shape[2], node.operator)
    return Lowered(
        symbol="smidgen_resize_nearest",
        shape_type="struct smidgen_resize_shape",
        shape={
            "batches": x.shape[0],
            "input_height": x.shape[1],
            "input_width": x.shape[2],
            "output_height": output.shape[1],
            "output_width": output.shape[2],
            "pixel_bytes": x.shape[3] * x.dtype.bits // 8,
        },
        reads=node.inputs[:1],
        blobs=(Blob("rows", rows, "table"), Blob("columns", columns, "table")),
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


KERNELS = (KernelSpec("resize_nearest", "resize", PORTABLE, (ResizeNearestNeighbor,), _refuse, _lower),)
