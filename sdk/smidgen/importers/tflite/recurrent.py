"""UNIDIRECTIONAL_SEQUENCE_LSTM, whose h and c are variable tensors of the file: states of the graph; and the
custom operators that Smidgen's exporter writes for other recurrent layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import Gru, Lstm, Transpose
from smidgen.graph.reference.recurrent import GATE_BITS, SMALLEST_STEP, refuse_integers
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.weights import check_accumulator, check_bias, check_weights

_TANH = 4  # in the schema's ActivationFunctionType
_WEIGHTS, _RECURRENT, _BIASES = range(1, 5), range(5, 9), range(12, 16)  # of gates i, f, g, o
_ABSENT = {
    "peephole connections": range(9, 12),
    "a projection": range(16, 18),
    "layer normalization": range(20, 24),
}
_HIDDEN, _CELL = 18, 19


@importer("UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions")
def unidirectional_sequence_lstm(call: Call) -> None:
    call.expect(inputs=(20, 24))
    for what, positions in _ABSENT.items():
        if any(call.optional_input(position) is not None for position in positions):
            call.fail(f"{what} of an LSTM are not supported", "train it as a plain LSTM")
    if call.option("FusedActivationFunction") != _TANH:
        call.fail("its activation is not TANH", "train it with tanh")
    if call.option("ProjClip") or call.option("DiagonalRecurrentTensors"):
        call.fail("a clipped projection and diagonal recurrent weights are not supported")
    if not call.option("CellClip") >= 0:
        call.fail(f"its cell clip {call.option('CellClip')} is not a number from 0")
    x, y = call.input(0), call.outputs[0]
    call.expect_rank(x, 3)
    dtype = call.expect_types(x, y)
    h, c = _state(call, _HIDDEN, "hidden state"), _state(call, _CELL, "cell state")
    time_major = bool(call.option("TimeMajor"))
    time, batch = x.shape[:2] if time_major else x.shape[1::-1]
    weights = _rows(call, _WEIGHTS, "weights", x)
    recurrent = _rows(call, _RECURRENT, "recurrent weights", x)
    units = recurrent[0].shape[1]
    for tensor in (h, c):
        if tensor.shape != (batch, units):
            call.fail(f"state '{tensor.name}' has shape {list(tensor.shape)} instead of {[batch, units]}")
    call.expect_shape(y, (*x.shape[:2], units))
    for tensors, depth in ((weights, x.shape[2]), (recurrent, units)):
        for tensor in tensors:
            if tensor.shape != (units, depth):
                call.fail(f"'{tensor.name}' has shape {list(tensor.shape)} instead of {[units, depth]}")
    bias = _biases(call, x, weights, dtype)
    if dtype is not DType.F32:
        _check_integers(call, x, weights, bias, recurrent, h, c, y)
    constants = [_joined(call, weights), _joined(call, recurrent), bias and _joined(call, bias)]
    next_h, next_c = call.new_tensor(h, h.shape), call.new_tensor(c, c.shape)
    call.states += [(h, next_h), (c, next_c)]
    operator = Lstm(float(call.option("CellClip")))
    if not time_major:
        call.emit(operator, [x, *constants, h, c], [y, next_h, next_c])
        return
    batches = call.new_tensor(x, (batch, time, x.shape[2]))
    result = call.new_tensor(y, (batch, time, units))
    call.emit(Transpose((1, 0, 2)), [x], [batches], "_batches")
    call.emit(operator, [batches, *constants, h, c], [result, next_h, next_c])
    call.emit(Transpose((1, 0, 2)), [result], [y], "_times")


def _state(call: Call, position: int, role: str) -> Tensor:
    tensor = call.input(position, role)
    if tensor.name not in call.variables:
        call.fail(f"its {role} '{tensor.name}' is not a variable tensor")
    return tensor


def _gate(scale_of: Tensor) -> Tensor:
    """What the products of a gate are rescaled to."""
    return replace(scale_of, quantization=Quantization.per_tensor(2.0**-GATE_BITS, 0))


def _rows(call: Call, positions: range, role: str, x: Tensor) -> list[Tensor]:
    """The weights of every gate, with one scale each."""
    tensors = [call.input(position, f"{role} (input {position})") for position in positions]
    for tensor in tensors:
        call.expect_rank(tensor, 2, role)
        if tensor.quantization is not None and tensor.quantization.axis is not None:
            call.fail(f"its {role} '{tensor.name}' have more than one scale")
    return [check_weights(call, tensor, x.dtype, channel_axis=0) for tensor in tensors]


def _biases(call: Call, x: Tensor, weights: list[Tensor], dtype: DType) -> list[Tensor] | None:
    given = [call.optional_input(position) for position in _BIASES]
    if all(bias is None for bias in given):
        return None
    if any(bias is None for bias in given):
        call.fail("some of its gates have a bias and others none")
    gate = x if dtype is DType.F32 else _gate(x)
    return [check_bias(call, one, x, rows, gate, 0) for one, rows in zip(given, weights, strict=True)]


def _check_integers(
    call: Call, x: Tensor, weights: list[Tensor], bias: list[Tensor] | None, recurrent: list[Tensor],
    h: Tensor, c: Tensor, y: Tensor,
) -> None:  # fmt: skip
    if h.dtype is not DType.I8 or c.dtype is not DType.I16:
        call.fail(f"its states are {h.dtype.value} and {c.dtype.value} instead of i8 and i16")
    for tensor in (h, c):
        call.expect_quantized(tensor)
    if (h.scale, h.zero_point) != (y.scale, y.zero_point):
        call.fail(f"output '{y.name}' and hidden state '{h.name}' are quantized differently")
    if h.scale < SMALLEST_STEP:
        call.fail(f"the scale of its hidden state is {h.scale:g}, below {SMALLEST_STEP:g}")
    if np.frexp(c.scale)[0] != 0.5 or not 2.0**-15 <= c.scale <= 1:
        call.fail(f"the scale of its cell state is {c.scale:g}, not a power of two from 2**-15 to 1")
    for number, (rows, hidden_rows) in enumerate(zip(weights, recurrent, strict=True)):
        check_accumulator(call, x, rows, bias and bias[number], _gate(x), channel_axis=0)
        check_accumulator(call, h, hidden_rows, None, _gate(x), channel_axis=0)


def _joined(call: Call, gates: list[Tensor]) -> Tensor:
    """The tensors of all gates as one, every row with its gate's scale."""
    data = np.concatenate([tensor.data for tensor in gates])
    if any(tensor.quantization is None for tensor in gates):
        return call.new_constant(gates[0], data, None)
    scales = np.concatenate(
        [np.repeat(t.quantization.scale, t.shape[0] // t.quantization.scale.size) for t in gates]
    )
    return call.new_constant(gates[0], data, Quantization(scales, np.zeros(scales.size, np.int32), 0))


def own_recurrent(call: Call, operator: Lstm | Gru) -> None:
    """A layer whose inputs and outputs are those of the graph's operator; an h or c that is a variable tensor
    is a state."""
    is_lstm = isinstance(operator, Lstm)
    gates, state_count = (4, 2) if is_lstm else (3, 1)
    call.expect(inputs=6, outputs=1 + state_count)
    if is_lstm and not operator.cell_clip >= 0:
        call.fail(f"its cell clip {operator.cell_clip} is not a number from 0")
    x, weights, recurrent = call.input(0), call.input(1, "weights"), call.input(2, "recurrent weights")
    biases = [call.optional_input(position) for position in range(3, 6 - state_count)]
    states = [call.input(position, "state") for position in range(6 - state_count, 6)]
    for tensor, rank in ((x, 3), (weights, 2), (recurrent, 2), (states[0], 2)):
        call.expect_rank(tensor, rank)
    batch, time, depth = x.shape
    units = states[0].shape[1]
    expected = [(weights, (gates * units, depth)), (recurrent, (gates * units, units))]
    expected += [(bias, (gates * units,)) for bias in biases if bias is not None]
    expected += [(tensor, (batch, units)) for tensor in (*states, *call.outputs[1:])]
    for tensor, shape in (*expected, (call.outputs[0], (batch, time, units))):
        if tensor.shape != shape:
            call.fail(f"'{tensor.name}' has shape {list(tensor.shape)} instead of {list(shape)}")
    reads = [x, weights, recurrent, *biases, *states]
    _check_own(call, operator, reads)
    for before, after in zip(states, call.outputs[1:], strict=True):
        if before.name in call.variables:
            call.states.append((before, after))
    call.emit(operator, reads, call.outputs)


def _check_own(call: Call, operator: Lstm | Gru, reads: list[Tensor | None]) -> None:
    tensors = [tensor for tensor in (*reads, *call.outputs) if tensor is not None]
    for tensor in (*reads[1:3], *reads[3 : -len(call.outputs) + 1]):
        if tensor is not None and tensor.data is None:
            call.fail(f"its weights or bias '{tensor.name}' are not constant")
    if all(tensor.dtype is DType.F32 for tensor in tensors):
        return
    for tensor in (reads[0], *reads[1 - len(call.outputs) :], *call.outputs):
        call.expect_quantized(tensor)
    for tensor in reads[1:3]:
        if tensor.quantization is None or tensor.quantization.scale.size not in (1, tensor.shape[0]):
            call.fail(f"its weights '{tensor.name}' have not one scale, or one for each row")
        if (tensor.quantization.zero_point != 0).any():
            call.fail(f"its weights '{tensor.name}' have a zero point that is not 0")
    names = [None if tensor is None else tensor.name for tensor in reads]
    node = Node("layer", operator, tuple(names), tuple(tensor.name for tensor in call.outputs))
    given = tuple(tensor.name for tensor in reads if tensor is not None and tensor.data is None)
    graph = Graph("layer", {tensor.name: tensor for tensor in tensors}, (node,), given, node.outputs)
    refusal = refuse_integers(graph, node)
    if refusal is not None:
        call.fail(refusal)
    x, weights, recurrent, bias = reads[:4]
    recurrent_bias = reads[4] if isinstance(operator, Gru) else None
    check_accumulator(call, x, weights, bias, _gate(x), channel_axis=0)
    check_accumulator(call, call.outputs[0], recurrent, recurrent_bias, _gate(x), channel_axis=0)
