"""Comparisons, LOGICAL_AND, LOGICAL_OR, LOGICAL_NOT, SELECT, SELECT_V2, CAST."""

from __future__ import annotations

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Cast, Compare, Comparison, Connective, Logical, LogicalNot, Select
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.multiplier import expect_rescalable

_COMPARE_LEFT_SHIFT = 8  # bits by which inputs are scaled up
_LARGEST_DIFFERENCE = 255  # of an int8 value and a zero point


def _register_comparison(kind: Comparison) -> None:
    @importer(kind.name)
    def compare(call: Call) -> None:
        call.expect(inputs=2)
        a, b, y = call.input(0), call.input(1), call.outputs[0]
        if a.dtype is not b.dtype or a.dtype not in (DType.F32, DType.I8, DType.I32, DType.BOOL):
            call.fail(f"compares {a.dtype.value} and {b.dtype.value}; supported are f32, i8, i32 or bool")
        if a.dtype is DType.I8:
            for tensor in (a, b):
                call.expect_quantized(tensor)
                expect_rescalable(call, tensor.scale, _LARGEST_DIFFERENCE << _COMPARE_LEFT_SHIFT, "an input")
        _expect_boolean(call, y)
        call.expect_broadcast(y, a, b)
        call.emit(Compare(kind), [a, b], [y])


def _register_connective(kind: Connective) -> None:
    @importer(kind.value.upper())
    def logical(call: Call) -> None:
        call.expect(inputs=2)
        a, b, y = call.input(0), call.input(1), call.outputs[0]
        _expect_boolean(call, a, b, y)
        call.expect_broadcast(y, a, b)
        call.emit(Logical(kind), [a, b], [y])


for _comparison in Comparison:
    _register_comparison(_comparison)
for _connective in (Connective.AND, Connective.OR):
    _register_connective(_connective)


@importer("LOGICAL_NOT")
def logical_not(call: Call) -> None:
    call.expect(inputs=1)
    x, y = call.input(0), call.outputs[0]
    _expect_boolean(call, x, y)
    call.expect_shape(y, x.shape)
    call.emit(LogicalNot(), [x], [y])


@importer("SELECT")
def select(call: Call) -> None:
    """The first version, which does not broadcast."""
    call.expect(inputs=3)
    condition, a = call.input(0, "condition"), call.input(1)
    if condition.elements != 1 and condition.shape != a.shape:
        call.fail(
            f"its condition has shape {list(condition.shape)} and its operands {list(a.shape)}",
            "convert again with a current TensorFlow, which writes SELECT_V2",
        )
    _select(call)


@importer("SELECT_V2")
def select_v2(call: Call) -> None:
    call.expect(inputs=3)
    _select(call)


def _select(call: Call) -> None:
    condition, a, b, y = call.input(0, "condition"), call.input(1), call.input(2), call.outputs[0]
    _expect_boolean(call, condition)
    call.expect_types(a, b, y)
    call.expect_same_quantization(y, a, b)
    call.expect_broadcast(y, condition, a, b)
    call.emit(Select(), [condition, a, b], [y])


@importer("CAST")
def cast(call: Call) -> None:
    call.expect(inputs=1)
    x, y = call.input(0), call.outputs[0]
    call.expect_shape(y, x.shape)
    call.emit(Cast(), [x], [y])


def _expect_boolean(call: Call, *tensors: Tensor) -> None:
    for tensor in tensors:
        if tensor.dtype is not DType.BOOL:
            call.fail(f"tensor '{tensor.name}' has type {tensor.dtype.value} instead of bool")
