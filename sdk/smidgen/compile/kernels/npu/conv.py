"""Convolutions on the neural engine."""

from __future__ import annotations

from smidgen.compile.kernels.common import refuse_layer
from smidgen.compile.kernels.npu.kernel import EngineKernel
from smidgen.compile.kernels.npu.layer import Layer
from smidgen.compile.kernels.npu.lowering import lower_layer, numbers_of
from smidgen.compile.kernels.npu.packing import Outputs
from smidgen.compile.kernels.npu.tiling import refuse_tiling
from smidgen.compile.kernels.spec import Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D
from smidgen.graph.reference.conv import conv_parameters
from smidgen.npu.descriptor import Convolution, Engine


def _layer(engine: Engine, graph: Graph, node: Node) -> Layer:
    operator: Conv2D = node.operator
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    return Layer(
        Convolution,
        *x.shape[1:],
        *output.shape[1:],
        kernel=weights.shape[1:3],
        stride=operator.stride,
        pad=(operator.padding.top, operator.padding.left),
        bits=weights.dtype.bits,
        numbers=numbers_of(conv_parameters(graph, node)),
        engine=engine,
    )


def _refuse(engine: Engine, graph: Graph, node: Node) -> str | None:
    reason = refuse_layer(graph, node)
    if reason is not None:
        return reason
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    if x.shape[0] > 1:
        return f"it has {x.shape[0]} images"
    if x.shape[3] != weights.shape[3]:
        return "it has groups"
    dilated = zip(node.operator.dilation, weights.shape[1:3], strict=True)
    if any(dilation > 1 and size > 1 for dilation, size in dilated):
        return "it is dilated"
    return refuse_tiling(_layer(engine, graph, node))


def _lower(engine: Engine, graph: Graph, node: Node, optimize: str) -> Lowered:
    outputs = Outputs.of(graph, node, graph.tensor(node.inputs[1]).data, conv_parameters(graph, node))
    return lower_layer(graph, node, _layer(engine, graph, node), outputs)


KERNELS = (EngineKernel("npu_conv", "window", (Conv2D,), _refuse, _lower),)
