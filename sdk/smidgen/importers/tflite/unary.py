"""ABS, NEG, SIGN, EXP, LOG, SQRT, RSQRT, SQUARE, SIN, COS, FLOOR, CEIL, ROUND."""

from __future__ import annotations

import math

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import (
    Abs,
    Ceil,
    Cos,
    Exp,
    Floor,
    Log,
    Neg,
    Operator,
    Round,
    Rsqrt,
    Sign,
    Sin,
    Sqrt,
    Square,
)
from smidgen.importers.tflite.call import Call, importer, nearly_equal
from smidgen.importers.tflite.multiplier import expect_rescalable

_LARGEST_DIFFERENCE = 255  # of an int8 value and a zero point
_ROOT_BITS = 20  # of an inverse square root's fraction


def operands(call: Call, wide: bool = False) -> tuple[Tensor, Tensor]:
    """The only input and the only output, of one type and shape; int16 where it is `wide`."""
    call.expect(inputs=1)
    x, y = call.input(0), call.outputs[0]
    call.expect_types(x, y, wide=wide)
    call.expect_shape(y, x.shape)
    return x, y


def _register(name: str, operator: type[Operator]) -> None:
    @importer(name)
    def plain(call: Call) -> None:
        x, y = operands(call)
        call.emit(operator(), [x], [y])


for _operator in (Sign, Exp, Log, Sqrt, Square, Sin, Cos, Floor, Ceil, Round):
    _register(_operator.type_name, _operator)


@importer("ABS")
def absolute(call: Call) -> None:
    x, y = operands(call)
    if y.dtype is DType.I8:
        expect_rescalable(call, x.scale / y.scale, _LARGEST_DIFFERENCE, "the input")
    call.emit(Abs(), [x], [y])


@importer("NEG")
def negative(call: Call) -> None:
    """TensorFlow Lite negates the stored integers, which is only right between opposite quantizations."""
    x, y = operands(call)
    if y.dtype is DType.I8 and not (nearly_equal(x.scale, y.scale) and x.zero_point == -y.zero_point):
        call.fail(
            f"its output's zero point {y.zero_point} is not the negative of its input's {x.zero_point}, or "
            "their scales differ, and this operator does not rescale",
            "subtract from a constant 0 instead",
        )
    call.emit(Neg(), [x], [y])


@importer("RSQRT")
def inverse_square_root(call: Call) -> None:
    x, y = operands(call)
    if y.dtype is DType.I8:
        multiplier = 1 / (math.sqrt(x.scale) * y.scale)
        expect_rescalable(call, multiplier / (1 << _ROOT_BITS), 1 << _ROOT_BITS, "the root")
    call.emit(Rsqrt(), [x], [y])
