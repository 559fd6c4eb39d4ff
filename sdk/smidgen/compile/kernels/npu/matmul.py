"""Fully connected layers on the neural engine: convolutions with a window of one position, or of several
where a row of the weights is longer than the engine takes at once."""

from __future__ import annotations

from smidgen.compile.kernels.common import refuse_layer
from smidgen.compile.kernels.npu.kernel import EngineKernel
from smidgen.compile.kernels.npu.layer import MOST_CHUNKS, MOST_STRIDE_Y, Layer
from smidgen.compile.kernels.npu.lowering import lower_layer, numbers_of
from smidgen.compile.kernels.npu.packing import Outputs
from smidgen.compile.kernels.npu.tiling import refuse_tiling
from smidgen.compile.kernels.spec import Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import FullyConnected
from smidgen.graph.reference.matmul import fully_connected_parameters
from smidgen.npu.descriptor import Convolution, Engine


def _layer(engine: Engine, graph: Graph, node: Node) -> Layer:
    weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
    outputs, depth = weights.shape
    rows = output.elements // outputs
    parts = _parts(engine, depth)
    return Layer(
        Convolution,
        height=rows * parts,
        width=1,
        channels=depth // parts,
        output_height=rows,
        output_width=1,
        outputs=outputs,
        kernel=(parts, 1),
        stride=(parts, 1),
        pad=(0, 0),
        bits=weights.dtype.bits,
        numbers=numbers_of(fully_connected_parameters(graph, node)),
        engine=engine,
    )


def _parts(engine: Engine, depth: int) -> int:
    """Into how many equal parts a row of weights is divided."""
    most = (MOST_CHUNKS - 1) * engine.lanes
    for parts in range(1, MOST_STRIDE_Y):
        if depth % parts == 0 and depth // parts <= most:
            return parts
    return 1


def _refuse(engine: Engine, graph: Graph, node: Node) -> str | None:
    return refuse_layer(graph, node) or refuse_tiling(_layer(engine, graph, node))


def _lower(engine: Engine, graph: Graph, node: Node, optimize: str) -> Lowered:
    layer = _layer(engine, graph, node)
    weights = graph.tensor(node.inputs[1]).data.reshape(layer.outputs, layer.kernel[0], 1, layer.channels)
    outputs = Outputs.of(graph, node, weights, fully_connected_parameters(graph, node))
    return lower_layer(graph, node, layer, outputs)


KERNELS = (EngineKernel("npu_fully_connected", "window", (FullyConnected,), _refuse, _lower),)
