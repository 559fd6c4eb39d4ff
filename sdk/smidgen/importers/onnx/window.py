"""Where the windows of convolutions and pools lie: kernel, strides, dilations and padding, per spatial
axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from smidgen.graph import Tensor
from smidgen.graph.operators import Padding
from smidgen.importers.onnx.call import Call
from smidgen.importers.onnx.constants import check_shape

_LARGEST = 1 << 15


@dataclass(frozen=True)
class Windows:
    """All (rows, columns). pads: (before, after) as the file says; output: how many windows there are."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[tuple[int, int], tuple[int, int]]
    output: tuple[int, int]

    def padding(self, sizes: tuple[int, int]) -> Padding:
        """The padding that the windows reach into; none where the last ones end inside of the input."""
        ends = []
        for axis in range(2):
            reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1
            last = (self.output[axis] - 1) * self.stride[axis] + reach
            ends.append(max(last - sizes[axis] - self.pads[axis][0], 0))
        return Padding(self.pads[0][0], ends[0], self.pads[1][0], ends[1])


def spatial_integers(call: Call, name: str, spatial: int, default: int) -> tuple[int, int]:
    """An attribute with one number per spatial axis, as (rows, columns)."""
    values = call.attribute(name, [default] * spatial)
    if len(values) != spatial or not all(1 <= value <= _LARGEST for value in values):
        call.fail(f"its attribute '{name}' is {values}; {spatial} positive numbers are needed")
    return (1, values[0]) if spatial == 1 else (values[0], values[1])


def explicit_pads(call: Call, spatial: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The attribute 'pads': all begins, then all ends."""
    pads = call.attribute("pads", [0] * 2 * spatial)
    if len(pads) != 2 * spatial or not all(0 <= pad <= _LARGEST for pad in pads):
        call.fail(f"its attribute 'pads' is {pads}; {2 * spatial} numbers from 0 are needed")
    pairs = tuple(zip(pads[:spatial], pads[spatial:], strict=True))
    return ((0, 0), pairs[0]) if spatial == 1 else (pairs[0], pairs[1])


def windows(call: Call, x: Tensor, kernel: tuple[int, int], spatial: int) -> Windows:
    """Of an operator on images x (N, H, W, C); a signal is an image of one row."""
    sizes = x.shape[1:3]
    stride = spatial_integers(call, "strides", spatial, 1)
    dilation = spatial_integers(call, "dilations", spatial, 1)
    auto = call.attribute("auto_pad", "NOTSET")
    round_up = call.attribute("ceil_mode", 0) != 0
    pads = [*explicit_pads(call, spatial)]
    output = []
    for axis in range(2):
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            total = max((-(-sizes[axis] // stride[axis]) - 1) * stride[axis] + reach - sizes[axis], 0)
            small, large = total // 2, total - total // 2
            pads[axis] = (small, large) if auto == "SAME_UPPER" else (large, small)
        elif auto == "VALID":
            pads[axis] = (0, 0)
        elif auto != "NOTSET":
            call.fail(f"its attribute 'auto_pad' is {auto!r}")
        before, after = pads[axis]
        steps = (sizes[axis] + before + after - reach) / stride[axis]
        count = (math.ceil(steps) if round_up else math.floor(steps)) + 1
        if round_up and (count - 1) * stride[axis] >= sizes[axis] + before:
            count -= 1  # no window starts in the padding behind the input
        if count < 1:
            call.fail(
                f"its windows of {reach} do not fit {sizes[axis]} positions with padding {before} and {after}"
            )
        output.append(count)
    padded = [size + sum(pad) for size, pad in zip(sizes, pads, strict=True)]
    check_shape((x.shape[0], *padded, x.shape[3]))
    return Windows(kernel, stride, dilation, (pads[0], pads[1]), (output[0], output[1]))
