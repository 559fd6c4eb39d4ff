"""Windows that slide over an image: strides, dilation, TensorFlow's padding made explicit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from smidgen.graph import Tensor
from smidgen.graph.operators import Padding, same_padding
from smidgen.importers.tflite.call import Call
from smidgen.importers.tflite.tensors import MAX_ELEMENTS

SAME, VALID = 0, 1
_MAX_STEP = 1 << 15


@dataclass(frozen=True)
class Window:
    """All pairs are (rows, columns); output: the number of positions."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding
    output: tuple[int, int]


def window(call: Call, x: Tensor, size: tuple[int, ...], dilated: bool = True) -> Window:
    """Where a window of `size` (rows, columns) stands on x (N, H, W, C), from the operator's options."""
    stride, kind = options_of(call)
    dilation = (1, 1)
    if dilated:
        dilation = (_step(call, "DilationHFactor", "dilation"), _step(call, "DilationWFactor", "dilation"))
    pads, output = [], []
    for axis in (0, 1):
        extent = (size[axis] - 1) * dilation[axis] + 1
        length = x.shape[1 + axis]
        if kind == SAME:
            pads.append(same_padding(length, size[axis], stride[axis], dilation[axis]))
            output.append(-(-length // stride[axis]))
        else:
            if extent > length:
                call.fail(f"a window of {extent} does not fit into {length} without padding")
            pads.append((0, 0))
            output.append((length - extent) // stride[axis] + 1)
    padded = [x.shape[1 + axis] + sum(pads[axis]) for axis in (0, 1)]
    if math.prod(padded) * x.shape[0] * x.shape[3] > MAX_ELEMENTS:
        call.fail(f"padding makes the input {padded[0]} x {padded[1]}, which is not sane")
    (top, bottom), (left, right) = pads
    return Window(stride, dilation, Padding(top, bottom, left, right), (output[0], output[1]))


def options_of(call: Call) -> tuple[tuple[int, int], int]:
    """(stride, SAME or VALID)"""
    stride = (_step(call, "StrideH", "stride"), _step(call, "StrideW", "stride"))
    kind = int(call.option("Padding"))
    if kind not in (SAME, VALID):
        call.fail(f"padding {kind} is neither SAME (0) nor VALID (1)")
    return stride, kind


def _step(call: Call, option: str, what: str) -> int:
    value = int(call.option(option))
    if not 1 <= value <= _MAX_STEP:
        call.fail(f"{what} {value} is outside 1..{_MAX_STEP}")
    return value
