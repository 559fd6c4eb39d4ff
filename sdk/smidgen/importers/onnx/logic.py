"""Comparing, combining and choosing by conditions, and changing the type of numbers."""

from __future__ import annotations

from onnx import TensorProto

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Cast, Compare, Comparison, Connective, Logical, LogicalNot, Select
from smidgen.importers.onnx.call import Call, importer
from smidgen.importers.onnx.constants import type_name

_COMPARISONS = {
    "Equal": Comparison.EQUAL,
    "Less": Comparison.LESS,
    "LessOrEqual": Comparison.LESS_EQUAL,
    "Greater": Comparison.GREATER,
    "GreaterOrEqual": Comparison.GREATER_EQUAL,
}
_CONNECTIVES = {"And": Connective.AND, "Or": Connective.OR, "Xor": Connective.XOR}
_TYPES = {
    TensorProto.FLOAT: DType.F32,
    TensorProto.INT32: DType.I32,
    TensorProto.INT64: DType.I32,
    TensorProto.BOOL: DType.BOOL,
}


@importer(*_COMPARISONS, makes=(Compare,))
def compare(call: Call) -> Tensor:
    a, b = _same_type(call, 0, 1)
    return call.emit(Compare(_COMPARISONS[call.name]), [a, b], call.broadcast(a, b), DType.BOOL)


@importer(*_CONNECTIVES, makes=(Logical,))
def connect(call: Call) -> Tensor:
    call.expect_inputs(2)
    a, b = _condition(call, 0), _condition(call, 1)
    return call.emit(Logical(_CONNECTIVES[call.name]), [a, b], call.broadcast(a, b))


@importer("Not", makes=(LogicalNot,))
def negate(call: Call) -> Tensor:
    call.expect_inputs(1)
    x = _condition(call, 0)
    return call.emit(LogicalNot(), [x], x.shape)


@importer("Where", makes=(Select,))
def where(call: Call) -> Tensor:
    call.expect_inputs(3)
    condition = _condition(call, 0)
    a, b = _same_type(call, 1, 2)
    dtype = DType.F32 if a.quantization is not None else a.dtype
    return call.emit(Select(), [condition, a, b], call.broadcast(condition, a, b), dtype)


@importer("Cast", makes=(Cast,))
def cast(call: Call) -> Tensor:
    """Whole numbers of 64 bits are held in 32."""
    call.expect_inputs(1)
    return _cast(call, call.attribute("to", 0))


@importer("CastLike", makes=(Cast,))
def cast_like(call: Call) -> Tensor:
    call.expect_inputs(2)
    x, like = call.tensor(0), call.tensor(1)
    return x if x.dtype is like.dtype else call.emit(Cast(), [x], x.shape, like.dtype)


def _cast(call: Call, to: int) -> Tensor:
    x = call.tensor(0)
    if to not in _TYPES:
        call.fail(f"casts to {type_name(to)}, which is not supported", "export the model as float32")
    if x.quantization is not None:
        call.fail("casts a quantized tensor, which is not supported")
    return x if x.dtype is _TYPES[to] else call.emit(Cast(), [x], x.shape, _TYPES[to])


def _condition(call: Call, index: int) -> Tensor:
    tensor = call.tensor(index, "condition")
    if tensor.dtype is not DType.BOOL:
        call.fail(f"its condition has type {tensor.dtype.value} instead of bool")
    return tensor


def _same_type(call: Call, first: int, second: int) -> tuple[Tensor, Tensor]:
    a, b = call.tensor(first), call.tensor(second)
    if a.dtype is b.dtype and a.quantization is b.quantization is None:
        return a, b
    return call.floats(first), call.floats(second)
