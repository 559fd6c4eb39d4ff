"""ADD, SUB, MUL, DIV, SQUARED_DIFFERENCE, POW, MINIMUM, MAXIMUM."""

from __future__ import annotations

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Add, Div, Maximum, Minimum, Mul, Pow, SquaredDifference, Sub
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.multiplier import expect_rescalable

_ADD_LEFT_SHIFT_INT16 = 15
_ADD_LEFT_SHIFT = 20  # inputs of ADD and SUB are scaled up by this many bits before they are rescaled
_SQUARE_LEFT_SHIFT = 7  # the same of SQUARED_DIFFERENCE
_LARGEST_DIFFERENCE = 255  # of an int8 value and a zero point


@importer("ADD", "AddOptions")
def add(call: Call) -> None:
    a, b, y = operands(call, wide=True)
    _check_sum(call, a, b, y)
    call.emit(Add(call.activation(y)), [a, b], [y])


@importer("SUB", "SubOptions")
def sub(call: Call) -> None:
    a, b, y = operands(call, wide=True)
    _check_sum(call, a, b, y)
    call.emit(Sub(call.activation(y)), [a, b], [y])


@importer("MUL", "MulOptions")
def mul(call: Call) -> None:
    a, b, y = operands(call, wide=True)
    if y.dtype is not DType.F32:
        largest = _LARGEST_DIFFERENCE**2 if y.dtype is DType.I8 else 1 << 30
        expect_rescalable(call, a.scale * b.scale / y.scale, largest, "the product")
    call.emit(Mul(call.activation(y)), [a, b], [y])


@importer("DIV", "DivOptions")
def div(call: Call) -> None:
    a, b, y = operands(call)
    if y.dtype is DType.I8:
        # A quotient has 23 bits and more behind the point, which rescaling may not use up.
        expect_rescalable(call, a.scale / b.scale / y.scale, _LARGEST_DIFFERENCE, "the dividend")
    call.emit(Div(call.activation(y)), [a, b], [y])


@importer("SQUARED_DIFFERENCE")
def squared_difference(call: Call) -> None:
    a, b, y = operands(call)
    if y.dtype is DType.I8:
        unit = 2 * max(a.scale, b.scale) / (1 << _SQUARE_LEFT_SHIFT)
        largest = (_LARGEST_DIFFERENCE << _SQUARE_LEFT_SHIFT) ** 2
        expect_rescalable(call, unit**2 / y.scale, largest, "the square")
    call.emit(SquaredDifference(), [a, b], [y])


@importer("POW")
def power(call: Call) -> None:
    a, b, y = operands(call)
    if y.dtype is DType.I8 and not any(one.is_constant and one.elements == 1 for one in (a, b)):
        call.fail("neither its base nor its exponent is one constant", "int8 has only such powers")
    call.emit(Pow(), [a, b], [y])


@importer("MINIMUM")
def minimum(call: Call) -> None:
    a, b, y = operands(call)
    call.expect_same_quantization(a, b, y)
    call.emit(Minimum(), [a, b], [y])


@importer("MAXIMUM")
def maximum(call: Call) -> None:
    a, b, y = operands(call)
    call.expect_same_quantization(a, b, y)
    call.emit(Maximum(), [a, b], [y])


def operands(call: Call, wide: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Both inputs and the output, of one type."""
    call.expect(inputs=2)
    a, b, y = call.input(0), call.input(1), call.outputs[0]
    call.expect_types(a, b, y, wide=wide)
    call.expect_broadcast(y, a, b)
    return a, b, y


def _check_sum(call: Call, a: Tensor, b: Tensor, y: Tensor) -> None:
    """The sum is made in units of the larger input scale's 2^-19 and must shrink on its way to the output
    (2^-14 for int16)."""
    if y.dtype is DType.F32:
        return
    left_shift = _ADD_LEFT_SHIFT if y.dtype is DType.I8 else _ADD_LEFT_SHIFT_INT16
    multiplier = 2 * max(a.scale, b.scale) / ((1 << left_shift) * y.scale)
    if not 0 < multiplier < 1:
        call.fail(
            f"the output's scale {y.scale:g} is too small for the inputs' scales {a.scale:g} and {b.scale:g}",
            "convert again with a representative_dataset that covers the real inputs",
        )
