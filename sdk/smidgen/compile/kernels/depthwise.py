"""Kernels of firmware/kernels/portable/depthwise.h, which conv.h includes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from smidgen.compile.kernels.channels import Channels, prepare
from smidgen.compile.kernels.common import (
    PORTABLE,
    bias_of,
    constant_operands,
    output_fields,
    refuse_layer,
    symbol_of,
)
from smidgen.compile.kernels.overlap import overlap_of_channels, overlap_of_rows
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node
from smidgen.graph.operators import DepthwiseConv2D
from smidgen.graph.packing import pack
from smidgen.graph.reference.conv import conv_parameters

_BLOCK = 16  # SMIDGEN_DEPTHWISE_BLOCK


@dataclass(frozen=True)
class Axis:
    """Rows or columns: sizes, the window's form along them, bytes from one position to the next."""

    input: int
    output: int
    kernel: int
    stride: int
    dilation: int
    before: int
    input_step: int
    output_step: int

    @property
    def after(self) -> int:
        """How many positions the last window overhangs the image."""
        reach = (self.output - 1) * self.stride + (self.kernel - 1) * self.dilation + 1
        return max(reach - self.before - self.input, 0)


def axes(graph: Graph, node: Node) -> tuple[Axis, Axis]:
    """(rows, columns)"""
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    operator: DepthwiseConv2D = node.operator
    before = (operator.padding.top, operator.padding.left)
    input_steps = (x.shape[2] * x.shape[3], x.shape[3])
    output_steps = (output.shape[2] * output.shape[3], output.shape[3])
    rows, columns = (
        Axis(
            x.shape[1 + i],
            output.shape[1 + i],
            weights.shape[1 + i],
            operator.stride[i],
            operator.dilation[i],
            before[i],
            input_steps[i],
            output_steps[i],
        )
        for i in range(2)
    )
    return rows, columns


def _slides_down(graph: Graph, node: Node) -> bool:
    """Whether the windows slide down columns rather than along rows: the longer way, for fewer starts."""
    rows, columns = axes(graph, node)
    return rows.output > columns.output


def _prepare(graph: Graph, node: Node, optimize: str) -> Channels:
    """Weights (channels, kernel rows * kernel columns)."""
    weights = graph.tensor(node.inputs[1])
    channels = weights.shape[3]
    rows = weights.data.reshape(-1, channels).T
    return prepare(rows, bias_of(graph, node, channels), conv_parameters(graph, node), optimize)


def _refuse_3x3(graph: Graph, node: Node) -> str | None:
    """Why windows cannot slide, or None: 3 x 3, one output per input channel, edges of one position."""
    reason = refuse_layer(graph, node)
    if reason is not None:
        return reason
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    if weights.shape[1:3] != (3, 3) or node.operator.dilation != (1, 1):
        return "its windows are not 3 x 3"
    if weights.shape[3] != x.shape[3]:
        return "it has more than one output channel per input channel"
    rows, columns = axes(graph, node)
    if max(rows.before, rows.after, columns.before, columns.after) > 1:
        return "its windows overhang the image by more than one position"
    if (rows if _slides_down(graph, node) else columns).stride > 2:
        return "its stride is more than 2"
    return None


def packed_rows(runs: Iterable[np.ndarray], dtype: DType) -> np.ndarray:
    """Runs of weights one after the other (int8), each of which starts with a byte."""
    per_byte = 8 // dtype.bits
    flat = [np.pad(run.reshape(-1), (0, -run.size % per_byte)) for run in runs]
    return pack(np.concatenate(flat), dtype).view(np.int8)


def _refuse_in_place(graph: Graph, node: Node) -> str | None:
    reason = _refuse_3x3(graph, node)
    if reason is None and graph.tensor(node.inputs[0]).shape != graph.tensor(node.outputs[0]).shape:
        return "it changes the shape of the image"
    return reason


def _common_fields(graph: Graph, node: Node) -> dict[str, int]:
    x, output = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    p = conv_parameters(graph, node)
    return {
        "batches": x.shape[0],
        "input_batch_step": x.elements // x.shape[0],
        "output_batch_step": output.elements // x.shape[0],
        "input_zero_point": p.input_zero_point,
        **output_fields(p),
    }


def _lower_3x3(in_place: bool, graph: Graph, node: Node, optimize: str) -> Lowered:
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels = weights.shape[3]
    down = _slides_down(graph, node)
    along, across = axes(graph, node) if down else reversed(axes(graph, node))
    prepared = _prepare(graph, node, optimize)
    kernel = prepared.weights.reshape(channels, 3, 3).transpose((0, 1, 2) if down else (0, 2, 1))
    overlap = None if down else overlap_of_rows(x.shape, output.shape, across.stride, across.before)
    kind = "in_place" if in_place else f"stride_{along.stride}"
    return Lowered(
        symbol=symbol_of(f"depthwise_3x3_{kind}", weights.dtype, prepared.variant),
        shape_type="struct smidgen_depthwise_3x3_shape",
        shape={
            **_common_fields(graph, node),
            "channels": channels,
            "lines": across.output,
            "outputs": along.output,
            "input_lines": across.input,
            "line_stride": across.stride,
            "pad_line": across.before,
            "pad_first": along.before,
            "pad_last": along.after,
            "input_line_step": across.input_step,
            "input_step": along.input_step,
            "output_line_step": across.output_step,
            "output_step": along.output_step,
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", packed_rows(kernel.reshape(channels, -1), weights.dtype), "weights"),
            Blob("bias", prepared.bias_of_inputs(x.zero_point), "bias"),
            *prepared.requantization,
        ),
        macs=output.elements * 9,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        scratch_bytes=across.output * along.output if in_place else 0,
        overlap=None if in_place else overlap,
        in_place=in_place,
    )


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels = weights.shape[3]
    outer, inner = rows, columns = axes(graph, node)
    prepared = _prepare(graph, node, optimize)
    kernel = prepared.weights.T.reshape(weights.shape[1:])
    if outer.kernel > inner.kernel:  # the inner loop runs over the window's longer side
        outer, inner = inner, outer
        kernel = kernel.transpose(1, 0, 2)
    shape = {**_common_fields(graph, node), "input_channels": x.shape[3]}
    shape["channel_multiplier"] = channels // x.shape[3]
    for name, axis in (("outer", outer), ("inner", inner)):
        shape |= {
            f"input_{name}": axis.input,
            f"output_{name}": axis.output,
            f"kernel_{name}": axis.kernel,
            f"stride_{name}": axis.stride,
            f"dilation_{name}": axis.dilation,
            f"pad_{name}": axis.before,
            f"input_{name}_step": axis.input_step,
            f"output_{name}_step": axis.output_step,
        }
    if weights.dtype is DType.I8:
        symbol, block = "smidgen_depthwise", channels
    else:
        symbol = f"smidgen_depthwise_{weights.dtype.value}"
        block = max(_BLOCK // shape["channel_multiplier"], 1) * shape["channel_multiplier"]
    overlap = None
    if weights.dtype is DType.I8 and channels == x.shape[3] and outer is rows:
        strides, pads = (rows.stride, columns.stride), (rows.before, columns.before)
        overlap = overlap_of_channels(x.shape, output.shape, strides, pads)
    flat = kernel.reshape(-1, channels)
    blocks = [flat[:, i : i + block].reshape(-1) for i in range(0, channels, block)]
    return Lowered(
        symbol=symbol,
        shape_type="struct smidgen_depthwise_shape",
        shape=shape,
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", packed_rows(blocks, weights.dtype), "weights"),
            Blob("bias", prepared.bias, "bias"),
            *prepared.requantization,
        ),
        scratch_bytes=0 if weights.dtype is DType.I8 else min(block, channels) * len(flat),
        macs=output.elements * outer.kernel * inner.kernel,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=overlap,
    )


KERNELS = (
    KernelSpec(
        "depthwise_3x3", "conv", PORTABLE, (DepthwiseConv2D,), _refuse_3x3, partial(_lower_3x3, False)
    ),
    KernelSpec("depthwise", "conv", PORTABLE, (DepthwiseConv2D,), refuse_layer, _lower),
    KernelSpec(
        "depthwise_3x3_in_place",
        "conv",
        PORTABLE,
        (DepthwiseConv2D,),
        _refuse_in_place,
        partial(_lower_3x3, True),
    ),
)
