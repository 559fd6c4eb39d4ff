"""Kernels of firmware/kernels/mve/conv.h."""

from __future__ import annotations

import math

from smidgen.compile.kernels.channels import prepare
from smidgen.compile.kernels.common import (
    bias_of,
    constant_operands,
    output_fields,
    refuse_layer,
    window_fields,
)
from smidgen.compile.kernels.mve import MVE, depthwise
from smidgen.compile.kernels.mve.packing import LANES, MOST_INPUTS, PATCHES, product_blobs, symbol
from smidgen.compile.kernels.overlap import overlap_of_pixels
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D, Padding
from smidgen.graph.reference.conv import conv_parameters

_MOST_PLACES = 1 << 16  # 16 bits say where inputs of a window and the outputs of a patch lie


def refuse_long(inputs: int) -> str | None:
    """Why sums of so many products could wrap, or None when they cannot."""
    return f"its outputs have {inputs:,} inputs each" if inputs > MOST_INPUTS else None


def _refuse(graph: Graph, node: Node) -> str | None:
    weights = graph.tensor(node.inputs[1])
    if PATCHES * weights.shape[0] > _MOST_PLACES:
        return f"it has {weights.shape[0]:,} output channels"
    return refuse_layer(graph, node) or refuse_long(weights.elements // weights.shape[0])


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: Conv2D = node.operator
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels, kernel_height, kernel_width, group_inputs = weights.shape
    groups = x.shape[3] // group_inputs
    depth = weights.elements // channels
    p = conv_parameters(graph, node)
    prepared = prepare(weights.data.reshape(channels, depth), bias_of(graph, node, channels), p, optimize)
    pad = (operator.padding.top, operator.padding.left)
    pointwise = kernel_height * kernel_width == groups == 1
    pointwise = pointwise and operator.stride == (1, 1) and operator.padding == Padding()
    whole_vectors = group_inputs % LANES == 0 or kernel_height * kernel_width == 1
    furthest = (kernel_height - 1) * operator.dilation[0] * x.shape[2]
    furthest += (kernel_width - 1) * operator.dilation[1]
    has_offsets = not whole_vectors and furthest * x.shape[3] + group_inputs <= _MOST_PLACES
    patches = PATCHES if math.prod(output.shape[:3]) >= PATCHES else 1
    offset_bytes = 2 * depth if has_offsets and patches == PATCHES else 0
    scratch_bytes = depth
    if patches == PATCHES:
        windows = PATCHES * (depth + -depth % LANES)
        scratch_bytes = windows + offset_bytes + (0 if whole_vectors else depth)
    bits = weights.dtype.bits
    return Lowered(
        symbol=symbol("conv", prepared, bits),
        shape_type="struct smidgen_mve_conv_shape",
        shape={
            **window_fields(graph, node),
            "pointwise": int(pointwise),
            "offset_bytes": offset_bytes,
            "whole_vectors": int(whole_vectors),
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=product_blobs(prepared, p.input_zero_point, bits, groups),
        scratch_bytes=scratch_bytes,
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=overlap_of_pixels(x.shape, output.shape, operator.stride, pad, patches)
        if groups == 1
        else None,
    )


KERNELS = (KernelSpec("mve_conv", "conv", MVE, (Conv2D,), _refuse, _lower), *depthwise.KERNELS)
