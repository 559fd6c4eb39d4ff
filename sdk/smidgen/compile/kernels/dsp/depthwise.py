"""Kernels of firmware/kernels/dsp/depthwise.h."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from smidgen.compile.kernels.common import bias_of, constant_operands, output_fields, refuse_layer
from smidgen.compile.kernels.depthwise import Axis, axes, packed_rows
from smidgen.compile.kernels.dsp import DSP
from smidgen.compile.kernels.dsp.packing import kernel_shift, prepare
from smidgen.compile.kernels.overlap import overlap_of_steps
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.operators import DepthwiseConv2D
from smidgen.graph.reference.conv import conv_parameters

PLANES = 4  # channels that are copied together
NEIGHBOURS = 4  # outputs of windows of 3 x 3 that are computed together
WORD = 4  # bytes, which hold 2 values
SCRATCH_LIMIT = 2048


@dataclass(frozen=True)
class _Walk:
    """How windows go over the image: lines one after the other, positions along each.

    is_down: whether lines are columns, not rows. band: output lines for which planes are copied together.
    """

    lines: Axis
    along: Axis
    is_down: bool
    band: int

    @property
    def is_3x3(self) -> bool:
        """Whether the kernel for windows of 3 x 3 can do it."""
        window = (self.lines.kernel, self.along.kernel, self.lines.dilation, self.along.dilation)
        return window == (3, 3, 1, 1) and self.along.stride < 3

    @property
    def halves(self) -> int:
        """In how many halves of a word windows begin."""
        return 2 if self.along.stride % 2 and self.along.output > 1 else 1

    @property
    def kernel_words(self) -> int:
        """Of one line of the kernel, in either half of its first word."""
        reach = (self.along.kernel - 1) * self.along.dilation + self.halves
        words = -(-reach // 2)
        return words + words % 2

    @property
    def pitch(self) -> int:
        """Words of one line of a plane."""
        if self.is_3x3:
            return -(-self.along.output // NEIGHBOURS) * NEIGHBOURS * self.along.stride // 2 + 1
        return (self.along.output - 1) * self.along.stride // 2 + self.kernel_words

    @property
    def scratch_bytes(self) -> int:
        lines = (self.band - 1) * self.lines.stride + (self.lines.kernel - 1) * self.lines.dilation + 1
        kernel = 7 if self.is_3x3 else self.halves * self.lines.kernel * self.kernel_words
        return WORD * (PLANES * lines * self.pitch + kernel)

    @property
    def cost(self) -> tuple[int, int]:
        """By which to choose: how well the kernel suits, how much it computes."""
        if self.is_3x3:  # all of the last neighbours, though some lie beyond the line
            return 0, self.lines.output * -(-self.along.output // NEIGHBOURS)
        return 1, self.lines.kernel * self.kernel_words


def _whole(graph: Graph, node: Node) -> _Walk:
    """Whole planes, along rows or columns, whichever takes fewer steps."""
    rows, columns = axes(graph, node)
    walks = (_Walk(rows, columns, False, rows.output), _Walk(columns, rows, True, columns.output))
    return min(walks, key=lambda walk: walk.cost)


def _banded(graph: Graph, node: Node, limit: int) -> _Walk:
    """Along rows, as many rows at a time as the scratch may hold, but one in any case."""
    rows, columns = axes(graph, node)
    walk = _Walk(rows, columns, False, rows.output)
    while walk.band > 1 and walk.scratch_bytes > limit:
        walk = replace(walk, band=-(-walk.band // 2))
    return walk


def _fastest(graph: Graph, node: Node) -> _Walk:
    """Whole planes where the scratch may hold them: 2 KiB, or an eighth of the input and output."""
    elements = graph.tensor(node.inputs[0]).elements + graph.tensor(node.outputs[0]).elements
    limit = max(SCRATCH_LIMIT, elements // 8)
    whole = _whole(graph, node)
    return whole if whole.scratch_bytes <= limit else _banded(graph, node, limit)


def _smallest(graph: Graph, node: Node) -> _Walk:
    """Whole planes where the output can then take the place of the input, else row by row."""
    return _whole(graph, node) if _keeps_shape(graph, node) else _banded(graph, node, 0)


def _keeps_shape(graph: Graph, node: Node) -> bool:
    return graph.tensor(node.inputs[0]).shape == graph.tensor(node.outputs[0]).shape


def _refuse_smallest(graph: Graph, node: Node) -> str | None:
    reason = refuse_layer(graph, node)
    if reason is None and _smallest(graph, node) == _fastest(graph, node):
        return "the fastest form takes no more memory"
    return reason


def _overlap(walk: _Walk, batches: int, batch_step: tuple[int, int]) -> int:
    """Of a kernel that reads all of a band again for every 4 channels, and writes some of it each time."""
    first = np.arange(0, walk.lines.output, walk.band)
    last = np.minimum(first + walk.band, walk.lines.output)
    reads = np.maximum(first * walk.lines.stride - walk.lines.before, 0) * walk.lines.input_step
    ends = last * walk.lines.output_step
    if walk.is_down:  # columns: all are read and written to the end
        reads, ends = np.zeros_like(first), np.full_like(first, batch_step[1])
    image = np.arange(batches)[:, None]
    reads, ends = (image * step + one for step, one in zip(batch_step, (reads, ends), strict=True))
    return overlap_of_steps(np.repeat(reads.reshape(-1), 2), np.repeat(ends.reshape(-1), 2))


def _lower(walk_of, graph: Graph, node: Node, optimize: str) -> Lowered:
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels, bits = weights.shape[3], weights.dtype.bits
    walk: _Walk = walk_of(graph, node)
    lines, along = walk.lines, walk.along
    p = conv_parameters(graph, node)
    prepared = prepare(weights.data.reshape(-1, channels).T, bias_of(graph, node, channels), p, optimize)
    kernel = prepared.weights.reshape(channels, *weights.shape[1:3])
    if walk.is_down:
        kernel = kernel.transpose(0, 2, 1)
    batch_step = (x.elements // x.shape[0], output.elements // x.shape[0])
    kind = f"depthwise_3x3_stride_{along.stride}" if walk.is_3x3 else "depthwise"
    return Lowered(
        symbol=f"smidgen_dsp_{kind}_{prepared.variant}",
        shape_type="struct smidgen_dsp_depthwise_shape",
        shape={
            "batches": x.shape[0],
            "channels": x.shape[3],
            "copies": channels // x.shape[3],
            "weight_bits": bits,
            "band": walk.band,
            "pitch": walk.pitch,
            "kernel_words": walk.kernel_words,
            "input_lines": lines.input,
            "output_lines": lines.output,
            "kernel_lines": lines.kernel,
            "line_stride": lines.stride,
            "line_dilation": lines.dilation,
            "pad_lines": lines.before,
            "inputs": along.input,
            "outputs": along.output,
            "taps": along.kernel,
            "stride": along.stride,
            "dilation": along.dilation,
            "pad": along.before,
            "input_batch_step": batch_step[0],
            "input_line_step": lines.input_step,
            "input_step": along.input_step,
            "output_batch_step": batch_step[1],
            "output_line_step": lines.output_step,
            "output_step": along.output_step,
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", packed_rows(kernel.reshape(channels, -1), weights.dtype), "weights"),
            Blob("bias", prepared.bias_of_inputs(p.input_zero_point), "bias"),
            Blob("multiplier", prepared.multiplier, "requantization"),
            Blob("shift", kernel_shift(prepared.shift, prepared.variant), "requantization"),
        ),
        scratch_bytes=walk.scratch_bytes,
        macs=output.elements * lines.kernel * along.kernel,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=_overlap(walk, x.shape[0], batch_step),
        in_place=_keeps_shape(graph, node) and walk.band == lines.output,
    )


KERNELS = (
    KernelSpec(
        "dsp_depthwise", "depthwise", DSP, (DepthwiseConv2D,), refuse_layer, partial(_lower, _fastest)
    ),
    KernelSpec(
        "dsp_depthwise_small",
        "depthwise",
        DSP,
        (DepthwiseConv2D,),
        _refuse_smallest,
        partial(_lower, _smallest),
    ),
)
