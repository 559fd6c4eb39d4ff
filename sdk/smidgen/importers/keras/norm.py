"""Normalizations. Batch normalization is a product and a sum, which fold into the layer before it."""

from __future__ import annotations

import numpy as np

from smidgen.graph import Tensor
from smidgen.graph.operators import Add, InstanceNorm, LayerNorm, Mul, RmsNorm
from smidgen.importers.keras.call import Call, layer


@layer("BatchNormalization", makes=[Mul, Add])
def batch_normalization(call: Call) -> Tensor:
    """With the moving mean and variance, as at inference."""
    x = call.x
    call.expect_float(x)
    axis = call.axis(call.option("axis", -1), len(x.shape))
    channels = x.shape[axis]
    gamma = call.weight("gamma", (channels,)) if call.flag("scale", True) else np.ones(channels)
    beta = call.weight("beta", (channels,)) if call.flag("center", True) else np.zeros(channels)
    mean, variance = call.weight("moving_mean", (channels,)), call.weight("moving_variance", (channels,))
    epsilon = _epsilon(call)
    if (variance + epsilon <= 0).any():
        call.fail("its moving variance plus epsilon is not positive")
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    offset = beta - mean * scale
    shape = (channels,) + (1,) * (len(x.shape) - axis - 1)
    y = call.emit(Mul(), [x, call.constant("scale", scale.reshape(shape))], x.shape)
    return call.emit(Add(), [y, call.constant("offset", offset.reshape(shape))], x.shape)


@layer("LayerNormalization", makes=[LayerNorm])
def layer_normalization(call: Call) -> Tensor:
    x, count = call.x, _last_axes(call)
    if call.flag("rms_scaling"):
        call.fail("has rms_scaling, which Keras itself calls wrong", "use RMSNormalization")
    shape = x.shape[-count:]
    gamma = call.constant("gamma", call.weight("gamma", shape)) if call.flag("scale", True) else None
    beta = call.constant("beta", call.weight("beta", shape)) if call.flag("center", True) else None
    return call.emit(LayerNorm(count, _epsilon(call)), [x, gamma, beta], x.shape)


@layer("RMSNormalization", makes=[RmsNorm])
def rms_normalization(call: Call) -> Tensor:
    x, count = call.x, _last_axes(call)
    scale = call.constant("scale", call.weight("scale", x.shape[-count:]))
    return call.emit(RmsNorm(count, _epsilon(call, 1e-6)), [x, scale], x.shape)


@layer("GroupNormalization", makes=[InstanceNorm, LayerNorm])
def group_normalization(call: Call) -> Tensor:
    """With one channel in a group (instance normalization), or all in one."""
    x = call.x
    call.expect_float(x)
    call.expect_rank(x, 3, 4)
    if call.axis(call.option("axis", -1), len(x.shape)) != len(x.shape) - 1:
        call.fail("normalizes an axis that is not the last")
    channels = x.shape[-1]
    groups = channels if call.option("groups") == -1 else call.integer("groups", 32)
    gamma = call.weight("gamma", (channels,)) if call.flag("scale", True) else np.ones(channels)
    beta = call.weight("beta", (channels,)) if call.flag("center", True) else np.zeros(channels)
    if groups == channels:
        operator = InstanceNorm(_epsilon(call))
    elif groups == 1:
        operator = LayerNorm(len(x.shape) - 1, _epsilon(call))
        gamma, beta = (np.broadcast_to(array, x.shape[1:]) for array in (gamma, beta))
    else:
        call.fail(
            f"has {groups} groups of {channels} channels",
            f"supported are groups=-1 (or {channels}: instance normalization) and groups=1",
        )
    return call.emit(operator, [x, call.constant("gamma", gamma), call.constant("beta", beta)], x.shape)


def _last_axes(call: Call) -> int:
    """How many axes at the end are normalized together."""
    call.expect_float(call.x)
    rank = len(call.x.shape)
    axes = call.axes(call.option("axis", -1), rank)
    if axes != tuple(range(rank - len(axes), rank)) or 0 in axes:
        call.fail(f"normalizes axes {list(axes)} of {rank}; only the last ones are supported")
    return len(axes)


def _epsilon(call: Call, default: float = 1e-3) -> float:
    epsilon = call.number("epsilon", default)
    if epsilon < 0:
        call.fail(f"its epsilon is {epsilon:g}, which is negative")
    return epsilon
