"""Kernels of firmware/kernels/mve/matmul.h."""

from __future__ import annotations

from smidgen.compile.kernels.channels import prepare
from smidgen.compile.kernels.common import bias_of, constant_operands, output_fields, refuse_layer
from smidgen.compile.kernels.mve import MVE
from smidgen.compile.kernels.mve.conv import refuse_long
from smidgen.compile.kernels.mve.packing import product_blobs, symbol
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import FullyConnected
from smidgen.graph.reference.matmul import fully_connected_parameters


def _refuse(graph: Graph, node: Node) -> str | None:
    return refuse_layer(graph, node) or refuse_long(graph.tensor(node.inputs[1]).shape[1])


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
    outputs, depth = weights.shape
    p = fully_connected_parameters(graph, node)
    channels = prepare(weights.data, bias_of(graph, node, outputs), p, optimize)
    return Lowered(
        symbol=symbol("fully_connected", channels, weights.dtype.bits),
        shape_type="struct smidgen_mve_fully_connected_shape",
        shape={
            "rows": output.elements // outputs,
            "depth": depth,
            "outputs": outputs,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=product_blobs(channels, p.input_zero_point, weights.dtype.bits),
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


KERNELS = (KernelSpec("mve_fully_connected", "matmul", MVE, (FullyConnected,), _refuse, _lower),)
