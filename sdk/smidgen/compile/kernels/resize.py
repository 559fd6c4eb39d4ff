"""Kernels of firmware/kernels/portable/resize.h."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.common import PORTABLE, constant_operands, refuse_other_types
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.operators import ResizeBilinear, ResizeNearestNeighbor
from smidgen.graph.reference.resize import integer_neighbours, nearest_indices


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


def _lower_bilinear(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    places = [integer_neighbours(x.shape[axis], output.shape[axis], node.operator) for axis in (1, 2)]
    rows, columns = (np.stack([at.lower, at.upper, at.weight], axis=1).reshape(-1) for at in places)
    return Lowered(
        symbol="smidgen_resize_bilinear",
        shape_type="struct smidgen_resize_bilinear_shape",
        shape={
            "batches": x.shape[0],
            "input_height": x.shape[1],
            "input_width": x.shape[2],
            "channels": x.shape[3],
            "output_height": output.shape[1],
            "output_width": output.shape[2],
        },
        reads=node.inputs[:1],
        blobs=(Blob("rows", rows, "table"), Blob("columns", columns, "table")),
        macs=4 * output.elements,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


KERNELS = (
    KernelSpec("resize_nearest", "resize", PORTABLE, (ResizeNearestNeighbor,), _refuse, _lower),
    KernelSpec("resize_bilinear", "resize", PORTABLE, (ResizeBilinear,), refuse_other_types, _lower_bilinear),
)
