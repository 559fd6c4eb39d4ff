"""Arithmetic of two or more inputs that broadcast."""

from __future__ import annotations

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import (
    Add,
    Div,
    Maximum,
    Minimum,
    Mul,
    Operator,
    Pow,
    Reciprocal,
    Sqrt,
    Square,
    Sub,
)
from smidgen.importers.onnx.call import Call, importer


@importer("Add", makes=(Add,))
def add(call: Call) -> Tensor:
    return _two(call, Add())


@importer("Sub", makes=(Sub,))
def sub(call: Call) -> Tensor:
    return _two(call, Sub())


@importer("Mul", makes=(Mul,))
def mul(call: Call) -> Tensor:
    return _two(call, Mul())


@importer("Div", makes=(Div, Mul))
def div(call: Call) -> Tensor:
    """By a constant: a product with what it is the reciprocal of."""
    call.expect_inputs(2)
    a, b = call.floats(0), call.floats(1)
    shape = call.broadcast(a, b)
    if b.data is not None and b.quantization is None:
        with np.errstate(divide="ignore", over="ignore"):
            reciprocal = (1 / b.data.astype(np.float64)).astype(np.float32)
        if np.isfinite(reciprocal).all():
            return call.emit(Mul(), [a, call.new_constant(reciprocal, b.name)], shape)
    return call.emit(Div(), [a, b], shape)


@importer("Pow", makes=(Pow, Square, Sqrt, Reciprocal))
def power(call: Call) -> Tensor:
    call.expect_inputs(2)
    a, exponent = call.floats(0), call.tensor(1, "exponent")
    simple = {2.0: Square(), 0.5: Sqrt(), -1.0: Reciprocal()}
    if exponent.data is not None and exponent.quantization is None:
        if exponent.elements == 1 and len(exponent.shape) <= len(a.shape):
            value = float(exponent.data.reshape(-1)[0])
            if value == 1:
                return a
            if value in simple:
                return call.emit(simple[value], [a], a.shape)
        exponent = call.new_constant(exponent.data.astype(np.float32), exponent.name)
    if exponent.dtype is not DType.F32:
        call.fail(
            f"its exponent has type {exponent.dtype.value}; only f32 is supported", "cast it to float32"
        )
    return call.emit(Pow(), [a, exponent], call.broadcast(a, exponent))


@importer("Min", makes=(Minimum,))
def minimum(call: Call) -> Tensor:
    return _many(call, Minimum())


@importer("Max", makes=(Maximum,))
def maximum(call: Call) -> Tensor:
    return _many(call, Maximum())


@importer("Sum", makes=(Add,))
def total(call: Call) -> Tensor:
    return _many(call, Add())


@importer("Mean", makes=(Add, Mul))
def mean(call: Call) -> Tensor:
    total = _many(call, Add())
    if len(call.inputs) == 1:
        return total
    return call.emit(Mul(), [total, call.scalar(1 / len(call.inputs))], total.shape)


def _two(call: Call, operator: Operator) -> Tensor:
    """Of two floats, or of two whole numbers."""
    call.expect_inputs(2)
    a, b = call.tensor(0), call.tensor(1)
    if not a.dtype is b.dtype is DType.I32:
        a, b = call.floats(0), call.floats(1)
    return call.emit(operator, [a, b], call.broadcast(a, b))


def _many(call: Call, operator: Operator) -> Tensor:
    """The inputs one after the other."""
    if not call.inputs:
        call.fail("has no inputs")
    result = call.floats(0)
    for index in range(1, len(call.inputs)):
        other = call.floats(index)
        result = call.emit(operator, [result, other], call.broadcast(result, other))
    return result
