"""Kernel rows and columns that see nothing but padding, as those of a 3 x 3 window on an image of one row.

They add w * (zero point - zero point) = 0 to every output, and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from smidgen.compile.kernels.depthwise import Axis, axes
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, Padding


def trimmed(graph: Graph, node: Node) -> tuple[Graph, Node]:
    """The same convolution with the smallest kernel."""
    operator: Conv2D | DepthwiseConv2D = node.operator
    weights = graph.tensor(node.inputs[1])
    if weights.data is None or getattr(operator, "sparse_group", 0):  # groups are counted from a row's start
        return graph, node
    (top, bottom), (left, right) = (_used(axis) for axis in axes(graph, node))
    data = weights.data[:, top:bottom, left:right]
    if data.shape == weights.data.shape:
        return graph, node
    padding, dilation = operator.padding, operator.dilation
    kernel = weights.shape[1:3]
    smaller = Padding(
        padding.top - top * dilation[0],
        max(padding.bottom - (kernel[0] - bottom) * dilation[0], 0),
        padding.left - left * dilation[1],
        max(padding.right - (kernel[1] - right) * dilation[1], 0),
    )
    tensor = replace(weights, shape=data.shape, data=data.copy())
    return (
        replace(graph, tensors={**graph.tensors, weights.name: tensor}),
        replace(node, operator=replace(operator, padding=smaller)),
    )


def _used(axis: Axis) -> tuple[int, int]:
    """The first position of the kernel that is ever inside the image, and the one after the last."""
    firsts = range(-axis.before, axis.output * axis.stride - axis.before, axis.stride)
    used = [
        k for k in range(axis.kernel) if any(0 <= first + k * axis.dilation < axis.input for first in firsts)
    ]
    if not used:
        return 0, axis.kernel
    # Padding cannot become negative: a kernel that begins inside the image keeps its beginning.
    return min(used[0], axis.before // axis.dilation), used[-1] + 1


def of_trimmed(specs: Sequence[KernelSpec]) -> tuple[KernelSpec, ...]:
    """The kernels on trimmed convolutions."""
    return tuple(_of_trimmed(spec) for spec in specs)


def _of_trimmed(spec: KernelSpec) -> KernelSpec:
    def refuse(graph: Graph, node: Node) -> str | None:
        return spec.refuse(*trimmed(graph, node))

    def lower(graph: Graph, node: Node, optimize: str) -> Lowered:
        weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
        window = (
            math.prod(weights.shape[1:])
            if isinstance(node.operator, Conv2D)
            else math.prod(weights.shape[1:3])
        )
        return replace(spec.lower(*trimmed(graph, node), optimize), macs=output.elements * window)

    return replace(spec, refuse=refuse, lower=lower)
