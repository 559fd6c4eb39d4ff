"""Fold a PAD of rows and columns into the convolution that reads it.

A convolution pads with the input's zero point, which contributes nothing to a sum; a PAD with that same
value is therefore exact as padding of the convolution. Pooling is not: it does not count padded positions.
"""

from __future__ import annotations

from dataclasses import replace

from smidgen.compile.lower.rewrite import Pass, is_interface, replace_node, same_quantization
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, Pad, Padding


def _pad_before(graph: Graph, node: Node) -> Node | None:
    name = node.inputs[0]
    producer = None if name is None else graph.producer(name)
    if producer is None or not isinstance(producer.operator, Pad) or is_interface(graph, producer.outputs[0]):
        return None
    return producer


def _match(graph: Graph, node: Node) -> bool:
    operator = node.operator
    if not isinstance(operator, Conv2D | DepthwiseConv2D):
        return False
    producer = _pad_before(graph, node)
    if producer is None or not isinstance(producer.operator, Pad):
        return False
    source = graph.tensor(producer.inputs[0])
    neutral = 0 if source.quantization is None else source.zero_point
    if producer.operator.value not in (None, neutral):
        return False
    if not same_quantization(source, graph.tensor(node.inputs[0])):
        return False
    if len(producer.operator.paddings) != 4:
        return False
    batch, rows, columns, channels = producer.operator.paddings
    if batch != (0, 0) or channels != (0, 0):
        return False
    # Kernels may take for granted that every window touches the image.
    weights = graph.tensor(node.inputs[1])
    total = _sum(operator.padding, rows, columns)
    reach = [(weights.shape[1 + axis] - 1) * operator.dilation[axis] for axis in (0, 1)]
    return max(total.top, total.bottom) <= reach[0] and max(total.left, total.right) <= reach[1]


def _sum(padding: Padding, rows: tuple[int, int], columns: tuple[int, int]) -> Padding:
    return Padding(
        top=padding.top + rows[0],
        bottom=padding.bottom + rows[1],
        left=padding.left + columns[0],
        right=padding.right + columns[1],
    )


def _transform(graph: Graph, node: Node) -> Graph:
    producer = _pad_before(graph, node)
    operator = node.operator
    assert producer is not None and isinstance(producer.operator, Pad)
    assert isinstance(operator, Conv2D | DepthwiseConv2D)
    _, rows, columns, _ = producer.operator.paddings
    folded = replace(operator, padding=_sum(operator.padding, rows, columns))
    return replace_node(
        graph, node, (replace(node, operator=folded, inputs=(producer.inputs[0], *node.inputs[1:])),)
    )


FOLD_PAD = Pass("fold pads", _match, _transform)
