"""Kernels of firmware/kernels/dsp/matmul.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import bias_of, constant_operands, output_fields, refuse_layer
from smidgen.compile.kernels.dsp import DSP
from smidgen.compile.kernels.dsp.packing import QUAD, blobs, in_quads, joined, prepare, refuse_form
from smidgen.compile.kernels.overlap import overlap_of_elements
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import FullyConnected
from smidgen.graph.reference.matmul import fully_connected_parameters


def _refuse(graph: Graph, node: Node) -> str | None:
    weights = graph.tensor(node.inputs[1])
    outputs, depth = weights.shape
    return refuse_layer(graph, node) or refuse_form(outputs, 1, depth, weights.dtype.bits)


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
    outputs, depth = weights.shape
    bits, rows = weights.dtype.bits, output.elements // outputs
    p = fully_connected_parameters(graph, node)
    channels = joined(
        prepare(in_quads(weights.data[:, None]), bias_of(graph, node, outputs), p, optimize), p, bits
    )
    return Lowered(
        symbol=f"smidgen_dsp_fully_connected_{weights.dtype.value}_{channels.variant}",
        shape_type="struct smidgen_dsp_fully_connected_shape",
        shape={
            "rows": rows,
            "depth": depth,
            "outputs": outputs,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=blobs(channels, p.input_zero_point, bits),
        scratch_bytes=-(-depth // QUAD) * 2 * QUAD,
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=overlap_of_elements(rows, depth, outputs),
    )


KERNELS = (KernelSpec("dsp_fully_connected", "matmul", DSP, (FullyConnected,), _refuse, _lower),)
