"""Valid models of recurrent layers, whose h and c are variable tensors."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
from operator_model import CASES, X_SCALE, OperatorModel

from smidgen.graph import operators as op
from smidgen.graph.operators import Operator

BATCH, TIME, INPUTS, UNITS = 1, 3, 4, 5
HIDDEN = {"scale": 1 / 128, "zero_point": -3}
_CELL = {"scale": 2.0**-12}
_WEIGHT_SCALE = 0.004


def rows(m: OperatorModel, *shape: int) -> int:
    if m.dtype == "float32":
        return m.builder.constant(m.random.normal(0, 0.5, shape).astype(np.float32))
    data = m.random.integers(-127, 128, shape).astype(np.int8)
    return m.builder.constant(data, scale=_WEIGHT_SCALE)


def bias(m: OperatorModel, count: int, x_scale: float = X_SCALE) -> int:
    if m.dtype == "float32":
        return m.builder.constant(m.random.normal(0, 1, count).astype(np.float32))
    data = m.random.integers(-2000, 2000, count).astype(np.int32)
    return m.builder.constant(data, scale=x_scale * _WEIGHT_SCALE)


def state(m: OperatorModel, cell: bool = False, variable: bool = True) -> int:
    if m.dtype == "float32":
        return m.builder.tensor((BATCH, UNITS), "float32", variable=variable)
    dtype, step = ("int16", _CELL) if cell else ("int8", HIDDEN)
    return m.builder.tensor((BATCH, UNITS), dtype, variable=variable, **step)


def lstm(m: OperatorModel, time_major: bool = False, cell_clip: float = 0.0) -> None:
    lead = (TIME, BATCH) if time_major else (BATCH, TIME)
    inputs = [m.x(*lead, INPUTS)]
    inputs += [rows(m, UNITS, INPUTS) for _ in range(4)] + [rows(m, UNITS, UNITS) for _ in range(4)]
    inputs += [-1, -1, -1, *(bias(m, UNITS) for _ in range(4)), -1, -1, state(m), state(m, cell=True)]
    options = {"activation": "TANH", "time_major": time_major, "cell_clip": cell_clip}
    y = m.y(*lead, UNITS, **HIDDEN)
    m.builder.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", [*inputs, *[-1] * 4], [y], version=3, **options)
    if m.dtype == "int8":  # LiteRT reads the quantization of h before a projection from the last of these
        steps = [{"dtype": "int16", "scale": 2.0**-12}] * 4 + [{"dtype": "int8", **HIDDEN}]
        m.builder.graph.operators[-1].intermediates = [m.builder.tensor((0,), **step) for step in steps]


def own(m: OperatorModel, operator: op.Lstm | op.Gru) -> None:
    gates = 4 if isinstance(operator, op.Lstm) else 3
    x, weights, recurrent = (
        m.x(BATCH, TIME, INPUTS),
        rows(m, gates * UNITS, INPUTS),
        rows(m, gates * UNITS, UNITS),
    )
    y = m.y(BATCH, TIME, UNITS, **HIDDEN)
    inputs, outputs = [x, weights, recurrent, bias(m, gates * UNITS)], [y, state(m, variable=False)]
    if isinstance(operator, op.Lstm):
        inputs += [state(m), state(m, cell=True)]
        outputs.append(state(m, cell=True, variable=False))
    else:
        inputs += [bias(m, gates * UNITS, HIDDEN["scale"]), state(m)]
    m.builder.operator(f"smidgen.{operator.type_name}", inputs, outputs)
    fields = json.dumps(asdict(operator)).encode()
    m.builder.graph.operators[-1].customOptions = np.frombuffer(fields, np.uint8)


def _register() -> None:
    def builtin(m: OperatorModel) -> list[Operator]:
        lstm(m, cell_clip=10.0)
        return [op.Lstm(10.0)]

    def time_major(m: OperatorModel) -> list[Operator]:
        lstm(m, time_major=True)
        return [op.Transpose((1, 0, 2)), op.Lstm(), op.Transpose((1, 0, 2))]

    CASES["UNIDIRECTIONAL_SEQUENCE_LSTM"] = builtin
    CASES["UNIDIRECTIONAL_SEQUENCE_LSTM__time_major"] = time_major
    for name, operator in (("LSTM", op.Lstm(2.5)), ("GRU", op.Gru()), ("GRU__reset_before", op.Gru(False))):

        def function(m: OperatorModel, operator=operator) -> list[Operator]:
            own(m, operator)
            return [operator]

        CASES[f"smidgen.{name}"] = function


_register()
