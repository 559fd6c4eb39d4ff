"""Custom operators that Smidgen's exporter writes for what TensorFlow Lite lacks.

Their name is OWN_PREFIX and that of the operator; its fields are the custom options, as JSON.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields

from smidgen.graph import DType, Tensor
from smidgen.graph import operators as op
from smidgen.graph.operators import Operator
from smidgen.importers.tflite.call import OWN_PREFIX, Call, importer
from smidgen.importers.tflite.elementwise import operands as two_operands
from smidgen.importers.tflite.recurrent import own_recurrent
from smidgen.importers.tflite.unary import operands

_UNARY = (
    op.Clip, op.Elu, op.Erf, op.HardSigmoid, op.Reciprocal, op.Silu, op.Softplus, op.Softsign, op.Neg,
    op.Sign, op.Sqrt, op.Square, op.Sin, op.Cos, op.Floor, op.Ceil, op.Round,
)  # fmt: skip


def _register_unary(operator: type[Operator]) -> None:
    @importer(OWN_PREFIX + operator.type_name)
    def function(call: Call) -> None:
        x, y = operands(call)
        call.emit(_read(call, operator), [x], [y])


for _operator in _UNARY:
    _register_unary(_operator)


@importer(f"{OWN_PREFIX}POW")
def power(call: Call) -> None:
    a, b, y = two_operands(call)
    if y.dtype is DType.I8 and not any(one.is_constant and one.elements == 1 for one in (a, b)):
        call.fail("neither its base nor its exponent is one constant", "int8 has only such powers")
    call.emit(op.Pow(), [a, b], [y])


@importer(f"{OWN_PREFIX}LOGICAL_XOR")
def exclusive_or(call: Call) -> None:
    call.expect(inputs=2)
    a, b, y = call.input(0), call.input(1), call.outputs[0]
    for tensor in (a, b, y):
        if tensor.dtype is not DType.BOOL:
            call.fail(f"tensor '{tensor.name}' has type {tensor.dtype.value} instead of bool")
    call.expect_broadcast(y, a, b)
    call.emit(op.Logical(op.Connective.XOR), [a, b], [y])


@importer(f"{OWN_PREFIX}LAYER_NORM")
def layer_norm(call: Call) -> None:
    _norm_of_last_axes(call, op.LayerNorm)


@importer(f"{OWN_PREFIX}RMS_NORM")
def rms_norm(call: Call) -> None:
    _norm_of_last_axes(call, op.RmsNorm)


@importer(f"{OWN_PREFIX}INSTANCE_NORM")
def instance_norm(call: Call) -> None:
    call.expect(inputs=(1, 3))
    rank = len(call.input(0).shape)
    if rank < 3:
        call.fail(f"its input has {rank} dimensions; at least 3 are needed")
    _norm(call, _read(call, op.InstanceNorm), call.input(0).shape[-1:])


@importer(f"{OWN_PREFIX}LSTM")
def lstm(call: Call) -> None:
    own_recurrent(call, _read(call, op.Lstm))


@importer(f"{OWN_PREFIX}GRU")
def gru(call: Call) -> None:
    own_recurrent(call, _read(call, op.Gru))


def _norm_of_last_axes(call: Call, kind: type[Operator]) -> None:
    call.expect(inputs=(1, 3 if kind is op.LayerNorm else 2))
    operator, shape = _read(call, kind), call.input(0).shape
    if not 1 <= operator.axes <= len(shape):
        call.fail(f"it normalizes {operator.axes} axes of {len(shape)}")
    _norm(call, operator, shape[-operator.axes :])


def _norm(call: Call, operator: Operator, shape: tuple[int, ...]) -> None:
    x, y = call.input(0), call.outputs[0]
    is_float = call.expect_types(x, y) is DType.F32
    call.expect_shape(y, x.shape)
    constants = [call.optional_input(index) for index in range(1, len(call.inputs))]
    for tensor, types in zip(constants, ((DType.I16,), (DType.I32,)), strict=False):
        _check_constant(call, tensor, shape, (DType.F32,) if is_float else types)
    if not operator.epsilon >= 0:
        call.fail(f"epsilon {operator.epsilon} is not a number from 0")
    call.emit(operator, [x, *constants], [y])


def _check_constant(
    call: Call, tensor: Tensor | None, shape: tuple[int, ...], types: tuple[DType, ...]
) -> None:
    if tensor is None:
        return
    if tensor.dtype not in types or tensor.data is None or tensor.shape != shape:
        wanted = " or ".join(dtype.value for dtype in types)
        call.fail(f"tensor '{tensor.name}' is not a constant of type {wanted} and shape {list(shape)}")
    if tensor.dtype is not DType.F32:
        call.expect_quantized(tensor)


def _read(call: Call, kind: type[Operator]) -> Operator:
    """The operator with the fields of the custom options, each of its own type."""
    try:
        given = json.loads(call.file.custom_options or b"{}")
    except ValueError:
        call.fail("its custom options are no JSON")
    known = {field.name: field.default for field in fields(kind)}
    if not isinstance(given, dict) or set(given) != set(known):
        call.fail(f"its custom options are not {', '.join(known) or 'empty'}")
    for name, value in given.items():
        if type(value) is not type(known[name]) or math.isnan(value):
            call.fail(f"its custom option {name} is {value!r}")
    return kind(**given)
