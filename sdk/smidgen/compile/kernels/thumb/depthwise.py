"""Kernels of firmware/kernels/thumb/depthwise.h."""

from __future__ import annotations

from dataclasses import dataclass

from smidgen.compile.kernels.common import bias_of, constant_operands, output_fields
from smidgen.compile.kernels.depthwise import Axis, axes
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.kernels.thumb import THUMB
from smidgen.compile.kernels.thumb.packing import WORD, prepare, refuse
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.operators import DepthwiseConv2D
from smidgen.graph.reference.conv import conv_parameters

NEIGHBOURS = 4  # outputs that are computed together
TAPS = 3  # that are multiplied at a time
STRIDES = (1, 2)
SCRATCH_LIMIT = 2048


@dataclass(frozen=True)
class _Walk:
    """How windows go over the image: lines one after the other, positions along each.

    is_down: whether lines are columns, not rows.
    """

    lines: Axis
    along: Axis
    is_down: bool

    @property
    def triples(self) -> int:
        """Of taps, on one line of the kernel."""
        return -(-self.along.kernel // TAPS)

    @property
    def line_outputs(self) -> int:
        """Outputs of one line, with those that are computed beyond its end."""
        return -(-self.along.output // NEIGHBOURS) * NEIGHBOURS

    @property
    def pitch(self) -> int:
        """Bytes of one line of a plane."""
        return (self.line_outputs - 1) * self.along.stride + TAPS * self.triples

    @property
    def plane_lines(self) -> int:
        lines = self.lines
        return (lines.output - 1) * lines.stride + (lines.kernel - 1) * lines.dilation + 1

    @property
    def scratch_bytes(self) -> int:
        kernel = (TAPS + 1) * self.lines.kernel * self.triples
        return WORD * (kernel + self.line_outputs) + self.plane_lines * self.pitch

    @property
    def multiplications(self) -> int:
        """Of one channel."""
        return self.lines.output * self.line_outputs * self.lines.kernel * TAPS * self.triples

    @property
    def is_wasteful(self) -> bool:
        """Whether most multiplications are for nothing."""
        needed = self.lines.output * self.along.output * self.lines.kernel * self.along.kernel
        return self.multiplications > 2 * needed


def _walk(graph: Graph, node: Node) -> _Walk | None:
    """Along rows or columns, whichever multiplies less; None when neither is possible."""
    rows, columns = axes(graph, node)
    walks = (_Walk(rows, columns, False), _Walk(columns, rows, True))
    able = [walk for walk in walks if walk.along.dilation == 1 and walk.along.stride in STRIDES]
    return min(able, key=lambda walk: walk.multiplications, default=None)


def _refuse(graph: Graph, node: Node) -> str | None:
    """Scratch may take 2 KiB, or an eighth of the input and output."""
    reason = refuse(graph, node)
    if reason is not None:
        return reason
    walk = _walk(graph, node)
    if walk is None:
        return "its windows lie more than 2 positions apart, or are dilated"
    if walk.is_wasteful:
        return f"it has few outputs for {NEIGHBOURS} neighbours, or few taps for {TAPS}"
    elements = graph.tensor(node.inputs[0]).elements + graph.tensor(node.outputs[0]).elements
    if walk.scratch_bytes > max(SCRATCH_LIMIT, elements // 8):
        return f"a channel would take {walk.scratch_bytes:,} bytes of scratch"
    return None


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels = weights.shape[3]
    walk = _walk(graph, node)
    lines, along = walk.lines, walk.along
    p = conv_parameters(graph, node)
    prepared = prepare(weights.data.reshape(-1, channels).T, bias_of(graph, node, channels), p, optimize)
    kernel = prepared.weights.reshape(channels, *weights.shape[1:3])
    if walk.is_down:
        kernel = kernel.transpose(0, 2, 1)
    return Lowered(
        symbol=f"smidgen_thumb_depthwise_stride_{along.stride}_{prepared.variant}",
        shape_type="struct smidgen_thumb_depthwise_shape",
        shape={
            "batches": x.shape[0],
            "channels": x.shape[3],
            "copies": channels // x.shape[3],
            "plane_lines": walk.plane_lines,
            "pitch": walk.pitch,
            "triples": walk.triples,
            "input_lines": lines.input,
            "output_lines": lines.output,
            "kernel_lines": lines.kernel,
            "line_stride": lines.stride,
            "line_dilation": lines.dilation,
            "pad_lines": lines.before,
            "inputs": along.input,
            "outputs": along.output,
            "taps": along.kernel,
            "pad": along.before,
            "input_batch_step": x.elements // x.shape[0],
            "input_line_step": lines.input_step,
            "input_step": along.input_step,
            "output_batch_step": output.elements // x.shape[0],
            "output_line_step": lines.output_step,
            "output_step": along.output_step,
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", kernel.reshape(-1), "weights"),
            Blob("bias", prepared.bias_of_inputs(p.input_zero_point), "bias"),
            *prepared.requantization,
        ),
        scratch_bytes=walk.scratch_bytes,
        macs=output.elements * lines.kernel * along.kernel,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        in_place=x.shape == output.shape,
    )


KERNELS = (KernelSpec("thumb_depthwise", "depthwise", THUMB, (DepthwiseConv2D,), _refuse, _lower),)
