"""Normalizations."""

from __future__ import annotations

import math

import numpy as np

from smidgen.graph import Tensor
from smidgen.graph.operators import (
    Add,
    Div,
    InstanceNorm,
    LayerNorm,
    Mean,
    Mul,
    RmsNorm,
    Rsqrt,
    Sqrt,
    Square,
    Sub,
)
from smidgen.importers.onnx.call import Call, importer


@importer("BatchNormalization", makes=(Mul, Add))
def batch_normalization(call: Call) -> Tensor:
    """A factor and a summand per channel, which fold into the layer before where there is one."""
    call.expect_inputs(5)
    if call.attribute("training_mode", 0):
        call.fail("is in training mode", "export the model for inference (PyTorch: model.eval())")
    x = call.floats(0)
    if len(x.shape) < 2:
        call.fail(f"its input has shape {list(x.shape)}; (N, C, ...) is needed")
    roles = ("scale", "bias", "mean", "variance")
    scale, bias, mean, variance = (
        _per_channel(call, 1 + place, role, x.shape[1]).astype(np.float64) for place, role in enumerate(roles)
    )
    deviation = np.sqrt(variance + call.attribute("epsilon", 1e-5))
    if not (deviation > 0).all():
        call.fail("a variance is negative")
    shape = (1, -1, *[1] * (len(x.shape) - 2))
    factor = call.new_constant((scale / deviation).astype(np.float32).reshape(shape))
    summand = call.new_constant((bias - mean * scale / deviation).astype(np.float32).reshape(shape))
    return call.emit(Add(), [call.emit(Mul(), [x, factor], x.shape), summand], x.shape)


@importer("LayerNormalization", makes=(LayerNorm, Mean, Sub, Square, Add, Rsqrt))
def layer_normalization(call: Call) -> list[Tensor]:
    """Its further outputs, the mean and the inverse of the deviation, are computed apart where they are
    asked for."""
    call.expect_inputs(2, 3)
    x, count = _last_axes(call)
    gamma = _parameter(call, 1, "scale", x.shape[-count:])
    beta = _parameter(call, 2, "bias", x.shape[-count:]) if call.has(2) else None
    epsilon = call.attribute("epsilon", 1e-5)
    y = call.emit(LayerNorm(count, epsilon), [x, gamma, beta], x.shape)
    if not any(call.file.output[1:]):
        return [y]
    rank = len(x.shape)
    axes, kept = tuple(range(rank - count, rank)), (*x.shape[: rank - count], *[1] * count)
    mean = call.emit(Mean(axes, True), [x], kept)
    squares = call.emit(Square(), [call.emit(Sub(), [x, mean], x.shape)], x.shape)
    variance = call.emit(Mean(axes, True), [squares], kept)
    inverse = call.emit(Rsqrt(), [call.emit(Add(), [variance, call.scalar(epsilon)], kept)], kept)
    return [y, mean, inverse]


@importer("RMSNormalization", makes=(RmsNorm,))
def rms_normalization(call: Call) -> Tensor:
    call.expect_inputs(2)
    x, axes = _last_axes(call)
    gamma = _parameter(call, 1, "scale", x.shape[-axes:])
    return call.emit(RmsNorm(axes, call.attribute("epsilon", 1e-5)), [x, gamma], x.shape)


@importer("InstanceNormalization", makes=(InstanceNorm,))
def instance_normalization(call: Call) -> Tensor:
    call.expect_inputs(3)
    x = call.floats(0)
    if len(x.shape) < 3:
        call.fail(f"its input has shape {list(x.shape)}; (N, C, ...) is needed")
    gamma = call.new_constant(_per_channel(call, 1, "scale", x.shape[1]))
    beta = call.new_constant(_per_channel(call, 2, "bias", x.shape[1]))
    x = call.channels_last(x)
    y = call.emit(InstanceNorm(call.attribute("epsilon", 1e-5)), [x, gamma, beta], x.shape)
    return call.channels_first(y)


@importer("GroupNormalization", makes=(LayerNorm, Mul, Add))
def group_normalization(call: Call) -> Tensor:
    """Each group of channels is one row to normalize; scale and bias follow."""
    call.expect_inputs(3)
    x, groups = call.floats(0), call.attribute("num_groups", 0)
    if len(x.shape) < 3 or groups < 1 or x.shape[1] % groups:
        call.fail(
            f"its input has shape {list(x.shape)}, which cannot be split into {groups} groups of channels"
        )
    # Operator set 18 had one scale per group, which later ones call wrong.
    size = x.shape[1] if call.opset >= 21 else groups
    shape = (1, x.shape[1], *[1] * (len(x.shape) - 2))
    gamma, beta = (
        call.new_constant(np.repeat(_per_channel(call, place, role, size), x.shape[1] // size).reshape(shape))
        for place, role in ((1, "scale"), (2, "bias"))
    )
    rows = call.reshape(x, (x.shape[0], groups, math.prod(x.shape[1:]) // groups))
    normal = call.emit(LayerNorm(1, call.attribute("epsilon", 1e-5)), [rows, None, None], rows.shape)
    scaled = call.emit(Mul(), [call.reshape(normal, x.shape), gamma], x.shape)
    return call.emit(Add(), [scaled, beta], x.shape)


@importer("MeanVarianceNormalization", makes=(Mean, Sub, Square, Sqrt, Add, Div))
def mean_variance_normalization(call: Call) -> Tensor:
    """(x - mean) / (deviation + 1e-9)."""
    call.expect_inputs(1)
    x = call.floats(0)
    axes = call.axes(call.attribute("axes", [0, 2, 3]), len(x.shape))
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    centred = call.emit(Sub(), [x, call.emit(Mean(axes, True), [x], kept)], x.shape)
    squares = call.emit(Square(), [centred], x.shape)
    deviation = call.emit(Sqrt(), [call.emit(Mean(axes, True), [squares], kept)], kept)
    return call.emit(Div(), [centred, call.emit(Add(), [deviation, call.scalar(1e-9)], kept)], x.shape)


def _last_axes(call: Call) -> tuple[Tensor, int]:
    """The input, and how many of its last axes are normalized."""
    x = call.floats(0)
    if not x.shape:
        call.fail("its input is a scalar")
    return x, len(x.shape) - call.axis(call.attribute("axis", -1), len(x.shape))


def _per_channel(call: Call, index: int, role: str, channels: int) -> np.ndarray:
    array = call.constant(index, role)
    if array.dtype != np.float32 or array.shape != (channels,):
        call.fail(
            f"its {role} has type {array.dtype} and shape {list(array.shape)}; "
            f"float32 and [{channels}] are needed"
        )
    return array


def _parameter(call: Call, index: int, role: str, shape: tuple[int, ...]) -> Tensor:
    """A constant in the shape of the axes that are normalized."""
    array = call.constant(index, role)
    try:
        values = np.broadcast_to(array.astype(np.float32), shape)
    except ValueError:
        call.fail(f"its {role} has shape {list(array.shape)}; {list(shape)} is needed")
    return call.new_constant(values, call.file.input[index])
