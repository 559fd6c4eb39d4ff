"""Activations, from operators of ONNX to those of the graph or to a few of them."""

from __future__ import annotations

import math

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
    Log,
    Logistic,
    Mul,
    Operator,
    Prelu,
    ReduceMax,
    Relu,
    Relu6,
    Select,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    Sub,
    Sum,
    Tanh,
)
from smidgen.importers.onnx.call import Call, importer


@importer("Relu", makes=(Relu,))
def relu(call: Call) -> Tensor:
    return _unary(call, Relu())


@importer("Sigmoid", makes=(Logistic,))
def sigmoid(call: Call) -> Tensor:
    return _unary(call, Logistic())


@importer("Tanh", makes=(Tanh,))
def tanh(call: Call) -> Tensor:
    return _unary(call, Tanh())


@importer("HardSwish", makes=(HardSwish,))
def hard_swish(call: Call) -> Tensor:
    return _unary(call, HardSwish())


@importer("Softplus", makes=(Softplus,))
def softplus(call: Call) -> Tensor:
    return _unary(call, Softplus())


@importer("LeakyRelu", makes=(LeakyRelu,))
def leaky_relu(call: Call) -> Tensor:
    return _unary(call, LeakyRelu(call.attribute("alpha", 0.01)))


@importer("Elu", makes=(Elu,))
def elu(call: Call) -> Tensor:
    return _unary(call, Elu(call.attribute("alpha", 1.0)))


@importer("HardSigmoid", makes=(HardSigmoid,))
def hard_sigmoid(call: Call) -> Tensor:
    return _unary(call, HardSigmoid(call.attribute("alpha", 0.2), call.attribute("beta", 0.5)))


@importer("Gelu", makes=(Gelu,))
def gelu(call: Call) -> Tensor:
    approximate = call.attribute("approximate", "none")
    if approximate not in ("none", "tanh"):
        call.fail(f"its attribute 'approximate' is {approximate!r}")
    return _unary(call, Gelu(approximate == "tanh"))


@importer("Swish", makes=(Silu, Logistic, Mul))
def swish(call: Call) -> Tensor:
    """x * sigmoid(alpha * x)."""
    alpha = call.attribute("alpha", 1.0)
    if alpha == 1:
        return _unary(call, Silu())
    x = _operand(call)
    scaled = call.emit(Mul(), [x, call.scalar(alpha)], x.shape)
    return call.emit(Mul(), [x, call.emit(Logistic(), [scaled], x.shape)], x.shape)


@importer("Selu", makes=(Elu, Mul))
def selu(call: Call) -> Tensor:
    """gamma * elu(x, alpha)."""
    x = _operand(call)
    y = call.emit(Elu(call.attribute("alpha", 1.6732632423543772)), [x], x.shape)
    return call.emit(Mul(), [y, call.scalar(call.attribute("gamma", 1.0507009873554805))], x.shape)


@importer("Celu", makes=(Elu, Mul))
def celu(call: Call) -> Tensor:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) = alpha * elu(x / alpha)."""
    x, alpha = _operand(call), call.attribute("alpha", 1.0)
    if alpha <= 0:
        call.fail(f"alpha {alpha} is not positive")
    if alpha == 1:
        return call.emit(Elu(1.0), [x], x.shape)
    scaled = call.emit(Mul(), [x, call.scalar(1 / alpha)], x.shape)
    return call.emit(Mul(), [call.emit(Elu(1.0), [scaled], x.shape), call.scalar(alpha)], x.shape)


@importer("Mish", makes=(Softplus, Tanh, Mul))
def mish(call: Call) -> Tensor:
    """x * tanh(softplus(x))."""
    x = _operand(call)
    gate = call.emit(Tanh(), [call.emit(Softplus(), [x], x.shape)], x.shape)
    return call.emit(Mul(), [x, gate], x.shape)


@importer("Softsign", makes=(Softsign,))
def softsign(call: Call) -> Tensor:
    return _unary(call, Softsign())


@importer("ThresholdedRelu", makes=(Compare, Select))
def thresholded_relu(call: Call) -> Tensor:
    """x where x > alpha, else 0."""
    x = _operand(call)
    above = call.emit(
        Compare(Comparison.GREATER), [x, call.scalar(call.attribute("alpha", 1.0))], x.shape, DType.BOOL
    )
    return call.emit(Select(), [above, x, call.scalar(0)], x.shape, x.dtype)


@importer("PRelu", makes=(Prelu,))
def prelu(call: Call) -> Tensor:
    call.expect_inputs(2)
    x, slope = call.floats(0), call.floats(1, "slope")
    if slope.data is None:
        call.fail("its slope is computed at run time, but must be constant")
    if call.broadcast(x, slope) != x.shape:
        call.fail(f"its slope has shape {list(slope.shape)}, which does not broadcast to {list(x.shape)}")
    return call.emit(Prelu(), [x, slope], x.shape)


@importer("Clip", makes=(Clip, Relu, Relu6))
def clip(call: Call) -> Tensor:
    call.expect_inputs(1, 3)
    x = call.floats(0)
    low, high = call.number(1, "minimum", -math.inf), call.number(2, "maximum", math.inf)
    # Exporters write the largest float32 where there is no bound.
    largest = float(np.finfo(np.float32).max)
    low, high = (-math.inf if low <= -largest else low), (math.inf if high >= largest else high)
    operator: Operator = Clip(min(low, high), high)
    if low == 0 and high in (6, math.inf):
        operator = Relu6() if high == 6 else Relu()
    return x if (low, high) == (-math.inf, math.inf) else call.emit(operator, [x], x.shape)


@importer("Softmax", makes=(Softmax,))
def softmax(call: Call) -> Tensor:
    x, back = _last_axis(call)
    return call.transpose(call.emit(Softmax(), [x], x.shape), back)


@importer("LogSoftmax", makes=(ReduceMax, Sub, Exp, Sum, Log))
def log_softmax(call: Call) -> Tensor:
    """x - max - log(sum(exp(x - max)))."""
    x, back = _last_axis(call)
    axis, row = (len(x.shape) - 1,), (*x.shape[:-1], 1)
    shifted = call.emit(Sub(), [x, call.emit(ReduceMax(axis, True), [x], row)], x.shape)
    total = call.emit(Sum(axis, True), [call.emit(Exp(), [shifted], x.shape)], row)
    y = call.emit(Sub(), [shifted, call.emit(Log(), [total], row)], x.shape)
    return call.transpose(y, back)


def _last_axis(call: Call) -> tuple[Tensor, tuple[int, ...]]:
    """The input with the attribute's axis last, and the permutation that puts it back."""
    x = _operand(call)
    rank = len(x.shape)
    axis = call.axis(call.attribute("axis", -1), rank)
    there = (*(other for other in range(rank) if other != axis), axis)
    return call.transpose(x, there), tuple(int(place) for place in np.argsort(there))


def _operand(call: Call) -> Tensor:
    call.expect_inputs(1)
    return call.floats(0)


def _unary(call: Call, operator: Operator) -> Tensor:
    x = _operand(call)
    return call.emit(operator, [x], x.shape)
