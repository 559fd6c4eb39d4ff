"""Kernels of firmware/kernels/mve/depthwise.h and depthwise_lanes.h, which conv.h includes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.channels import Channels, prepare
from smidgen.compile.kernels.common import bias_of, constant_operands, output_fields, refuse_layer
from smidgen.compile.kernels.depthwise import Axis, axes
from smidgen.compile.kernels.mve import MVE
from smidgen.compile.kernels.mve.packing import LANES, requantization, variant_of
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node
from smidgen.graph.operators import DepthwiseConv2D
from smidgen.graph.packing import pack
from smidgen.graph.reference.conv import conv_parameters

_ROWS = (1, 2, 4, 8)  # that a strip may have
_MOST_TAPS = 8  # SMIDGEN_MVE_MOST_TAPS
_MOST_OFFSET = (1 << 16) - 1
_GATHERED, _SQUARE = 8, 4  # bytes per gather; rows of a square
_CHANNELS = 4  # in the lanes of a vector of accumulators
_MOST_COPIED = 1024  # bytes of 4 channels of a padded image


@dataclass(frozen=True)
class Strips:
    """How strips go through an image: along one axis, a few rows of the other at a time.

    down: whether they go down columns, not along rows.
    """

    along: Axis
    across: Axis
    down: bool

    @property
    def is_square(self) -> bool:
        """Whether four windows, two along and two across, lie in one vector."""
        both = (self.along, self.across)
        return all(axis.kernel <= 3 and axis.stride == axis.dilation == 1 for axis in both)

    @property
    def rows(self) -> int:
        """Of a strip; more than the window's where that is no power of two."""
        if self.is_square:
            return _SQUARE
        return next((rows for rows in _ROWS if rows >= self.across.kernel), 0)

    @property
    def taps(self) -> int:
        """Vectors in a window."""
        return -(-self.along.kernel * self.rows // LANES)

    @property
    def outputs(self) -> int:
        """That are made side by side along the strip."""
        return 4 if self.is_square else 8

    @property
    def spare_outputs(self) -> bool:
        """Whether no strip reads again where outputs were written before it was gathered.

        Outputs of a strip are written when the next has been gathered; the one after that begins so many
        rows above its own outputs as there are rows of padding.
        """
        outputs_across = 2 if self.is_square else 1
        return self.across.output <= outputs_across or self.across.before <= outputs_across

    @property
    def strip_bytes(self) -> int:
        """Room for all positions, what is stored with the last, and what the last windows load."""
        made = -(-self.along.output // self.outputs) * self.outputs
        positions = self.along.before + self.along.input
        loaded = (made - 1) * self.along.stride * self.rows + LANES * self.taps
        return -(-max(positions * self.rows + _GATHERED, loaded) // LANES) * LANES

    @property
    def reason(self) -> str | None:
        """Why strips cannot go like this, or None when they can."""
        if not self.rows or self.taps > _MOST_TAPS:
            return "its windows are too large"
        if self.along.dilation != 1:
            return "its windows have gaps"
        gathered = (_GATHERED // self.rows - 1) * self.along.input_step
        gathered += (self.rows - 1) * self.across.dilation * self.across.input_step
        stored = (self.outputs - 1) * self.along.output_step + self.across.output_step
        if max(gathered, stored) > _MOST_OFFSET or self.across.input * self.across.dilation >= 1 << 14:
            return "its image is too large"
        return None

    @property
    def instructions(self) -> float:
        """For one channel, as measured, roughly."""
        strips = -(-self.across.output // (2 if self.is_square else 1))
        gather = 3.5 * -(-self.along.input * self.rows // _GATHERED)
        made = -(-self.along.output // self.outputs)
        return 80 + strips * (110 + gather + made * (40 if self.is_square else 60 + 30 * self.taps))


def _strips(graph: Graph, node: Node) -> list[Strips]:
    """Along rows and along columns, the fewer instructions first."""
    rows, columns = axes(graph, node)
    both = [Strips(columns, rows, False), Strips(rows, columns, True)]
    return sorted(both, key=lambda strips: (strips.reason is not None, strips.instructions))


def _refuse(graph: Graph, node: Node) -> str | None:
    return refuse_layer(graph, node) or _strips(graph, node)[0].reason


def _padded(rows: Axis, columns: Axis) -> tuple[int, int]:
    """Rows and columns of an image with padding around it; (0, 0) when it needs none."""
    if not any(axis.before or axis.after for axis in (rows, columns)):
        return 0, 0
    return rows.before + rows.input + rows.after, columns.before + columns.input + columns.after


def _refuse_lanes(graph: Graph, node: Node) -> str | None:
    """Why channels do not lie in lanes, or None: strips would take more instructions, the copy is small."""
    reason = refuse_layer(graph, node)
    if reason is not None:
        return reason
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    if weights.shape[3] != x.shape[3]:
        return "it has more than one output channel per input channel"
    height, width = _padded(*axes(graph, node))
    if _CHANNELS * height * width > _MOST_COPIED:
        return f"4 of its channels take {_CHANNELS * height * width:,} bytes with padding"
    taps = weights.shape[1] * weights.shape[2]
    made = output.shape[1] * output.shape[2] * (20 + 4 * taps)
    instructions = (made + 5 * height * width) / _CHANNELS + 6 * taps
    strips = _strips(graph, node)[0]
    if strips.reason is None and strips.instructions < instructions:
        return "strips take fewer instructions"
    return None


def _lower_lanes(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    rows, columns = axes(graph, node)
    if columns.input == columns.output == columns.kernel == 1:  # the inner loop is that along columns
        rows, columns = columns, rows
    p = conv_parameters(graph, node)
    prepared = _prepare(graph, node, optimize)
    height, width = _padded(rows, columns)
    taps = weights.shape[1] * weights.shape[2]
    return Lowered(
        symbol=f"smidgen_mve_depthwise_lanes_{variant_of(prepared)}",
        shape_type="struct smidgen_mve_depthwise_lanes_shape",
        shape={
            "batches": x.shape[0],
            "input_height": rows.input,
            "input_width": columns.input,
            "channels": x.shape[3],
            "output_height": rows.output,
            "output_width": columns.output,
            "kernel_height": rows.kernel,
            "kernel_width": columns.kernel,
            "stride_height": rows.stride,
            "stride_width": columns.stride,
            "dilation_height": rows.dilation,
            "dilation_width": columns.dilation,
            "pad_top": rows.before,
            "pad_left": columns.before,
            "padded_height": height,
            "padded_width": width,
            "weight_bits": weights.dtype.bits,
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", _packed(prepared.weights, weights.dtype), "weights"),
            *requantization(prepared, p.input_zero_point),
        ),
        scratch_bytes=_CHANNELS * (taps + height * width),
        macs=output.elements * taps,
        specialise=True,  # its loops unroll
        constants=constant_operands(graph, node.inputs[:1]),
        in_place=bool(height) and x.shape == output.shape,
    )


def _prepare(graph: Graph, node: Node, optimize: str) -> Channels:
    """Weights (channels, kernel rows * kernel columns)."""
    weights = graph.tensor(node.inputs[1])
    channels = weights.shape[3]
    rows = weights.data.reshape(-1, channels).T
    return prepare(rows, bias_of(graph, node, channels), conv_parameters(graph, node), optimize)


def _packed(taps: np.ndarray, dtype: DType) -> np.ndarray:
    """Weights (channels, taps) as bytes; every channel starts with one."""
    padded = np.pad(taps, ((0, 0), (0, -taps.shape[1] % (8 // dtype.bits))))
    return pack(padded, dtype).view(np.int8)


def _axis_fields(name: str, axis: Axis) -> dict[str, int]:
    return {
        f"input_{name}": axis.input,
        f"output_{name}": axis.output,
        f"kernel_{name}": axis.kernel,
        f"stride_{name}": axis.stride,
        f"pad_{name}": axis.before,
        f"input_{name}_step": axis.input_step,
        f"output_{name}_step": axis.output_step,
    }


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels, bits = weights.shape[3], weights.dtype.bits
    strips = _strips(graph, node)[0]
    p = conv_parameters(graph, node)
    prepared = _prepare(graph, node, optimize)
    kernel = prepared.weights.reshape(channels, *weights.shape[1:3])
    if not strips.down:
        kernel = kernel.transpose(0, 2, 1)
    kind = "depthwise_square" if strips.is_square else "depthwise"
    return Lowered(
        symbol=f"smidgen_mve_{kind}_{variant_of(prepared)}",
        shape_type="struct smidgen_mve_depthwise_shape",
        shape={
            "batches": x.shape[0],
            "channels": channels,
            "channel_multiplier": channels // x.shape[3],
            "weight_bits": bits,
            "input_batch_step": x.elements // x.shape[0],
            "output_batch_step": output.elements // x.shape[0],
            "rows": strips.rows,
            "taps": strips.taps,
            "strip_bytes": strips.strip_bytes,
            **_axis_fields("along", strips.along),
            **_axis_fields("across", strips.across),
            "dilation_across": strips.across.dilation,
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", _packed(kernel.reshape(channels, -1), weights.dtype), "weights"),
            *requantization(prepared, p.input_zero_point),
        ),
        scratch_bytes=2 * strips.strip_bytes,
        macs=output.elements * weights.shape[1] * weights.shape[2],
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        in_place=x.shape == output.shape and strips.spare_outputs,
    )


KERNELS = (
    KernelSpec("mve_depthwise_lanes", "conv", MVE, (DepthwiseConv2D,), _refuse_lanes, _lower_lanes),
    KernelSpec("mve_depthwise", "conv", MVE, (DepthwiseConv2D,), _refuse, _lower),
)
