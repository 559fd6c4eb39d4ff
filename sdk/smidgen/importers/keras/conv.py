"""Conv1D, Conv2D, DepthwiseConv, SeparableConv and their transposes."""

from __future__ import annotations

import numpy as np

from smidgen.graph import Tensor
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, Padding, Reshape, TransposeConv2D, same_padding
from smidgen.importers.keras.activation import activate
from smidgen.importers.keras.call import Call, layer
from smidgen.importers.keras.window import as_image, from_image, pair, strides, window


@layer("Conv1D", "Conv2D", makes=[Conv2D, Reshape])
def conv(call: Call) -> Tensor:
    rank, x = _image(call)
    filters, groups = call.integer("filters"), call.integer("groups", 1)
    channels = x.shape[3]
    if channels % groups or filters % groups:
        call.fail(f"{groups} groups do not divide {channels} inputs and {filters} filters")
    size = call.sizes("kernel_size", rank - 2)
    kernel = call.weight("kernel", (*size, channels // groups, filters))
    kernel = kernel.reshape(*pair(size), channels // groups, filters).transpose(3, 0, 1, 2)
    place = _window(call, x, rank, size)
    y = call.emit(
        Conv2D(place.stride, place.dilation, place.padding),
        [x, call.constant("kernel", kernel), _bias(call, filters)],
        (x.shape[0], *place.output, filters),
    )
    return activate(call, from_image(call, y, rank))


@layer("DepthwiseConv1D", "DepthwiseConv2D", makes=[DepthwiseConv2D, Reshape])
def depthwise_conv(call: Call) -> Tensor:
    # Some Keras 2 files carry `groups`, which says nothing here and which Keras 3 therefore does not load.
    rank, x = _image(call)
    y = _depthwise(call, x, rank)
    return activate(call, from_image(call, y, rank))


@layer("SeparableConv1D", "SeparableConv2D", makes=[DepthwiseConv2D, Conv2D, Reshape])
def separable_conv(call: Call) -> Tensor:
    rank, x = _image(call)
    filters = call.integer("filters")
    between = _depthwise(call, x, rank, with_bias=False)
    depth = between.shape[3]
    kernel = call.weight("pointwise_kernel", (*[1] * (rank - 2), depth, filters)).reshape(
        1, 1, depth, filters
    )
    y = call.emit(
        Conv2D(),
        [between, call.constant("pointwise_kernel", kernel.transpose(3, 0, 1, 2)), _bias(call, filters)],
        (*between.shape[:3], filters),
    )
    return activate(call, from_image(call, y, rank))


@layer("Conv1DTranspose", "Conv2DTranspose", makes=[TransposeConv2D, Reshape])
def conv_transpose(call: Call) -> Tensor:
    rank, x = _image(call)
    filters, channels = call.integer("filters"), x.shape[3]
    size = call.sizes("kernel_size", rank - 2)
    kernel = call.weight("kernel", (*size, filters, channels)).reshape(*pair(size), filters, channels)
    kernel = _dilated(kernel, pair(call.sizes("dilation_rate", rank - 2, 1))).transpose(2, 0, 1, 3)
    step = pair(strides(call, rank - 2))
    extra = (None, None)
    if call.option("output_padding") is not None:
        listed = call.sizes("output_padding", rank - 2, low=0)
        extra = (None, listed[0]) if rank == 3 else listed
    same = _same(call)
    lengths, pads = [], []
    for axis in (0, 1):
        extent = kernel.shape[1 + axis]
        length = _transposed_length(x.shape[1 + axis], extent, step[axis], same, extra[axis])
        if length < 1 or (same and -(-length // step[axis]) != x.shape[1 + axis]):
            call.fail(f"its output_padding {extra[axis]} does not go with strides of {step[axis]}")
        lengths.append(length)
        pads.append(same_padding(length, extent, step[axis], 1)[0] if same else 0)
    y = call.emit(
        TransposeConv2D(step, Padding(top=pads[0], left=pads[1])),
        [x, call.constant("kernel", kernel), _bias(call, filters)],
        (x.shape[0], *lengths, filters),
    )
    return activate(call, from_image(call, y, rank))


def _transposed_length(length: int, extent: int, stride: int, same: bool, extra: int | None) -> int:
    """How long Keras makes the output of a transposed convolution (`deconv_output_length`)."""
    if extra is not None:
        return (length - 1) * stride + extent - 2 * (extent // 2 if same else 0) + extra
    return length * stride if same else (length - 1) * stride + max(extent, stride)


def _same(call: Call) -> bool:
    kind = call.text("padding", "valid")
    if kind not in ("valid", "same"):
        call.fail(f"its padding is {kind!r} instead of 'valid' or 'same'")
    return kind == "same"


def _dilated(kernel: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    """The kernel (rows, columns, ...) with zeros between its elements."""
    if dilation == (1, 1):
        return kernel
    rows, columns = ((kernel.shape[axis] - 1) * dilation[axis] + 1 for axis in (0, 1))
    wide = np.zeros((rows, columns, *kernel.shape[2:]), kernel.dtype)
    wide[:: dilation[0], :: dilation[1]] = kernel
    return wide


def _depthwise(call: Call, x: Tensor, rank: int, with_bias: bool = True) -> Tensor:
    multiplier, channels = call.integer("depth_multiplier", 1), x.shape[3]
    size = call.sizes("kernel_size", rank - 2)
    kernel = call.weight("depthwise_kernel", (*size, channels, multiplier))
    kernel = kernel.reshape(1, *pair(size), channels * multiplier)
    place = _window(call, x, rank, size)
    bias = _bias(call, channels * multiplier) if with_bias else None
    return call.emit(
        DepthwiseConv2D(place.stride, place.dilation, place.padding),
        [x, call.constant("depthwise_kernel", kernel), bias],
        (x.shape[0], *place.output, channels * multiplier),
    )


def _image(call: Call) -> tuple[int, Tensor]:
    """(3 or 4: the rank that the layer works on, its input as an image)."""
    call.refuse_channels_first()
    rank = 3 if "1D" in call.layer.class_name else 4
    call.expect_rank(call.x, rank)
    call.expect_float(call.x)
    return rank, as_image(call, call.x)


def _window(call: Call, x: Tensor, rank: int, size: tuple[int, ...]):
    return window(
        call, x, pair(size), pair(strides(call, rank - 2)), pair(call.sizes("dilation_rate", rank - 2, 1))
    )


def _bias(call: Call, count: int) -> Tensor | None:
    return call.constant("bias", call.weight("bias", (count,))) if call.flag("use_bias", True) else None
