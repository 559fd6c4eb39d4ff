"""Turn operators that leave every byte where it was into a Reshape, which costs nothing.

These are: QUANTIZE to the same quantization, TRANSPOSE that only moves axes of size 1, and CONCATENATION,
PAD, SLICE, SPLIT, PACK and UNPACK whose single output holds exactly the bytes of their single input.
"""

from __future__ import annotations

from dataclasses import replace

from smidgen.compile.lower.rewrite import Pass, replace_node, same_quantization
from smidgen.graph import Graph, Node
from smidgen.graph.operators import (
    Concatenation,
    Pack,
    Pad,
    Quantize,
    Reshape,
    Split,
    StridedSlice,
    Transpose,
    Unpack,
)


def _match(graph: Graph, node: Node) -> bool:
    if len(node.inputs) != 1 or len(node.outputs) != 1:
        return False
    source, result = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    if source.elements != result.elements or not same_quantization(source, result):
        return False
    match node.operator:
        case Transpose(permutation=permutation):
            # The order of the axes that are longer than 1 decides where elements lie.
            long_axes = [axis for axis in permutation if source.shape[axis] > 1]
            return long_axes == sorted(long_axes)
        case StridedSlice(step=steps):
            # With as many elements as before, only a negative step can move any.
            return all(step > 0 or size == 1 for step, size in zip(steps, source.shape, strict=True))
        case Concatenation() | Pad() | Split() | Pack() | Unpack() | Quantize():
            return True
        case _:
            return False


def _transform(graph: Graph, node: Node) -> Graph:
    return replace_node(graph, node, (replace(node, operator=Reshape()),))


ALIAS_MOVES = Pass("moves to reshapes", _match, _transform)
