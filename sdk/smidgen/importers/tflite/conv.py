"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Conv2D, DepthwiseConv2D
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.weights import check_accumulator, check_bias, check_weights
from smidgen.importers.tflite.window import window


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


def _operands(call: Call) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    call.expect(inputs=(2, 3))
    x, weights, bias, y = call.input(0), call.input(1, "weights"), call.optional_input(2), call.outputs[0]
    call.expect_rank(x, 4)
    call.expect_rank(weights, 4, "weights")
    return x, weights, bias, y


def _check(
    call: Call, x: Tensor, weights: Tensor, bias: Tensor | None, y: Tensor, channel_axis: int
) -> tuple[Tensor, Tensor | None]:
    dtype = call.expect_types(x, y)
    weights = check_weights(call, weights, dtype, channel_axis)
    bias = check_bias(call, bias, x, weights, y, channel_axis)
    if dtype is DType.I8:
        check_accumulator(call, x, weights, bias, y, channel_axis)
    return weights, bias
