"""Conv and ConvTranspose."""

from __future__ import annotations

import numpy as np

from smidgen.graph import Tensor
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, Padding, TransposeConv2D
from smidgen.importers.onnx.call import Call, importer
from smidgen.importers.onnx.constants import check_shape
from smidgen.importers.onnx.window import explicit_pads, spatial_integers, windows


@importer("Conv", makes=(Conv2D, DepthwiseConv2D))
def conv(call: Call) -> Tensor:
    call.expect_inputs(2, 3)
    x, spatial = call.image()
    weights = _weights(call, spatial)
    out_channels, group_channels, *kernel = weights.shape
    channels, groups = x.shape[3], call.attribute("group", 1)
    if groups < 1 or group_channels * groups != channels or out_channels % groups:
        call.fail(f"weights {list(weights.shape)} do not suit {channels} input channels in {groups} groups")
    place = windows(call, x, (kernel[0], kernel[1]), spatial)
    padding = place.padding(x.shape[1:3])
    shape = (x.shape[0], *place.output, out_channels)
    if groups == channels > 1:
        weights = call.rearranged(weights, lambda data: data.transpose(1, 2, 3, 0), 3)
        operator = DepthwiseConv2D(place.stride, place.dilation, padding)
    else:
        weights = call.rearranged(weights, lambda data: data.transpose(0, 2, 3, 1), 0)
        operator = Conv2D(place.stride, place.dilation, padding)
    y = call.emit(operator, [x, weights, bias(call, 2, out_channels)], shape)
    return call.from_image(y, spatial)


@importer("ConvTranspose", makes=(TransposeConv2D,))
def conv_transpose(call: Call) -> Tensor:
    """Weights are (C, M / group, ...): groups become zeros of one large kernel, as dilations do."""
    call.expect_inputs(2, 3)
    x, spatial = call.image()
    weights = _weights(call, spatial)
    channels, group_channels, *kernel = weights.shape
    groups = call.attribute("group", 1)
    if channels != x.shape[3] or groups < 1 or channels % groups:
        call.fail(f"weights {list(weights.shape)} do not suit {x.shape[3]} input channels in {groups} groups")
    dilation = spatial_integers(call, "dilations", spatial, 1)
    stride = spatial_integers(call, "strides", spatial, 1)
    out_channels = group_channels * groups
    reach = tuple((size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True))
    check_shape((out_channels, *reach, channels))

    def dense(data: np.ndarray) -> np.ndarray:
        result = np.zeros((out_channels, *reach, channels), data.dtype)
        inputs = channels // groups
        for group in range(groups):
            own = data[group * inputs : (group + 1) * inputs].transpose(1, 2, 3, 0)
            rows = slice(group * group_channels, (group + 1) * group_channels)
            columns = slice(group * inputs, (group + 1) * inputs)
            result[rows, :: dilation[0], :: dilation[1], columns] = own
        return result

    if groups > 1 and weights.quantization is not None and weights.quantization.axis is not None:
        call.fail(
            "its weights are quantized per channel and grouped, which is not supported",
            "quantize them per tensor",
        )
    weights = call.rearranged(weights, dense, 0)
    padding, output = _transposed_place(call, x, weights.shape[1:3], stride, spatial)
    shape = (x.shape[0], *output, out_channels)
    y = call.emit(TransposeConv2D(stride, padding), [x, weights, bias(call, 2, out_channels)], shape)
    return call.from_image(y, spatial)


def _transposed_place(
    call: Call, x: Tensor, reach: tuple[int, ...], stride: tuple[int, int], spatial: int
) -> tuple[Padding, tuple[int, int]]:
    """What is cut off at the top and left, and the output's rows and columns."""
    extra = call.attribute("output_padding", [0] * spatial)
    wanted = call.attribute("output_shape", None)
    if len(extra) != spatial or not all(0 <= size < 1 << 15 for size in extra):
        call.fail(f"its attribute 'output_padding' is {extra}")
    if wanted is not None and (not isinstance(wanted, list) or len(wanted) != spatial):
        call.fail(f"its attribute 'output_shape' is {wanted}; {spatial} sizes are needed")
    auto = call.attribute("auto_pad", "NOTSET")
    pads = explicit_pads(call, spatial)
    begins, output = [0, 0], [1, 1]
    for axis in range(2):
        own = axis - (2 - spatial)  # its place in the attributes; a signal has no rows
        added = extra[own] if own >= 0 else 0
        full = stride[axis] * (x.shape[1 + axis] - 1) + added + reach[axis]
        before, after = pads[axis]
        if own >= 0 and (wanted is not None or auto in ("SAME_UPPER", "SAME_LOWER")):
            size = wanted[own] if wanted is not None else x.shape[1 + axis] * stride[axis]
            total = max(full - size, 0)
            before = total // 2 if auto == "SAME_UPPER" else total - total // 2
            output[axis] = size
        elif auto in ("NOTSET", "VALID"):
            before, after = (0, 0) if auto == "VALID" else (before, after)
            output[axis] = full - before - after
        begins[axis] = before
    return Padding(top=begins[0], left=begins[1]), (output[0], output[1])


def _weights(call: Call, spatial: int) -> Tensor:
    """Constant weights with two spatial axes, those of a signal with one row."""
    weights = call.floats(1, "weights")
    if weights.data is None:
        call.fail("its weights are computed at run time, but must be constant")
    if len(weights.shape) != 2 + spatial:
        call.fail(f"its weights have shape {list(weights.shape)}; {2 + spatial} dimensions are needed")
    kernel = call.attribute("kernel_shape", list(weights.shape[2:]))
    if tuple(kernel) != weights.shape[2:]:
        call.fail(
            f"its attribute 'kernel_shape' is {kernel}, but its weights have shape {list(weights.shape)}"
        )
    if spatial == 2:
        return weights
    axis = 0 if weights.quantization is None else weights.quantization.axis or 0
    return call.rearranged(weights, lambda data: data[:, :, None, :], axis)


def bias(call: Call, index: int, channels: int) -> Tensor | None:
    """A constant bias, one number per output channel."""
    if not call.has(index):
        return None
    tensor = call.floats(index, "bias")
    if tensor.data is None:
        call.fail("its bias is computed at run time, but must be constant")
    if tensor.shape != (channels,):
        call.fail(f"its bias has shape {list(tensor.shape)}; [{channels}] is needed")
    return tensor
