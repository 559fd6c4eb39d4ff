"""Two images side by side in the channels of one, on the neural engine."""

from __future__ import annotations

from smidgen.compile.kernels.common import refuse_other_types
from smidgen.compile.kernels.npu import FIRST_INPUT, SECOND_INPUT
from smidgen.compile.kernels.npu.copies import Copy, Source
from smidgen.compile.kernels.npu.kernel import EngineKernel
from smidgen.compile.kernels.spec import Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Concatenation
from smidgen.npu.descriptor import Engine


def _copy(engine: Engine, graph: Graph, node: Node) -> Copy:
    first, second = (graph.tensor(name).shape[3] for name in node.inputs)
    sources = (Source(FIRST_INPUT, first), Source(SECOND_INPUT, second, first=first))
    return Copy(*graph.tensor(node.outputs[0]).shape[1:], sources, engine)


def _refuse(engine: Engine, graph: Graph, node: Node) -> str | None:
    operator: Concatenation = node.operator
    shape = graph.tensor(node.outputs[0]).shape
    if len(node.inputs) != 2:
        return f"it joins {len(node.inputs)} tensors, the engine two"
    if len(shape) != 4 or operator.axis != 3:
        return "it does not join channels of images"
    if shape[0] > 1:
        return f"it has {shape[0]} images"
    return refuse_other_types(graph, node, 2) or _copy(engine, graph, node).refuse()


def _lower(engine: Engine, graph: Graph, node: Node, optimize: str) -> Lowered:
    return _copy(engine, graph, node).lower(graph, node, "smidgen_npu_concatenation")


KERNELS = (EngineKernel("npu_concatenation", "shape", (Concatenation,), _refuse, _lower),)
