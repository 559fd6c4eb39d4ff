"""Kernels of firmware/kernels/portable/int16.h: layers with int16 activations and int8 weights."""

from __future__ import annotations

import math

import numpy as np

from smidgen.compile.kernels.blocks import interleave
from smidgen.compile.kernels.common import PORTABLE, constant_operands, window_fields
from smidgen.compile.kernels.conv import patches_of
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from smidgen.graph.reference.conv import ConvParameters, conv_parameters
from smidgen.graph.reference.matmul import fully_connected_parameters

_DEPTHS = 256  # SMIDGEN_INT16_DEPTHS


def refuse_other_than_int16(graph: Graph, node: Node, count: int = 1) -> str | None:
    """Why the first `count` inputs and all outputs are not int16 throughout, or None when they are."""
    names = [name for name in (*node.inputs[:count], *node.outputs) if name is not None]
    others = [name for name in names if graph.tensor(name).dtype is not DType.I16]
    listed = ", ".join(f"'{name}' is {graph.tensor(name).dtype.value}" for name in others)
    return f"needs int16, but {listed}" if others else None


def _refuse_layer(graph: Graph, node: Node) -> str | None:
    weights = graph.tensor(node.inputs[1])
    if not weights.is_constant or weights.dtype is not DType.I8:
        return f"its weights '{weights.name}' are not a constant of type i8"
    bias = graph.tensor(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] is not None else None
    if bias is not None and (not bias.is_constant or bias.dtype is not DType.I64):
        return f"its bias '{bias.name}' is not a constant of type i64"
    if isinstance(node.operator, DepthwiseConv2D) and weights.shape[2] > _DEPTHS:
        return f"its kernel is {weights.shape[2]} wide, more than {_DEPTHS}"
    return refuse_other_than_int16(graph, node)


def _bias(graph: Graph, node: Node, channels: int) -> Blob:
    given = len(node.inputs) > 2 and node.inputs[2] is not None
    data = graph.tensor(node.inputs[2]).data if given else np.zeros(channels)
    return Blob("bias", data.reshape(-1).astype(np.int64), "bias")


def _requantization(p: ConvParameters) -> tuple[Blob, Blob]:
    """Multipliers of 15 bits, and shifts to the right (see fixed_point.requantize_wide)."""
    multiplier = p.multiplier.astype(np.int64)
    reduced = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    return (
        Blob("multiplier", reduced.astype(np.int16), "requantization"),
        Blob("shift", (15 - p.shift).astype(np.int8), "requantization"),
    )


def _clamp(p: ConvParameters) -> dict[str, int]:
    return {"activation_min": p.clamp_min, "activation_max": p.clamp_max}


def _lower_conv(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels, *kernel = weights.shape
    groups, depth = x.shape[3] // weights.shape[3], math.prod(kernel)
    p = conv_parameters(graph, node)
    patches = patches_of(2 * depth, math.prod(output.shape[:3]), 2 * (x.elements + output.elements))
    packed = [interleave(part) for part in np.split(weights.data.reshape(channels, depth), groups)]
    return Lowered(
        symbol="smidgen_conv_int16",
        shape_type="struct smidgen_conv_shape",
        shape={**window_fields(graph, node), "patches": patches, **_clamp(p)},
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", np.concatenate(packed), "weights"),
            _bias(graph, node, channels),
            *_requantization(p),
        ),
        scratch_bytes=2 * patches * depth,
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


def _lower_depthwise(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: DepthwiseConv2D = node.operator
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    p = conv_parameters(graph, node)
    return Lowered(
        symbol="smidgen_depthwise_int16",
        shape_type="struct smidgen_depthwise_int16_shape",
        shape={
            "batches": x.shape[0],
            "input_height": x.shape[1],
            "input_width": x.shape[2],
            "input_channels": x.shape[3],
            "channel_multiplier": weights.shape[3] // x.shape[3],
            "output_height": output.shape[1],
            "output_width": output.shape[2],
            "kernel_height": weights.shape[1],
            "kernel_width": weights.shape[2],
            "stride_height": operator.stride[0],
            "stride_width": operator.stride[1],
            "dilation_height": operator.dilation[0],
            "dilation_width": operator.dilation[1],
            "pad_top": operator.padding.top,
            "pad_left": operator.padding.left,
            **_clamp(p),
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", weights.data.reshape(-1), "weights"),
            _bias(graph, node, weights.shape[3]),
            *_requantization(p),
        ),
        macs=output.elements * weights.shape[1] * weights.shape[2],
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


def _lower_fully_connected(graph: Graph, node: Node, optimize: str) -> Lowered:
    weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
    outputs, depth = weights.shape
    p = fully_connected_parameters(graph, node)
    return Lowered(
        symbol="smidgen_fully_connected_int16",
        shape_type="struct smidgen_fully_connected_int16_shape",
        shape={"rows": output.elements // outputs, "depth": depth, "outputs": outputs, **_clamp(p)},
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", interleave(weights.data), "weights"),
            _bias(graph, node, outputs),
            *_requantization(p),
        ),
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


KERNELS = (
    KernelSpec("conv_int16", "int16", PORTABLE, (Conv2D,), _refuse_layer, _lower_conv),
    KernelSpec("depthwise_int16", "int16", PORTABLE, (DepthwiseConv2D,), _refuse_layer, _lower_depthwise),
    KernelSpec(
        "fully_connected_int16", "int16", PORTABLE, (FullyConnected,), _refuse_layer, _lower_fully_connected
    ),
)
