"""CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV."""

from __future__ import annotations

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, Padding, TransposeConv2D, same_padding
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.weights import check_accumulator, check_bias, check_weights
from smidgen.importers.tflite.window import SAME, options_of, window


@importer("CONV_2D", "Conv2DOptions")
def conv_2d(call: Call) -> None:
    x, weights, bias, y = _operands(call)
    if x.shape[3] % weights.shape[3]:
        call.fail(f"{x.shape[3]} input channels cannot be split into groups of {weights.shape[3]}")
    groups = x.shape[3] // weights.shape[3]
    channels = weights.shape[0]
    if channels % groups:
        call.fail(f"{channels} output channels cannot be split into {groups} groups")
    weights, bias = _check(call, x, weights, bias, y, channel_axis=0)
    place = window(call, x, weights.shape[1:3])
    call.expect_shape(y, (x.shape[0], *place.output, channels))
    operator = Conv2D(place.stride, place.dilation, place.padding, call.activation(y))
    call.emit(operator, [x, weights, bias], [y])


@importer("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions")
def depthwise_conv_2d(call: Call) -> None:
    x, weights, bias, y = _operands(call)
    channels = weights.shape[3]
    multiplier = call.option("DepthMultiplier")
    if weights.shape[0] != 1 or channels != x.shape[3] * multiplier:
        call.fail(
            f"weights {list(weights.shape)} do not follow from {x.shape[3]} input channels and a depth "
            f"multiplier of {multiplier}"
        )
    weights, bias = _check(call, x, weights, bias, y, channel_axis=3)
    place = window(call, x, weights.shape[1:3])
    call.expect_shape(y, (x.shape[0], *place.output, channels))
    operator = DepthwiseConv2D(place.stride, place.dilation, place.padding, call.activation(y))
    call.emit(operator, [x, weights, bias], [y])


@importer("TRANSPOSE_CONV", "TransposeConvOptions")
def transpose_conv(call: Call) -> None:
    """The file's operator computes what the convolution of its output, with its stride, has as input."""
    call.expect(inputs=(3, 4))
    weights, x, bias, y = call.input(1, "weights"), call.input(2), call.optional_input(3), call.outputs[0]
    call.expect_rank(x, 4)
    call.expect_rank(weights, 4, "weights")
    channels, kernel = weights.shape[0], weights.shape[1:3]
    if weights.shape[3] != x.shape[3]:
        call.fail(f"weights {list(weights.shape)} do not fit {x.shape[3]} input channels")
    weights, bias = _check(call, x, weights, bias, y, channel_axis=0)
    shape = tuple(int(size) for size in call.parameter(0, "output shape"))
    call.expect_shape(y, shape)
    if len(shape) != 4 or (shape[0], shape[3]) != (x.shape[0], channels):
        call.fail(f"output shape {list(shape)} does not fit {x.shape[0]} images of {channels} channels")
    stride, padding = options_of(call)
    before = []
    for axis in (0, 1):
        size, step = shape[1 + axis], stride[axis]
        positions = -(-size // step) if padding == SAME else (size - kernel[axis]) // step + 1
        if positions != x.shape[1 + axis]:
            call.fail(
                f"an output of {size} has {positions} positions of a window of {kernel[axis]} with stride "
                f"{step}, but the input has {x.shape[1 + axis]}"
            )
        before.append(same_padding(size, kernel[axis], step, 1)[0] if padding == SAME else 0)
    operator = TransposeConv2D(stride, Padding(top=before[0], left=before[1]), call.activation(y))
    call.emit(operator, [x, weights, bias], [y])


def _operands(call: Call) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    call.expect(inputs=(2, 3))
    x, weights, bias, y = call.input(0), call.input(1, "weights"), call.optional_input(2), call.outputs[0]
    call.expect_rank(x, 4)
    call.expect_rank(weights, 4, "weights")
    return x, weights, bias, y


def _check(
    call: Call, x: Tensor, weights: Tensor, bias: Tensor | None, y: Tensor, channel_axis: int
) -> tuple[Tensor, Tensor | None]:
    dtype = call.expect_types(x, y, wide=True)
    weights = check_weights(call, weights, dtype, channel_axis)
    bias = check_bias(call, bias, x, weights, y, channel_axis)
    if dtype is not DType.F32:
        check_accumulator(call, x, weights, bias, y, channel_axis)
    return weights, bias
