"""Mathematical functions of one value."""

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
    Sign,
    Sin,
    Sqrt,
)
from smidgen.importers.onnx.call import Call, importer

_FUNCTIONS: dict[str, type[Operator]] = {
    "Abs": Abs,
    "Ceil": Ceil,
    "Cos": Cos,
    "Erf": Erf,
    "Exp": Exp,
    "Floor": Floor,
    "Log": Log,
    "Neg": Neg,
    "Reciprocal": Reciprocal,
    "Round": Round,
    "Sign": Sign,
    "Sin": Sin,
    "Sqrt": Sqrt,
}


def _register(name: str, operator: type[Operator]) -> None:
    @importer(name, makes=(operator,))
    def function(call: Call) -> Tensor:
        call.expect_inputs(1)
        x = call.floats(0)
        return call.emit(operator(), [x], x.shape)


for _name, _operator in _FUNCTIONS.items():
    _register(_name, _operator)
