"""Resizing on the neural engine: whole pixels, repeated."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.common import refuse_other_types
from smidgen.compile.kernels.npu import FIRST_INPUT
from smidgen.compile.kernels.npu.copies import Copy, Source
from smidgen.compile.kernels.npu.kernel import EngineKernel
from smidgen.compile.kernels.spec import Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import ResizeNearestNeighbor
from smidgen.graph.reference.resize import nearest_indices
from smidgen.npu.descriptor import Engine


def _copy(engine: Engine, graph: Graph, node: Node) -> Copy:
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    repeat = (output.shape[1] // x.shape[1], output.shape[2] // x.shape[2])
    return Copy(*output.shape[1:], (Source(FIRST_INPUT, x.shape[3], repeat=repeat),), engine)


def _refuse(engine: Engine, graph: Graph, node: Node) -> str | None:
    reason = refuse_other_types(graph, node)
    if reason is not None:
        return reason
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    if x.shape[0] > 1:
        return f"it has {x.shape[0]} images"
    for before, after in zip(x.shape[1:3], output.shape[1:3], strict=True):
        repeated = np.arange(before).repeat(after // before)
        if not np.array_equal(nearest_indices(before, after, node.operator), repeated):
            return "it does not repeat every pixel as often"
    return _copy(engine, graph, node).refuse()


def _lower(engine: Engine, graph: Graph, node: Node, optimize: str) -> Lowered:
    return _copy(engine, graph, node).lower(graph, node, "smidgen_npu_window")


KERNELS = (EngineKernel("npu_resize_nearest", "window", (ResizeNearestNeighbor,), _refuse, _lower),)
