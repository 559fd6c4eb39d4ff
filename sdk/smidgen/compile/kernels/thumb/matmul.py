"""Kernels of firmware/kernels/thumb/matmul.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import bias_of, constant_operands, output_fields
from smidgen.compile.kernels.overlap import overlap_of_elements
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.kernels.thumb import THUMB
from smidgen.compile.kernels.thumb.packing import WORD, blobs, prepare, refuse, refuse_blocks
from smidgen.graph import Graph, Node
from smidgen.graph.operators import FullyConnected
from smidgen.graph.reference.matmul import fully_connected_parameters


def _refuse(graph: Graph, node: Node) -> str | None:
    return refuse(graph, node) or refuse_blocks(*graph.tensor(node.inputs[1]).shape)


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
    outputs, depth = weights.shape
    rows = output.elements // outputs
    p = fully_connected_parameters(graph, node)
    prepared = prepare(weights.data, bias_of(graph, node, outputs), p, optimize)
    return Lowered(
        symbol=f"smidgen_thumb_fully_connected_{prepared.variant}",
        shape_type="struct smidgen_thumb_fully_connected_shape",
        shape={"rows": rows, "depth": depth, "outputs": outputs, **output_fields(p)},
        reads=node.inputs[:1],
        blobs=blobs(prepared, p.input_zero_point),
        scratch_bytes=WORD * depth,
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=overlap_of_elements(rows, depth, outputs),
    )


KERNELS = (KernelSpec("thumb_fully_connected", "matmul", THUMB, (FullyConnected,), _refuse, _lower),)
