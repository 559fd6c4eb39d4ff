"""Kernels of firmware/kernels/portable/transpose_conv.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.compile.kernels.blocks import block_blobs
from smidgen.compile.kernels.channels import Channels, prepare
from smidgen.compile.kernels.common import (
    PORTABLE,
    bias_of,
    constant_operands,
    output_fields,
    refuse_layer,
    symbol_of,
)
from smidgen.compile.kernels.conv import patches_of
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node
from smidgen.graph.operators import TransposeConv2D
from smidgen.graph.reference.conv import conv_parameters


def _blobs(
    channels: Channels, kernel: np.ndarray, stride: tuple[int, int], zero_point: int, dtype: DType
) -> tuple[Blob, ...]:
    """Weights and biases phase after phase, then what all phases share.

    kernel: the channels' weights in the shape of the operator's.
    """
    weights, biases = [], []
    for row in range(stride[0]):
        for column in range(stride[1]):
            part = kernel[:, row :: stride[0], column :: stride[1]][:, ::-1, ::-1]
            phase = replace(channels, weights=part.reshape(len(kernel), -1))
            packed, bias, *_ = block_blobs(phase, zero_point, dtype=dtype)
            weights.append(packed.data)
            biases.append(bias.data)
    return (
        Blob("weights", np.concatenate(weights), "weights"),
        Blob("bias", np.concatenate(biases), "bias"),
        *channels.requantization,
    )


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: TransposeConv2D = node.operator
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    count, kernel_height, kernel_width, inputs = weights.shape
    p = conv_parameters(graph, node)
    # No phase has a larger accumulator than the whole kernel would give, so one choice serves all.
    flat = weights.data.reshape(count, -1)
    channels = prepare(flat, bias_of(graph, node, count), p, optimize)
    kernel = channels.weights.reshape(weights.shape)
    height, width = operator.stride
    depth = -(-kernel_height // height) * -(-kernel_width // width) * inputs
    patches = patches_of(depth, -(-output.shape[2] // width), x.elements + output.elements)
    return Lowered(
        symbol=symbol_of("transpose_conv", weights.dtype, channels.variant),
        shape_type="struct smidgen_transpose_conv_shape",
        shape={
            "batches": x.shape[0],
            "input_height": x.shape[1],
            "input_width": x.shape[2],
            "input_channels": inputs,
            "output_height": output.shape[1],
            "output_width": output.shape[2],
            "output_channels": count,
            "kernel_height": kernel_height,
            "kernel_width": kernel_width,
            "stride_height": height,
            "stride_width": width,
            "pad_top": operator.padding.top,
            "pad_left": operator.padding.left,
            "patches": patches,
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=_blobs(channels, kernel, operator.stride, p.input_zero_point, weights.dtype),
        scratch_bytes=patches * depth,
        macs=x.elements * kernel_height * kernel_width * count,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


KERNELS = (
    KernelSpec("transpose_conv", "transpose_conv", PORTABLE, (TransposeConv2D,), refuse_layer, _lower),
)
