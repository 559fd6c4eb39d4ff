"""Layers and operations of two or more tensors, element by element; Rescaling and Normalization."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Add, Cast, Div, Maximum, Minimum, Mul, Operator, Pow, Reshape, Sub
from smidgen.importers.keras.call import Call, layer, operation

_EPSILON = 1e-7  # keras.backend.epsilon(), which Normalization keeps from zero with


def _merge(call: Call, operator: Operator) -> Tensor:
    """All inputs one after the other. Inputs of fewer dimensions get some after the batch."""
    tensors = call.tensors
    if len(tensors) < 2:
        call.fail(f"is called with {len(tensors)} tensors instead of 2 or more")
    call.expect_float(*tensors)
    rank = max(len(tensor.shape) for tensor in tensors)
    result = _expanded(call, tensors[0], rank)
    for tensor in tensors[1:]:
        other = _expanded(call, tensor, rank)
        result = call.emit(operator, [result, other], call.broadcast(result.shape, other.shape))
    return result


def _expanded(call: Call, x: Tensor, rank: int) -> Tensor:
    missing = rank - len(x.shape)
    if not missing:
        return x
    return call.emit(Reshape(), [x], (*x.shape[:1], *[1] * missing, *x.shape[1:]))


@layer("Add", makes=[Add])
def add(call: Call) -> Tensor:
    return _merge(call, Add())


@layer("Subtract", makes=[Sub])
def subtract(call: Call) -> Tensor:
    if len(call.tensors) != 2:
        call.fail(f"is called with {len(call.tensors)} tensors instead of 2")
    return _merge(call, Sub())


@layer("Multiply", makes=[Mul])
def multiply(call: Call) -> Tensor:
    return _merge(call, Mul())


@layer("Maximum", makes=[Maximum])
def maximum(call: Call) -> Tensor:
    return _merge(call, Maximum())


@layer("Minimum", makes=[Minimum])
def minimum(call: Call) -> Tensor:
    return _merge(call, Minimum())


@layer("Average", makes=[Add, Mul])
def average(call: Call) -> Tensor:
    total = _merge(call, Add())
    share = call.constant("share", np.float32(1 / len(call.tensors)))
    return call.emit(Mul(), [total, share], total.shape)


@layer("Rescaling", makes=[Mul, Add, Cast])
def rescaling(call: Call) -> Tensor:
    x = call.x
    scale, offset = (_numbers(call, name, default) for name, default in (("scale", 1.0), ("offset", 0.0)))
    return _scale_and_shift(call, x, scale, offset)


@layer("Normalization", makes=[Mul, Add, Cast])
def normalization(call: Call) -> Tensor:
    """(x - mean) / max(sqrt(variance), epsilon), or the inverse of it, as one product and one sum."""
    x, rank = call.x, len(call.x.shape)
    axis = call.option("axis", -1)
    kept = () if axis is None else call.axes(axis, rank)
    shape = tuple(x.shape[one] if one in kept else 1 for one in range(rank))
    if call.option("mean") is not None:
        mean, variance = (_numbers(call, name, 0.0) for name in ("mean", "variance"))
    else:
        sizes = tuple(x.shape[one] for one in kept)
        mean, variance = call.weight("mean", sizes), call.weight("variance", sizes)
        call.weights.take("")  # how many samples were seen
    if mean.size not in (1, int(np.prod(shape))) or variance.size != mean.size:
        call.fail(f"its mean has {mean.size} values for an input of shape {list(x.shape)}")
    if (variance < 0).any():
        call.fail("its variance is negative")
    mean, variance = (
        (array.reshape(shape) if array.size > 1 else array.reshape(())) for array in (mean, variance)
    )
    deviation = np.maximum(np.sqrt(variance.astype(np.float64)), _EPSILON)
    if call.flag("invert"):
        return _scale_and_shift(call, x, deviation, mean)
    return _scale_and_shift(call, x, 1 / deviation, -mean / deviation)


def _numbers(call: Call, name: str, default: float) -> np.ndarray:
    return call.array(name, call.option(name, default))


def _scale_and_shift(call: Call, x: Tensor, scale: np.ndarray, offset: np.ndarray) -> Tensor:
    y = x if x.dtype is DType.F32 else call.emit(Cast(), [x], x.shape, DType.F32)
    for role, operator, values, neutral in (("scale", Mul(), scale, 1), ("offset", Add(), offset, 0)):
        if (values == neutral).all():
            continue
        shape = call.broadcast(y.shape, values.shape)
        if shape != x.shape:
            call.fail(
                f"its {role} of shape {list(values.shape)} does not fit an input of shape {list(x.shape)}"
            )
        y = call.emit(operator, [y, call.constant(role, values.astype(np.float32))], shape)
    return y


def _binary(names: Sequence[str], kind: type[Operator]) -> None:
    """An operation of two values, of which one may be a number."""

    @operation(*names, makes=[kind])
    def binary(call: Call) -> Tensor:
        values = [*call.args, *(call.kwargs[name] for name in ("x1", "x2", "x", "y") if name in call.kwargs)]
        if len(values) != 2:
            call.fail(f"is called with {len(values)} values instead of 2")
        a, b = (_operand(call, value) for value in values)
        call.expect_float(a, b)
        if a.is_constant and b.is_constant:
            call.fail("works on two constants")
        return call.emit(kind(), [a, b], call.broadcast(a.shape, b.shape))


def _operand(call: Call, value: object) -> Tensor:
    if isinstance(value, Tensor):
        return value
    return call.constant("value", call.array("operand", value).astype(np.float32))


for _names, _kind in (
    (("Add",), Add), (("Subtract",), Sub), (("Multiply",), Mul), (("Divide", "TrueDivide"), Div),
    (("Maximum",), Maximum), (("Minimum",), Minimum), (("Power",), Pow),
):  # fmt: skip
    _binary(_names, _kind)
