"""Layers with windows (convolutions, matrix products, pooling) as the engine sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from smidgen.npu.descriptor import QUAD, TAPS, Convolution, Depthwise, Engine, MaxPool, Window, round_up

LONGEST_ROW = 1 << 16  # fields of a descriptor end below these
MOST_CHUNKS = 1 << 8
MOST_ROWS = 1 << 8
MOST_STRIDE_Y, MOST_STRIDE_X = 1 << 4, 1 << 8
Span = tuple[int, int]  # first, end


@dataclass(frozen=True)
class Numbers:
    """Zero points and clamp of a layer."""

    input_zero_point: int
    output_zero_point: int
    clamp_min: int
    clamp_max: int


@dataclass(frozen=True)
class Layer:
    """One image through one window, everything that a descriptor of `kind` says but where things lie.

    kernel and stride: (rows, columns); pad: (top, left); bits: of a weight; engine: that does it. Of the rows
    in memory the first `kept` of each `period` are the image's: windows that are less high than their stride
    skip the others. transposed: whether rows are the graph's columns, of an image that has one row or one
    column.
    """

    kind: type[Window]
    height: int
    width: int
    channels: int
    output_height: int
    output_width: int
    outputs: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    bits: int
    numbers: Numbers
    engine: Engine
    kept: int = 1
    period: int = 1
    transposed: bool = False

    @property
    def row_bytes(self) -> int:
        return self.width * self.channels

    @property
    def output_row_bytes(self) -> int:
        return self.output_width * -(-self.outputs // QUAD) * QUAD

    @property
    def chunks(self) -> int:
        """Reads of a convolution for each row of a window."""
        return -(-self.kernel[1] * self.channels // self.engine.lanes)

    @property
    def macs(self) -> int:
        each = self.kernel[0] * self.kernel[1] * (self.channels if self.kind is Convolution else 1)
        return self.output_height * self.output_width * self.outputs * each

    @property
    def block_bytes(self) -> int:
        """Of the weights and parameters of one block of output channels."""
        return self.engine.block_words(self.descriptor()) * self.engine.word_bytes

    @property
    def blocks(self) -> int:
        return self.descriptor().blocks

    @property
    def weight_bytes(self) -> int:
        """Of all blocks, in whole words, without the end of the last one that is for no output."""
        whole = self.blocks * self.block_bytes
        if self.kind is not Convolution:
            return whole
        missing = self.blocks * self.engine.block_outputs(self.descriptor()) - self.outputs
        return round_up(whole - missing * self.engine.lanes * self.bits // 8, QUAD)

    def spanned(self, rows: int) -> int:
        """Bytes of the words that so many rows of the image lie in, at most."""
        count = rows * self.row_bytes
        return count if self.row_bytes % QUAD == 0 else (count + 2 * (QUAD - 1)) // QUAD * QUAD

    def input_rows(self, first: int, end: int) -> tuple[int, int]:
        """(first, end) of the rows of the image that output rows `first` to `end` - 1 see."""
        top = first * self.stride[0] - self.pad[0]
        bottom = (end - 1) * self.stride[0] - self.pad[0] + self.kernel[0]
        return max(top, 0), min(bottom, self.height)

    def descriptor(self) -> Window:
        """The whole layer from and to address 0 of the buffer."""
        return self._descriptor

    @cached_property  # asked for very often while strips are tried
    def _descriptor(self) -> Window:
        own = {"chunks": self.chunks, "width": {8: 0, 4: 1, 2: 2}[self.bits]}
        if self.kind is not Convolution:
            own = {"kernel_width": self.kernel[1], "stride_x": self.stride[1]}
        column = self.stride[1] * self.channels if self.kind is Convolution else self.channels
        whole = self.kind(
            input_address=0,
            input_row_bytes=self.row_bytes,
            input_rows=self.height,
            row_step=self.stride[0] * self.row_bytes,
            pad_left_bytes=self.pad[1] * self.channels,
            column_step=column,
            pad_top=self.pad[0],
            kernel_rows=self.kernel[0],
            stride_y=self.stride[0],
            output_width=self.output_width,
            output_rows=self.output_height,
            output_address=0,
            output_pixel_bytes=self.output_row_bytes // self.output_width,
            output_row_bytes=self.output_row_bytes,
            blocks=0,
            channels=self.outputs,
            **vars(self.numbers),
            **own,
        )
        return replace(whole, blocks=-(-self.outputs // self.engine.block_outputs(whole)))

    def part(self, rows: Span, blocks: Span, address: int, output: int) -> Window:
        """Some output rows of some blocks of output channels, with the first weights. address: of the first
        row of the image that they see; output: of all channels of the first of these rows."""
        whole = self.descriptor()
        outputs = self.engine.block_outputs(whole)
        top, bottom = self.input_rows(*rows)
        first = blocks[0] * outputs
        return replace(
            whole,
            # All but convolutions see just their own channels.
            input_address=address + (0 if self.kind is Convolution else first),
            input_rows=bottom - top,
            pad_top=top - (rows[0] * self.stride[0] - self.pad[0]),
            output_rows=rows[1] - rows[0],
            output_address=output + first,
            blocks=blocks[1] - blocks[0],
            channels=min(blocks[1] * outputs, self.outputs) - first,
        )

    def refuse(self) -> str | None:
        """Why the engine cannot do this layer, or None when it can."""
        pixels = self.output_height * self.output_width
        if self.outputs % QUAD and pixels > 1:
            return f"its {self.outputs} output channels are not a multiple of {QUAD}"
        if self.kind is Depthwise and self.kernel[1] > TAPS:
            return f"its kernel is {self.kernel[1]} columns wide, the engine's {TAPS}"
        window = self.kernel[1] * self.channels
        if self.kind is Convolution and self.chunks >= MOST_CHUNKS:
            most = (MOST_CHUNKS - 1) * self.engine.lanes
            return f"a row of its windows has {window} bytes, the engine takes {most}"
        if max(self.kernel) >= MOST_ROWS or max(self.pad) >= MOST_ROWS:
            return (
                f"its window of {self.kernel[0]} x {self.kernel[1]} is larger than {MOST_ROWS - 1} positions"
            )
        if self.stride[0] >= MOST_STRIDE_Y or self.stride[1] >= MOST_STRIDE_X:
            return f"its strides of {self.stride[0]} x {self.stride[1]} are too large"
        longest = max(self.row_bytes, self.output_row_bytes, self.stride[1] * self.channels)
        if longest >= LONGEST_ROW:
            return f"a row of {longest} bytes is longer than {LONGEST_ROW - 1}"
        if self.kind is not MaxPool and self.block_bytes > self.engine.weight_bytes:
            return (
                f"the weights of {self.engine.block_outputs(self.descriptor())} output channels need "
                f"{self.block_bytes} bytes, the weight buffer has {self.engine.weight_bytes}"
            )
        ranges = [self.input_rows(row, row + 1) for row in range(self.output_height)]
        if any(end <= first for first, end in ranges):
            return "whole windows lie in the padding"
        rows = max(end - first for first, end in ranges)
        needed = self.spanned(rows) + self.output_row_bytes
        if needed > self.engine.activation_bytes:
            return (
                f"the rows for one row of outputs need {needed} bytes, the activation buffer has "
                f"{self.engine.activation_bytes}"
            )
        return None


def without_skipped_rows(layer: Layer) -> Layer:
    """The same with only those rows of the image that a window sees, where that leaves some out."""
    rows, stride = layer.kernel[0], layer.stride[0]
    if layer.output_height == 1 or rows >= stride or layer.pad[0] or layer.row_bytes % QUAD:
        return layer
    return replace(
        layer, height=layer.output_height * rows, stride=(rows, layer.stride[1]), kept=rows, period=stride
    )


def transposed(layer: Layer) -> Layer | None:
    """The same with rows for columns, where the image has one row or one column; else None."""
    is_row = layer.height == layer.kernel[0] == layer.output_height == 1 and layer.pad[0] == 0
    is_column = layer.width == layer.kernel[1] == layer.output_width == 1 and layer.pad[1] == 0
    if not is_row and not is_column:
        return None
    return replace(
        layer,
        height=layer.width,
        width=layer.height,
        output_height=layer.output_width,
        output_width=layer.output_height,
        kernel=layer.kernel[::-1],
        stride=layer.stride[::-1],
        pad=layer.pad[::-1],
        transposed=not layer.transposed,
    )


def folded(layer: Layer) -> Layer | None:
    """The same with several positions in a row, where one window of a single column is the whole image: a
    word of a depthwise kernel then has several taps. None where that cannot be."""
    is_whole = layer.output_height == 1 and layer.kernel == (layer.height, 1) == (layer.height, layer.width)
    if layer.kind is not Depthwise or not is_whole or layer.pad != (0, 0):
        return None
    columns = next((count for count in range(TAPS, 1, -1) if layer.height % count == 0), None)
    if columns is None:
        return None
    rows = layer.height // columns
    return replace(layer, height=rows, width=columns, kernel=(rows, columns), stride=(1, 1))
