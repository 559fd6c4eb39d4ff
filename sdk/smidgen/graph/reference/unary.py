"""Functions of one value: in float what they say, on int8 a table of all 256 outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smidgen.graph import operators
from smidgen.graph.operators import Operator
from smidgen.graph.reference.base import Evaluator, erf, require, tensors_of
from smidgen.graph.types import DType, Graph, Node

# Each takes and gives float64.
FLOAT_FUNCTIONS: dict[type[Operator], Callable[..., np.ndarray]] = {
    operators.Abs: lambda operator, x: np.abs(x),
    operators.Neg: lambda operator, x: -x,
    operators.Sign: lambda operator, x: np.sign(x),
    operators.Exp: lambda operator, x: np.exp(x),
    operators.Log: lambda operator, x: np.log(x),
    operators.Sqrt: lambda operator, x: np.sqrt(x),
    operators.Rsqrt: lambda operator, x: 1 / np.sqrt(x),
    operators.Square: lambda operator, x: x * x,
    operators.Reciprocal: lambda operator, x: 1 / x,
    operators.Erf: lambda operator, x: erf(x),
    operators.Sin: lambda operator, x: np.sin(x),
    operators.Cos: lambda operator, x: np.cos(x),
    operators.Floor: lambda operator, x: np.floor(x),
    operators.Ceil: lambda operator, x: np.ceil(x),
    operators.Round: lambda operator, x: np.rint(x),
}


def unary(graph: Graph, node: Node) -> Evaluator:
    (x,), output = tensors_of(graph, node)
    require(x.dtype is output.dtype is DType.F32, graph, node)
    function = FLOAT_FUNCTIONS[type(node.operator)]

    def run(inputs):
        with np.errstate(all="ignore"):  # infinities and what is not a number are results like others
            return [function(node.operator, inputs[0].astype(np.float64)).astype(np.float32)]

    return run
