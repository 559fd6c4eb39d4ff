"""Windows that slide over rows and columns: strides, dilation, Keras's padding made explicit."""

from __future__ import annotations

from dataclasses import dataclass

from smidgen.graph import Tensor
from smidgen.graph.operators import Padding, Reshape, same_padding
from smidgen.importers.keras.call import Call


@dataclass(frozen=True)
class Window:
    """All pairs are (rows, columns); output: the number of positions."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding
    output: tuple[int, int]


def window(call: Call, x: Tensor, size: tuple[int, int], stride: tuple[int, int], dilation=(1, 1)) -> Window:
    """Where a window of `size` stands on x (N, H, W, C) with the layer's padding."""
    kind = call.text("padding", "valid")
    if kind not in ("valid", "same", "causal"):
        call.fail(f"its padding is {kind!r} instead of 'valid', 'same' or 'causal'")
    pads, output = [], []
    for axis in (0, 1):
        length, extent = x.shape[1 + axis], (size[axis] - 1) * dilation[axis] + 1
        pad = (0, 0)
        if kind == "same":
            pad = same_padding(length, size[axis], stride[axis], dilation[axis])
        elif kind == "causal":
            pad = (extent - 1, 0)
        if extent > length + sum(pad):
            call.fail(f"its window of {extent} does not fit into {length} without padding")
        pads.append(pad)
        output.append((length + sum(pad) - extent) // stride[axis] + 1)
    (top, bottom), (left, right) = pads
    return Window(stride, dilation, Padding(top, bottom, left, right), (output[0], output[1]))


def strides(call: Call, rank: int, default: int | None = 1) -> tuple[int, ...]:
    return call.sizes("strides", rank, default)


def as_image(call: Call, x: Tensor) -> Tensor:
    """(N, L, C) as an image of one row; (N, H, W, C) as it is."""
    if len(x.shape) == 4:
        return x
    n, length, channels = x.shape
    return call.emit(Reshape(), [x], (n, 1, length, channels))


def from_image(call: Call, x: Tensor, rank: int) -> Tensor:
    """An image of one row as (N, L, C) again."""
    if rank == 4:
        return x
    n, _, length, channels = x.shape
    return call.emit(Reshape(), [x], (n, length, channels))


def pair(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Sizes along (rows, columns); one dimension lies along the columns."""
    return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])
