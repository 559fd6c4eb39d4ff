"""Kernels of firmware/kernels/portable/conv.h."""

from __future__ import annotations

import math

from smidgen.compile.kernels import depthwise
from smidgen.compile.kernels.blocks import block_blobs
from smidgen.compile.kernels.channels import prepare
from smidgen.compile.kernels.common import (
    PORTABLE,
    bias_of,
    constant_operands,
    output_fields,
    refuse_layer,
    symbol_of,
    window_fields,
)
from smidgen.compile.kernels.overlap import overlap_of_pixels
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D
from smidgen.graph.reference.conv import conv_parameters

PATCHES = 4
SCRATCH_LIMIT = 1024


def patches_of(depth: int, pixels: int, tensor_bytes: int) -> int:
    """How many patches are gathered at a time: as many as the scratch may hold.

    That is 1 KiB, or a third of what the input and output occupy anyway.
    """
    limit = max(SCRATCH_LIMIT, tensor_bytes // 3)
    return PATCHES if pixels >= PATCHES and PATCHES * depth <= limit else 1


def lower_conv(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: Conv2D = node.operator
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    output = graph.tensor(node.outputs[0])
    channels, kernel_height, kernel_width, group_channels = weights.shape
    groups = x.shape[3] // group_channels
    depth = kernel_height * kernel_width * group_channels
    pixels = math.prod(output.shape[:3])
    p = conv_parameters(graph, node)
    bias = bias_of(graph, node, channels)
    prepared = prepare(weights.data.reshape(channels, depth), bias, p, optimize)
    patches = patches_of(depth, pixels, x.elements + output.elements)
    pad = (operator.padding.top, operator.padding.left)
    return Lowered(
        symbol=symbol_of("conv", weights.dtype, prepared.variant),
        shape_type="struct smidgen_conv_shape",
        shape={
            **window_fields(graph, node),
            "patches": patches,
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=block_blobs(prepared, p.input_zero_point, groups, weights.dtype),
        scratch_bytes=patches * depth,
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=overlap_of_pixels(x.shape, output.shape, operator.stride, pad, patches)
        if groups == 1
        else None,
    )


KERNELS = (KernelSpec("conv", "conv", PORTABLE, (Conv2D,), refuse_layer, lower_conv), *depthwise.KERNELS)
