"""Kernels of firmware/kernels/portable/depthwise.h, which conv.h includes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.common import (
    PORTABLE,
    bias_of,
    constant_operands,
    fold_zero_point,
    largest_accumulator,
    refuse_other_types,
    refuse_weights,
    requantization,
)
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.operators import DepthwiseConv2D
from smidgen.graph.reference.conv import conv_parameters


@dataclass(frozen=True)
class _Axis:
    """The image along rows or columns: sizes, stride, and how far windows of 3 overhang it."""

    input: int
    output: int
    stride: int
    before: int

    @property
    def after(self) -> int:
        return max((self.output - 1) * self.stride + 3 - self.before - self.input, 0)


def _axes(graph: Graph, node: Node) -> tuple[_Axis, _Axis]:
    """(rows, columns)"""
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    operator: DepthwiseConv2D = node.operator
    rows = _Axis(x.shape[1], output.shape[1], operator.stride[0], operator.padding.top)
    return rows, _Axis(x.shape[2], output.shape[2], operator.stride[1], operator.padding.left)


def _slides_down(graph: Graph, node: Node) -> bool:
    """Whether the windows slide down columns rather than along rows: the longer way, for fewer starts."""
    rows, columns = _axes(graph, node)
    return rows.output > columns.output


def _refuse(graph: Graph, node: Node) -> str | None:
    return refuse_other_types(graph, node) or refuse_weights(graph, node)


def _requantization(graph: Graph, node: Node):
    weights = graph.tensor(node.inputs[1])
    channels = weights.shape[3]
    bias = bias_of(graph, node, channels)
    p = conv_parameters(graph, node)
    largest = largest_accumulator(weights.data.reshape(-1, channels).T, bias)
    return requantization(p.multiplier, p.shift, largest, p.output_zero_point)


def _refuse_3x3(graph: Graph, node: Node) -> str | None:
    """Why windows cannot slide, or None: 3 x 3, one output per input channel, edges of one position."""
    reason = _refuse(graph, node)
    if reason is not None:
        return reason
    operator: DepthwiseConv2D = node.operator
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    if weights.shape[1:3] != (3, 3) or operator.dilation != (1, 1):
        return "its windows are not 3 x 3"
    if weights.shape[3] != x.shape[3]:
        return "it has more than one output channel per input channel"
    rows, columns = _axes(graph, node)
    if max(rows.before, rows.after, columns.before, columns.after) > 1:
        return "its windows overhang the image by more than one position"
    if (rows if _slides_down(graph, node) else columns).stride > 2:
        return "its stride is more than 2"
    if _requantization(graph, node).wide:
        return "an output needs a left shift or an accumulator of more than 31 bits"
    return None


def _lower_3x3(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    p = conv_parameters(graph, node)
    channels = x.shape[3]
    down = _slides_down(graph, node)
    along, across = _axes(graph, node) if down else reversed(_axes(graph, node))
    kernel = weights.data[0].transpose((2, 0, 1) if down else (2, 1, 0))
    input_steps = (channels, x.shape[2] * channels)  # to the next column, to the next row
    output_steps = (channels, output.shape[2] * channels)
    rows = weights.data.reshape(9, channels).T
    bias = fold_zero_point(rows, bias_of(graph, node, channels), p.input_zero_point)
    return Lowered(
        symbol="smidgen_depthwise_3x3" if along.stride == 1 else "smidgen_depthwise_3x3_stride_2",
        shape_type="struct smidgen_depthwise_3x3_shape",
        shape={
            "batches": x.shape[0],
            "channels": channels,
            "lines": across.output,
            "outputs": along.output,
            "input_lines": across.input,
            "line_stride": across.stride,
            "pad_line": across.before,
            "pad_first": along.before,
            "pad_last": along.after,
            "input_batch_step": x.elements // x.shape[0],
            "input_line_step": input_steps[not down],
            "input_step": input_steps[down],
            "output_batch_step": output.elements // x.shape[0],
            "output_line_step": output_steps[not down],
            "output_step": output_steps[down],
            "input_zero_point": p.input_zero_point,
            "output_zero_point": p.output_zero_point,
            "activation_min": p.clamp_min,
            "activation_max": p.clamp_max,
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", np.ascontiguousarray(kernel).reshape(-1), "weights"),
            Blob("bias", bias, "bias"),
            *_requantization(graph, node).blobs,
        ),
        macs=output.elements * 9,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


def _lower_depthwise(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: DepthwiseConv2D = node.operator
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    output = graph.tensor(node.outputs[0])
    _, kernel_height, kernel_width, channels = weights.shape
    p = conv_parameters(graph, node)
    bias = bias_of(graph, node, channels)
    return Lowered(
        symbol="smidgen_depthwise",
        shape_type="struct smidgen_depthwise_shape",
        shape={
            "batches": x.shape[0],
            "input_height": x.shape[1],
            "input_width": x.shape[2],
            "input_channels": x.shape[3],
            "output_height": output.shape[1],
            "output_width": output.shape[2],
            "channel_multiplier": channels // x.shape[3],
            "kernel_height": kernel_height,
            "kernel_width": kernel_width,
            "stride_height": operator.stride[0],
            "stride_width": operator.stride[1],
            "dilation_height": operator.dilation[0],
            "dilation_width": operator.dilation[1],
            "pad_top": operator.padding.top,
            "pad_left": operator.padding.left,
            "input_zero_point": p.input_zero_point,
            "output_zero_point": p.output_zero_point,
            "activation_min": p.clamp_min,
            "activation_max": p.clamp_max,
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", np.ascontiguousarray(weights.data).reshape(-1), "weights"),
            Blob("bias", bias.astype(np.int32), "bias"),
            *_requantization(graph, node).blobs,
        ),
        macs=output.elements * kernel_height * kernel_width,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
    )


KERNELS = (
    KernelSpec("depthwise_3x3", "conv", PORTABLE, (DepthwiseConv2D,), _refuse_3x3, _lower_3x3),
    KernelSpec("depthwise", "conv", PORTABLE, (DepthwiseConv2D,), _refuse, _lower_depthwise),
)
