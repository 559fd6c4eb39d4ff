"""Activations: as layers of their own, as options of other layers, and as operations.

A RELU, or one that is clipped as graphs know it, is fused into the operator before it afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import (
    Clip,
    Compare,
    Comparison,
    Elu,
    Exp,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Logistic,
    Mul,
    Neg,
    Operator,
    Prelu,
    Relu,
    Relu6,
    Select,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    Sub,
    Tanh,
    Transpose,
)
from smidgen.importers.keras.call import LAYERS, OPERATIONS, Call, layer, operation

# Klambauer et al.: Self-Normalizing Neural Networks, arXiv 1706.02515.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
_OLD_HARD_SIGMOID = HardSigmoid(0.2, 0.5)  # before Keras 3

_SIMPLE: dict[str, Operator] = {
    "relu": Relu(), "relu6": Relu6(), "sigmoid": Logistic(), "tanh": Tanh(), "elu": Elu(), "silu": Silu(),
    "swish": Silu(), "hard_silu": HardSwish(), "hard_swish": HardSwish(), "hard_sigmoid": HardSigmoid(),
    "hard_tanh": Clip(-1, 1), "softplus": Softplus(), "softsign": Softsign(), "gelu": Gelu(),
    "leaky_relu": LeakyRelu(0.2), "exponential": Exp(),
}  # fmt: skip


def activate(call: Call, x: Tensor, option: str = "activation") -> Tensor:
    """x after the activation that an option of the layer names."""
    value = call.option(option)
    if value is None:
        return x
    if isinstance(value, Mapping):
        return _activation_object(call, x, value)
    if not isinstance(value, str):
        call.fail(f"its {option} is {str(value)[:80]!r} instead of a name")
    return _named(call, x, value)


def _named(call: Call, x: Tensor, name: str) -> Tensor:
    match name:
        case "linear":
            return x
        case "softmax":
            return _softmax(call, x, -1)
        case "selu":
            return _times(call, _unary(call, Elu(_SELU_ALPHA), x), _SELU_SCALE)
        case "mish":
            curve = _unary(call, Tanh(), _unary(call, Softplus(), x))
            return call.emit(Mul(), [x, curve], x.shape)
        case "log_sigmoid":  # -softplus(-x), which does not vanish as the logistic function does
            return _unary(call, Neg(), _unary(call, Softplus(), _unary(call, Neg(), x)))
        case "hard_sigmoid" if call.keras_version == 2:
            return _unary(call, _OLD_HARD_SIGMOID, x)
    if name not in _SIMPLE:
        call.fail(
            f"its activation '{name[:80]}' is not supported",
            f"supported are {', '.join(sorted(_ALL_NAMES))}",
        )
    return _unary(call, _SIMPLE[name], x)


_ALL_NAMES = {*_SIMPLE, "linear", "softmax", "selu", "mish", "log_sigmoid"}
_ALL = [
    *{type(operator): None for operator in _SIMPLE.values()}, Softmax, Mul, Neg, Transpose,
]  # fmt: skip


def _activation_object(call: Call, x: Tensor, value: Mapping) -> Tensor:
    """An activation that is a function, or a layer such as LeakyReLU, written out."""
    class_name, config = value.get("class_name"), value.get("config")
    if class_name == "function" and isinstance(config, str) and config in _ALL_NAMES:
        return _named(call, x, config)
    importer = LAYERS.get(str(class_name))
    if importer is None or importer.family != "activation" or not isinstance(config, Mapping):
        call.fail(
            f"its activation is {str(config or class_name)[:80]!r}, which is code of your own",
            "use one of Keras",
        )
    result = importer.function(call.within(config, x))
    assert isinstance(result, Tensor)
    return result


@layer("Activation", makes=_ALL)
def activation(call: Call) -> Tensor:
    return activate(call, call.x)


@layer("ReLU", makes=[Relu, Relu6, Clip, LeakyRelu, Compare, Select, Sub, Mul])
def relu(call: Call) -> Tensor:
    """Keras's formula: x over the threshold, at most max_value; below it negative_slope * (x - threshold)."""
    x = call.x
    slope, threshold = call.number("negative_slope", 0.0), call.number("threshold", 0.0)
    largest = math.inf if call.option("max_value") is None else call.number("max_value", 0.0)
    if slope and largest == math.inf and not threshold:
        return _unary(call, LeakyRelu(slope), x)
    y = x
    if threshold:
        limit = call.constant("threshold", np.float32(threshold))
        above = call.emit(Compare(Comparison.GREATER), [x, limit], x.shape, DType.BOOL)
        y = call.emit(Select(), [above, x, call.constant("zero", np.float32(0))], x.shape, x.dtype)
    if not threshold or largest != math.inf:
        y = _unary(call, _clip(0.0, largest), y)
    if not slope:
        return y
    limit = call.constant("threshold", np.float32(threshold))
    below = _unary(call, Relu(), call.emit(Sub(), [limit, x], x.shape))
    return call.emit(Sub(), [y, _times(call, below, slope)], x.shape)


@layer("LeakyReLU", makes=[LeakyRelu])
def leaky_relu(call: Call) -> Tensor:
    name = "alpha" if "alpha" in call.layer.config else "negative_slope"
    return _unary(call, LeakyRelu(call.number(name, 0.3)), call.x)


@layer("PReLU", makes=[Prelu])
def prelu(call: Call) -> Tensor:
    x = call.x
    shared = call.option("shared_axes") or ()
    axes = {
        call.axis(axis, len(x.shape)) for axis in (shared if isinstance(shared, list | tuple) else [shared])
    }
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape) if axis)
    alpha = call.weight("alpha", shape)
    return call.emit(Prelu(), [x, call.constant("alpha", alpha)], x.shape)


@layer("ELU", makes=[Elu])
def elu(call: Call) -> Tensor:
    return _unary(call, Elu(call.number("alpha", 1.0)), call.x)


@layer("Softmax", makes=[Softmax, Transpose])
def softmax(call: Call) -> Tensor:
    call.refuse_argument("mask")
    return _softmax(call, call.x, call.option("axis", -1))


def _softmax(call: Call, x: Tensor, axis: object) -> Tensor:
    """Over any axis, which is brought to the end."""
    rank, position = len(x.shape), call.axis(axis, len(x.shape))
    call.expect_float(x)
    if position == rank - 1:
        return call.emit(Softmax(), [x], x.shape)
    order = [*range(rank)]
    order[position], order[-1] = order[-1], order[position]
    shape = [x.shape[one] for one in order]
    turned = call.emit(Transpose(tuple(order)), [x], shape)
    turned = call.emit(Softmax(), [turned], shape)
    return call.emit(Transpose(tuple(order)), [turned], x.shape)


def _operation(name: str, make: Callable[[Call], Operator], *makes: type[Operator]) -> None:
    operation(name, makes=makes)(lambda call: _unary(call, make(call), call.x))


for _class_name, _name in {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Tanh": "tanh", "Silu": "silu",
    "HardSilu": "hard_silu", "HardSigmoid": "hard_sigmoid", "HardTanh": "hard_tanh", "Softplus": "softplus",
    "Softsign": "softsign",
}.items():  # fmt: skip
    _operation(_class_name, lambda call, name=_name: _SIMPLE[name], type(_SIMPLE[_name]))
_operation("Gelu", lambda call: Gelu(call.flag("approximate", True)), Gelu)
_operation("Elu", lambda call: Elu(call.number("alpha", 1.0)), Elu)
_operation("LeakyRelu", lambda call: LeakyRelu(call.number("negative_slope", 0.2)), LeakyRelu)
OPERATIONS["Softmax"] = LAYERS["Softmax"]


@operation("Clip", makes=[Relu, Relu6, Clip])
def clip(call: Call) -> Tensor:
    return _unary(call, _clip(call.number("x_min", 0.0), call.number("x_max", 0.0)), call.x)


def _clip(low: float, high: float) -> Operator:
    if low == 0 and high in (6, math.inf):
        return Relu() if high == math.inf else Relu6()
    return Clip(low, high)


def _unary(call: Call, operator: Operator, x: Tensor) -> Tensor:
    call.expect_float(x)
    return call.emit(operator, [x], x.shape)


def _times(call: Call, x: Tensor, factor: float) -> Tensor:
    return call.emit(Mul(), [x, call.constant("factor", np.float32(factor))], x.shape)
