"""Operations of keras.ops that are mathematical functions of one value."""

from __future__ import annotations

from smidgen.graph import Tensor
from smidgen.graph.operators import (
    Abs,
    Ceil,
    Cos,
    Erf,
    Exp,
    Floor,
    Log,
    Neg,
    Operator,
    Reciprocal,
    Round,
    Rsqrt,
    Sign,
    Sin,
    Sqrt,
    Square,
)
from smidgen.importers.keras.call import Call, operation

_FUNCTIONS: dict[str, type[Operator]] = {
    "Absolute": Abs, "Abs": Abs, "Negative": Neg, "Sign": Sign, "Exp": Exp, "Log": Log, "Sqrt": Sqrt,
    "Rsqrt": Rsqrt, "Square": Square, "Reciprocal": Reciprocal, "Erf": Erf, "Sin": Sin, "Cos": Cos,
    "Floor": Floor, "Ceil": Ceil, "Round": Round,
}  # fmt: skip


def _register(name: str, kind: type[Operator]) -> None:
    @operation(name, makes=[kind])
    def unary(call: Call) -> Tensor:
        x = call.x
        call.expect_float(x)
        if name == "Round" and call.option("decimals", 0) != 0:
            call.fail("rounds to decimals; only whole numbers are supported")
        return call.emit(kind(), [x], x.shape)


for _name, _kind in _FUNCTIONS.items():
    _register(_name, _kind)
