"""Kernels of firmware/kernels/midge/conv.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from smidgen.compile.kernels.common import constant_operands, output_fields, refuse_layer
from smidgen.compile.kernels.midge import MIDGE
from smidgen.compile.kernels.midge.cost import (
    PIXELS,
    RING_ROW,
    SMALL,
    Product,
    copy_cycles,
    gather_cycles,
    misaligned,
)
from smidgen.compile.kernels.midge.packing import WORD, Packed, channels_of, pack, refuse_dense
from smidgen.compile.kernels.midge.trim import of_trimmed
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Cost
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D, Padding
from smidgen.graph.reference.conv import ConvParameters, conv_parameters

Refuse = Callable[[Graph, Node], str | None]
Lower = Callable[[Graph, Node, str], Lowered]

OVER_READ = 16  # bytes that the last step may load beyond its inputs
MOST_PATCHES = 16
PATCHES_BYTES = 1024


@dataclass(frozen=True)
class Convolution:
    """A node's numbers. Images of one column become images of one row, which are the same bytes."""

    images: int
    height: int
    width: int
    channels: int
    output_height: int
    output_width: int
    outputs: int
    kernel_height: int
    kernel_width: int
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding
    groups: int
    bits: int
    parameters: ConvParameters

    @property
    def group_inputs(self) -> int:
        return self.channels // self.groups

    @property
    def group_outputs(self) -> int:
        return self.outputs // self.groups

    @property
    def row_bytes(self) -> int:
        return self.width * self.channels

    @property
    def window(self) -> int:
        """Inputs of one output."""
        return self.kernel_height * self.kernel_width * self.group_inputs

    @property
    def macs(self) -> int:
        return self.images * self.output_height * self.output_width * self.outputs * self.window


def _convolution(graph: Graph, node: Node) -> Convolution:
    operator: Conv2D = node.operator
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    output = graph.tensor(node.outputs[0])
    size, kernel, result = x.shape[1:3], weights.shape[1:3], output.shape[1:3]
    stride, dilation, padding = operator.stride, operator.dilation, operator.padding
    if size[1] == kernel[1] == result[1] == 1 and padding.left == 0:
        size, kernel, result = size[::-1], kernel[::-1], result[::-1]
        stride, dilation = stride[::-1], dilation[::-1]
        padding = Padding(0, 0, padding.top, padding.bottom)
    return Convolution(
        x.shape[0],
        *size,
        x.shape[3],
        *result,
        output.shape[3],
        *kernel,
        stride,
        dilation,
        padding,
        x.shape[3] // weights.shape[3],
        weights.dtype.bits,
        conv_parameters(graph, node),
    )


def _refuse_padded(graph: Graph, node: Node) -> str | None:
    reason = refuse_layer(graph, node)
    if reason is not None:
        return reason
    c = _convolution(graph, node)
    return "its image is padded" if c.padding != Padding() else _scattered(c)


def _scattered(c: Convolution) -> str | None:
    """Why the inputs in a row of a window do not lie side by side, or None when they do."""
    if c.groups > 1:
        return "it has groups"
    return "its columns are dilated" if c.dilation[1] > 1 and c.kernel_width > 1 else None


def _lower_unpadded(sparse: bool, graph: Graph, node: Node, optimize: str) -> Lowered:
    c = _convolution(graph, node)
    rows = c.kernel_height
    if c.kernel_width == c.width and c.dilation[0] == 1:  # rows follow each other without a gap
        rows = 1
    images, image_step = c.images, c.height * c.row_bytes
    lines, line_step = c.output_height, c.stride[0] * c.row_bytes
    pixels, pixel_step = c.output_width, c.stride[1] * c.channels
    if pixels == 1:
        lines, pixels, pixel_step = 1, lines, line_step
    elif pixels * pixel_step == line_step:
        lines, pixels = 1, lines * pixels
    if images == 1 or (lines == 1 and pixels * pixel_step == image_step):
        images, pixels = 1, images * pixels
    packed = pack(
        channels_of(graph, node, c.parameters), c.parameters.input_zero_point, rows, c.bits, sparse=sparse
    )
    unaligned = misaligned(pixel_step, line_step, image_step, c.dilation[0] * c.row_bytes)
    product = Product.of(packed, pixels, c.outputs, rows, unaligned)
    small = product.small(images * lines)
    return Lowered(
        symbol=f"smidgen_midge_conv_unpadded{'_small' if small else packed.suffix}",
        shape_type="struct smidgen_midge_conv_unpadded_shape",
        shape={
            "images": images,
            "image_step": image_step,
            "lines": lines,
            "line_step": line_step,
            "pixels": pixels,
            "pixel_step": pixel_step,
            "outputs": c.outputs,
            "kernel_rows": rows,
            "row_step": c.dilation[0] * c.row_bytes,
            **packed.fields,
            **output_fields(c.parameters),
        },
        reads=node.inputs[:1],
        blobs=packed.blobs,
        macs=c.macs,
        specialise=small is not None,
        constants=constant_operands(graph, node.inputs[:1]),
        cost=(small or product).cost(images * lines),
    )


@dataclass(frozen=True)
class Layout:
    """How conv_ring or conv_patches go about a convolution: its ring of rows and, if any, its patches."""

    c: Convolution
    packed: Packed
    patches: int

    @property
    def data_offset(self) -> int:
        """In a row of the ring. Windows that are gathered start on a word, otherwise the image does."""
        left = self.c.padding.left * self.c.channels
        return left if self.patches else _whole_words(left)

    @property
    def window_offset(self) -> int:
        return self.data_offset - self.c.padding.left * self.c.channels

    @property
    def row_bytes(self) -> int:
        c = self.c
        last = (c.output_width - 1) * c.stride[1] + (c.kernel_width - 1) * c.dilation[1]
        end = self.window_offset + (last + 1) * c.channels
        return _whole_words(max(self.data_offset + c.row_bytes, end))

    @property
    def ring_rows(self) -> int:
        return (self.c.kernel_height - 1) * self.c.dilation[0] + 1

    @property
    def pieces(self) -> tuple[int, int]:
        """(pieces per kernel row of a patch, bytes of each)."""
        c = self.c
        if _scattered(c) is None:
            return 1, c.kernel_width * c.channels
        return c.kernel_width, c.group_inputs

    @property
    def patch_bytes(self) -> int:
        return _whole_words(self.c.window)

    @property
    def scratch_bytes(self) -> int:
        return self.ring_rows * self.row_bytes + self.patches * self.patch_bytes + OVER_READ

    @property
    def product(self) -> Product:
        """Of one call of smidgen_midge_multiply."""
        c = self.c
        if self.patches:
            return Product.of(self.packed, self.patches, c.group_outputs, 1, 0.0)
        unaligned = misaligned(self.window_offset, c.stride[1] * c.channels)
        return Product.of(self.packed, c.output_width, c.outputs, c.kernel_height, unaligned)

    def cost(self) -> Cost:
        c = self.c
        windows = c.images * c.groups * c.output_height * c.output_width
        rows = c.images * c.groups * ((c.output_height - 1) * c.stride[0] + self.ring_rows)
        copying = rows * copy_cycles(c.row_bytes, misaligned(self.data_offset, c.row_bytes) == 0)
        copying += c.images * c.groups * c.output_height * RING_ROW
        words = 2 * rows * -(-c.row_bytes // WORD)
        if not self.patches:
            return self.product.cost(c.images * c.output_height, copying, words)
        count, size = self.pieces
        shifted = misaligned(self.window_offset, c.stride[1] * c.channels, c.group_inputs)
        gathering = windows * gather_cycles(c.kernel_height, count, size, shifted)
        words += 2 * windows * c.kernel_height * count * -(-size // WORD)
        return self.product.cost(-(-windows // self.patches), copying + gathering, words)


def _whole_words(count: int) -> int:
    return _multiple(count, WORD)


def _multiple(count: int, unit: int) -> int:
    return -(-count // unit) * unit


def _refuse_ring(graph: Graph, node: Node) -> str | None:
    reason = refuse_layer(graph, node)
    return reason if reason is not None else _scattered(_convolution(graph, node))


def _refuse_ring_sparse(graph: Graph, node: Node) -> str | None:
    return _refuse_ring(graph, node) or _refuse_dense(graph, node)


def _refuse_unpadded_sparse(graph: Graph, node: Node) -> str | None:
    return _refuse_padded(graph, node) or _refuse_dense(graph, node)


def _refuse_dense(graph: Graph, node: Node) -> str | None:
    return refuse_dense(node.operator.sparse_group, graph.tensor(node.inputs[1]).elements)


def _lower_ring(sparse: bool, graph: Graph, node: Node, optimize: str) -> Lowered:
    c = _convolution(graph, node)
    channels = channels_of(graph, node, c.parameters)
    packed = pack(channels, c.parameters.input_zero_point, c.kernel_height, c.bits, sparse=sparse)
    return _lower_conv(graph, node, Layout(c, packed, 0))


def _lower_patches(graph: Graph, node: Node, optimize: str) -> Lowered:
    c = _convolution(graph, node)
    channels = channels_of(graph, node, c.parameters)
    packed = pack(channels, c.parameters.input_zero_point, 1, c.bits, groups=c.groups)
    window = _whole_words(c.window)
    pixels = c.output_height * c.output_width
    fit = min(MOST_PATCHES, PATCHES_BYTES // window, _multiple(pixels, PIXELS))
    return _lower_conv(graph, node, Layout(c, packed, max(PIXELS, fit // PIXELS * PIXELS)))


def _lower_conv(graph: Graph, node: Node, layout: Layout) -> Lowered:
    c, packed = layout.c, layout.packed
    weights, parameters = packed.blobs[0].data, packed.blobs[-1].data
    count, size = layout.pieces
    cost = layout.cost()
    return Lowered(
        symbol=f"smidgen_midge_conv_{'patches' if layout.patches else 'ring'}{packed.suffix}",
        shape_type="struct smidgen_midge_conv_shape",
        shape={
            "images": c.images,
            "input_height": c.height,
            "input_row_bytes": c.row_bytes,
            "output_height": c.output_height,
            "output_width": c.output_width,
            "outputs": c.outputs,
            "groups": c.groups,
            "group_inputs": c.group_inputs,
            "group_outputs": c.group_outputs,
            "group_weights": weights.size // c.groups,
            "group_parameters": parameters.size // c.groups,
            "kernel_rows": c.kernel_height,
            "dilation_height": c.dilation[0],
            "stride_height": c.stride[0],
            "pad_top": c.padding.top,
            "ring_rows": layout.ring_rows,
            "row_bytes": layout.row_bytes,
            "data_offset": layout.data_offset,
            "window_offset": layout.window_offset,
            "window_step": c.stride[1] * c.channels,
            "patches": layout.patches,
            "patch_bytes": layout.patch_bytes,
            "pieces": count,
            "piece_step": c.dilation[1] * c.channels,
            "piece_bytes": size,
            **packed.fields,
            "input_zero_point": c.parameters.input_zero_point,
            **output_fields(c.parameters),
        },
        reads=node.inputs[:1],
        blobs=packed.blobs,
        scratch_bytes=layout.scratch_bytes,
        macs=c.macs,
        specialise=layout.patches > 0 or cost.cycles < SMALL,
        constants=constant_operands(graph, node.inputs[:1]),
        cost=cost,
    )


def _spec(name: str, refuse: Refuse, lower: Lower) -> KernelSpec:
    return KernelSpec(f"midge_conv_{name}", "conv", MIDGE, (Conv2D,), refuse, lower)


_ALL = (
    _spec("unpadded", _refuse_padded, partial(_lower_unpadded, False)),
    _spec("unpadded_sparse", _refuse_unpadded_sparse, partial(_lower_unpadded, True)),
    _spec("ring", _refuse_ring, partial(_lower_ring, False)),
    _spec("ring_sparse", _refuse_ring_sparse, partial(_lower_ring, True)),
    _spec("patches", refuse_layer, _lower_patches),
)
KERNELS = of_trimmed(_ALL)
