"""Kernels of firmware/kernels/midge/matmul.h."""

from __future__ import annotations

from functools import partial

from smidgen.compile.kernels.common import constant_operands, output_fields, refuse_layer
from smidgen.compile.kernels.midge import MIDGE
from smidgen.compile.kernels.midge.cost import Product, misaligned
from smidgen.compile.kernels.midge.packing import BLOCK, VECTOR_BLOCK, channels_of, pack, refuse_dense
from smidgen.compile.kernels.midge.trim import of_trimmed
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D, FullyConnected, Padding
from smidgen.graph.reference.conv import product_parameters


def _refuse_sparse(graph: Graph, node: Node) -> str | None:
    depth = graph.tensor(node.inputs[1]).shape[1]
    return refuse_layer(graph, node) or refuse_dense(node.operator.sparse_group, depth)


def _refuse_conv(graph: Graph, node: Node) -> str | None:
    """A convolution with a single window, which is the whole image, is a matrix product."""
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    if x.shape != (1, *weights.shape[1:]) or node.operator.padding != Padding():
        return "its window is not the whole image"
    return refuse_layer(graph, node)


def _lower(sparse: bool, graph: Graph, node: Node, optimize: str) -> Lowered:
    weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
    outputs, depth = weights.shape[0], weights.elements // weights.shape[0]
    rows = output.elements // outputs
    vector = rows == 1
    kernel = "vector" if vector else "fully_connected"
    p = product_parameters(graph, node, outputs)
    packed = pack(
        channels_of(graph, node, p),
        p.input_zero_point,
        1,
        weights.dtype.bits,
        VECTOR_BLOCK if vector else BLOCK,
        sparse=sparse,
    )
    product = Product.of(packed, rows, outputs, 1, 0.0 if vector else misaligned(depth), vector)
    small = product.small(1)
    return Lowered(
        symbol=f"smidgen_midge_{kernel}{'_small' if small and not vector else packed.suffix}",
        shape_type=f"struct smidgen_midge_{kernel}_shape",
        shape={
            **({} if vector else {"rows": rows, "depth": depth}),
            "outputs": outputs,
            **packed.fields,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=packed.blobs,
        macs=output.elements * depth,
        specialise=small is not None,
        constants=constant_operands(graph, node.inputs[:1]),
        cost=(small or product).cost(1),
    )


_dense, _sparse = partial(_lower, False), partial(_lower, True)
KERNELS = (
    KernelSpec("midge_fully_connected", "matmul", MIDGE, (FullyConnected,), refuse_layer, _dense),
    KernelSpec("midge_fully_connected_sparse", "matmul", MIDGE, (FullyConnected,), _refuse_sparse, _sparse),
    *of_trimmed([KernelSpec("midge_conv_of_one_window", "matmul", MIDGE, (Conv2D,), _refuse_conv, _dense)]),
)
