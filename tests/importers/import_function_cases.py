"""Valid models of functions, conditions and reductions."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
from operator_model import CASES, X_SCALE, X_ZERO, OperatorModel

from smidgen.graph import operators as op
from smidgen.graph.operators import Activation, Comparison, Connective, Operator

_BIT = {"scale": 1.0, "zero_point": 0}
# Functions of one value, with the quantization of the input that keeps an int8 model inside their domain.
_FUNCTIONS: dict[str, tuple[Operator, dict]] = {
    "ABS": (op.Abs(), {}),
    "SIGN": (op.Sign(), {}),
    "EXP": (op.Exp(), {}),
    "LOG": (op.Log(), {"zero_point": -128}),
    "SQRT": (op.Sqrt(), {"zero_point": -128}),
    "RSQRT": (op.Rsqrt(), {"zero_point": -128}),
    "SQUARE": (op.Square(), {}),
    "SIN": (op.Sin(), {}),
    "COS": (op.Cos(), {}),
    "FLOOR": (op.Floor(), {}),
    "CEIL": (op.Ceil(), {}),
    "ROUND": (op.Round(), {}),
    "ELU": (op.Elu(), {}),
    "HARD_SWISH": (op.HardSwish(), {}),
}
_CLIPPED = {"RELU_N1_TO_1": -1.0, "RELU_0_TO_1": 0.0}
_REDUCTIONS = {"REDUCE_MAX": op.ReduceMax, "REDUCE_MIN": op.ReduceMin}
_INDICES = {"ARG_MAX": op.ArgMax, "ARG_MIN": op.ArgMin}
# Custom operators that Smidgen's exporter writes.
_OWN: tuple[Operator, ...] = (
    op.Clip(-0.5, 4.0), op.Elu(0.5), op.Erf(), op.HardSigmoid(0.2, 0.5), op.Reciprocal(), op.Silu(),
    op.Softplus(), op.Softsign(), op.Neg(), op.Sign(), op.Sqrt(), op.Square(), op.Sin(), op.Cos(), op.Floor(),
    op.Ceil(), op.Round(),
)  # fmt: skip
_NORMS: tuple[Operator, ...] = (op.LayerNorm(2, 1e-3), op.RmsNorm(1, 1e-6), op.InstanceNorm(1e-5))


def own(m: OperatorModel, operator: Operator, inputs: list[int], outputs: list[int]) -> None:
    """A custom operator with its fields."""
    m.builder.operator(f"smidgen.{operator.type_name}", inputs, outputs)
    fields = json.dumps(asdict(operator)).encode()
    m.builder.graph.operators[-1].customOptions = np.frombuffer(fields, np.uint8)


def norm_inputs(m: OperatorModel, operator: Operator, shape: tuple[int, ...]) -> list[int]:
    """x, gamma and, but for RmsNorm, beta."""
    size = shape[-1:] if isinstance(operator, op.InstanceNorm) else shape[-operator.axes :]
    if m.dtype == "float32":
        constants = [m.builder.constant(np.ones(size, np.float32)) for _ in range(2)]
    else:
        constants = [
            m.builder.constant(np.full(size, value, dtype), scale=1e-4)
            for value, dtype in ((9000, np.int16), (-5, np.int32))
        ]
    return [m.x(*shape), *constants[: 1 if isinstance(operator, op.RmsNorm) else 2]]


def _register_own() -> None:
    for operator in _OWN:

        def function(m: OperatorModel, operator=operator):
            own(m, operator, [m.x(2, 5)], [m.y(2, 5)])
            return [operator]

        CASES[f"smidgen.{operator.type_name}"] = function
    for operator in _NORMS:

        def norm(m: OperatorModel, operator=operator):
            own(m, operator, norm_inputs(m, operator, (2, 3, 4)), [m.y(2, 3, 4)])
            return [operator]

        CASES[f"smidgen.{operator.type_name}"] = norm


def own_power(m: OperatorModel) -> list[Operator]:
    own(m, op.Pow(), [m.x(2, 3), m.constant(np.array([3]), scale=1.0, zero_point=0)], [m.y(2, 3)])
    return [op.Pow()]


def own_exclusive_or(m: OperatorModel) -> list[Operator]:
    a, b, either = _two_conditions(m)
    m.builder.operator("smidgen.LOGICAL_XOR", [a, b], [either])
    m.builder.operator("CAST", [either], [m.y(2, 5, **_BIT)])
    kinds = Comparison.LESS, Comparison.EQUAL
    return [*(op.Compare(kind) for kind in kinds), op.Logical(Connective.XOR), op.Cast()]


def _register() -> None:
    for name, (operator, quantization) in _FUNCTIONS.items():

        def function(m: OperatorModel, name=name, operator=operator, quantization=quantization):
            m.builder.operator(name, [m.x(2, 3, 4, **quantization)], [m.y(2, 3, 4)])
            return [operator]

        CASES[name] = function
    for name, minimum in _CLIPPED.items():

        def clipped(m: OperatorModel, name=name, minimum=minimum):
            m.builder.operator(name, [m.x(2, 5)], [m.same(2, 5)])
            return [op.Clip(minimum, 1.0)]

        CASES[name] = clipped
    for name, kind in _REDUCTIONS.items():

        def reduction(m: OperatorModel, name=name, kind=kind):
            m.builder.operator(name, [m.x(2, 3, 4), m.integers(1, -1)], [m.same(2)], keep_dims=False)
            return [kind((1, 2), False)]

        CASES[name] = reduction
    for name, kind in _INDICES.items():

        def index(m: OperatorModel, name=name, kind=kind):
            """The index becomes a number of the model's type, because a case has one type only."""
            indices = m.builder.tensor((2, 4), "int32")
            m.builder.operator(name, [m.x(2, 3, 4), m.scalar(-2)], [indices], output_type=2)
            m.builder.operator("CAST", [indices], [m.y(2, 4, **_BIT)])
            return [kind(1), op.Cast()]

        CASES[name] = index
    for kind in Comparison:

        def comparison(m: OperatorModel, kind=kind):
            """Chooses the larger, or what else the comparison makes of it."""
            a, b = m.x(2, 3, 4), m.x(4)
            condition = m.builder.tensor((2, 3, 4), "bool")
            m.builder.operator(kind.name, [a, b], [condition])
            m.builder.operator("SELECT_V2", [condition, a, b], [m.same(2, 3, 4)])
            return [op.Compare(kind), op.Select()]

        CASES[kind.name] = comparison
    for kind in (Connective.AND, Connective.OR):

        def connective(m: OperatorModel, kind=kind):
            a, b, either = _two_conditions(m)
            m.builder.operator(kind.value.upper(), [a, b], [either])
            m.builder.operator("CAST", [either], [m.y(2, 5, **_BIT)])
            return [op.Compare(Comparison.LESS), op.Compare(Comparison.EQUAL), op.Logical(kind), op.Cast()]

        CASES[kind.value.upper()] = connective


def _two_conditions(m: OperatorModel) -> list[int]:
    x, y = m.x(2, 5), m.x(2, 5)
    conditions = [m.builder.tensor((2, 5), "bool") for _ in range(3)]
    m.builder.operator("LESS", [x, y], conditions[:1])
    m.builder.operator("EQUAL", [x, y], conditions[1:2])
    return conditions


def LOGICAL_NOT(m: OperatorModel) -> list[Operator]:
    _, b, unlike = _two_conditions(m)
    m.builder.operator("LOGICAL_NOT", [b], [unlike])
    m.builder.operator("CAST", [unlike], [m.y(2, 5, **_BIT)])
    return [op.Compare(Comparison.LESS), op.Compare(Comparison.EQUAL), op.LogicalNot(), op.Cast()]


def SELECT_V2(m: OperatorModel) -> list[Operator]:
    condition = m.builder.constant(np.array([[True], [False]]))
    m.builder.operator("SELECT_V2", [condition, m.x(2, 3), m.x(3)], [m.same(2, 3)])
    return [op.Select()]


def SELECT(m: OperatorModel) -> list[Operator]:
    condition = m.builder.constant(np.array([[True, False, True]]))
    m.builder.operator("SELECT", [condition, m.x(1, 3), m.x(1, 3)], [m.same(1, 3)])
    return [op.Select()]


def CAST(m: OperatorModel) -> list[Operator]:
    whole = m.builder.tensor((2, 3), "int32")
    m.builder.operator("CAST", [m.x(2, 3)], [whole])
    m.builder.operator("CAST", [whole], [m.same(2, 3)])
    return [op.Cast(), op.Cast()]


def NEG(m: OperatorModel) -> list[Operator]:
    m.builder.operator("NEG", [m.x(2, 3)], [m.y(2, 3, scale=X_SCALE, zero_point=-X_ZERO)])
    return [op.Neg()]


def GELU(m: OperatorModel) -> list[Operator]:
    m.builder.operator("GELU", [m.x(2, 3)], [m.y(2, 3)], approximate=True)
    return [op.Gelu(approximate=True)]


def PRELU(m: OperatorModel) -> list[Operator]:
    alpha = m.constant(np.array([[[-3, 0, 9, 60]]]), scale=0.02, zero_point=4)
    m.builder.operator("PRELU", [m.x(1, 3, 3, 4), alpha], [m.y(1, 3, 3, 4)])
    return [op.Prelu()]


def DIV(m: OperatorModel) -> list[Operator]:
    """The divisor is nowhere zero."""
    divisor = m.constant(np.array([9, -60, 100, 17]), scale=0.02, zero_point=4)
    m.builder.operator("DIV", [m.x(2, 3, 4), divisor], [m.y(2, 3, 4)], activation="RELU")
    return [op.Div(Activation.RELU)]


def SQUARED_DIFFERENCE(m: OperatorModel) -> list[Operator]:
    a, b = m.x(2, 3, 4), m.x(2, 1, 4, scale=0.07, zero_point=-9)
    m.builder.operator("SQUARED_DIFFERENCE", [a, b], [m.y(2, 3, 4, scale=0.2)])
    return [op.SquaredDifference()]


def POW(m: OperatorModel) -> list[Operator]:
    m.builder.operator("POW", [m.x(2, 3), m.constant(np.array([3]), scale=1.0, zero_point=0)], [m.y(2, 3)])
    return [op.Pow()]


def SUM(m: OperatorModel) -> list[Operator]:
    m.builder.operator("SUM", [m.x(1, 4, 5, 3), m.integers(1, 2)], [m.y(1, 1, 1, 3)], keep_dims=True)
    return [op.Sum((1, 2), True)]


_register()
_register_own()
CASES |= {"smidgen.POW": own_power, "smidgen.LOGICAL_XOR": own_exclusive_or}
for _case in (
    LOGICAL_NOT, SELECT_V2, SELECT, CAST, NEG, GELU, PRELU, DIV, SQUARED_DIFFERENCE, POW, SUM,
):  # fmt: skip
    CASES[_case.__name__] = _case
