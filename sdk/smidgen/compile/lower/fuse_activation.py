"""Fuse a RELU or RELU6 that stands alone into the operator before it, where that changes no bit.

Whether it does is not argued but computed: the reference runs the activation on every value that its int8
input can take, and the pass applies only if the result is the clamp that the fused form makes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.compile.lower.rewrite import Pass, is_interface, same_quantization, with_nodes
from smidgen.graph import DType, Graph, Node
from smidgen.graph.fixed_point import activation_range
from smidgen.graph.operators import Activation, Relu, Relu6
from smidgen.graph.reference import run

_FUSED = {Relu: Activation.RELU, Relu6: Activation.RELU6}


def _match(graph: Graph, node: Node) -> bool:
    activation = _FUSED.get(type(node.operator))
    if activation is None:
        return False
    source, result = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    producer = graph.producer(source.name)
    if producer is None or getattr(producer.operator, "activation", None) is not Activation.NONE:
        return False
    if is_interface(graph, source.name) or len(graph.consumers(source.name)) != 1:
        return False
    if not same_quantization(source, result):
        return False
    if source.dtype is DType.F32:
        return True
    return source.dtype is DType.I8 and _is_fused_clamp(graph, node, activation)


def _is_fused_clamp(graph: Graph, node: Node, activation: Activation) -> bool:
    """Whether the node's table over all int8 values equals a clamp to the fused activation's range."""
    values = np.arange(-128, 128, dtype=np.int8)
    source = replace(graph.tensor(node.inputs[0]), shape=(1, values.size))
    result = replace(graph.tensor(node.outputs[0]), shape=(1, values.size))
    alone = Graph(node.id, {t.name: t for t in (source, result)}, (node,), (source.name,), (result.name,))
    table = run(alone, [values.reshape(1, -1)]).outputs[0].reshape(-1)
    low, high = activation_range(activation, result.dtype.bits, result.scale, result.zero_point)
    return bool(np.array_equal(table, np.clip(values, low, high)))


def _transform(graph: Graph, node: Node) -> Graph:
    producer = graph.producer(node.inputs[0] or "")
    assert producer is not None
    activation = _FUSED[type(node.operator)]
    fused = replace(
        producer,
        operator=replace(producer.operator, activation=activation),  # type: ignore[call-arg]
        outputs=node.outputs,
    )
    return with_nodes(graph, [fused if n.id == producer.id else n for n in graph.nodes if n.id != node.id])


FUSE_ACTIVATION = Pass("fuse activations", _match, _transform)
