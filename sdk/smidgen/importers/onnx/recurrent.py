"""LSTM and GRU, forwards, backwards or both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Concatenation, Gru, Lstm, Operator, StridedSlice
from smidgen.importers.onnx.call import Call, importer
from smidgen.importers.onnx.shape import cut

_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
_EXPORT = "export the layer with its default activations, without peepholes, clipping and lengths"


@dataclass(frozen=True)
class _Layer:
    """x: (batch, time, inputs); directions: whether each runs backwards; batch_first: ONNX's layout 1."""

    x: Tensor
    units: int
    directions: tuple[bool, ...]
    batch_first: bool


# What one direction computes with: its number, x, and the states (batch, units) that it starts from.
_Step = Callable[[int, Tensor, list[Tensor]], list[Tensor]]


@importer("LSTM", makes=(Lstm, StridedSlice, Concatenation))
def lstm(call: Call) -> list[Tensor]:
    """Gates are i, o, f, c in ONNX and i, f, c, o here."""
    call.expect_inputs(3, 8)
    layer = _layer(call, gates=4, functions=["Sigmoid", "Tanh", "Tanh"])
    if call.attribute("input_forget", 0) or call.has(7):
        call.fail("couples its gates or has peepholes, which is not supported", _EXPORT)

    def step(direction: int, x: Tensor, states: list[Tensor]) -> list[Tensor]:
        weights, recurrent, bias, extra = (
            None if rows is None else _gates(rows, 4)[[0, 2, 3, 1]].reshape(rows.shape)
            for rows in _parameters(call, layer, direction)
        )
        both = None if bias is None or extra is None else call.new_constant(bias + extra)
        constants = [call.new_constant(weights), call.new_constant(recurrent), both]
        return _run(call, Lstm(), layer, [x, *constants, *states])

    return _directions(call, layer, step, first_state=5, states=2)


@importer("GRU", makes=(Gru, StridedSlice, Concatenation))
def gru(call: Call) -> list[Tensor]:
    call.expect_inputs(3, 6)
    layer = _layer(call, gates=3, functions=["Sigmoid", "Tanh"])
    operator = Gru(reset_after=call.attribute("linear_before_reset", 0) != 0)

    def step(direction: int, x: Tensor, states: list[Tensor]) -> list[Tensor]:
        constants = [
            None if rows is None else call.new_constant(rows) for rows in _parameters(call, layer, direction)
        ]
        return _run(call, operator, layer, [x, *constants, *states])

    return _directions(call, layer, step, first_state=5, states=1)


def _layer(call: Call, gates: int, functions: list[str]) -> _Layer:
    """Check what all directions share."""
    x = call.floats(0)
    if len(x.shape) != 3:
        call.fail(f"its input has shape {list(x.shape)}; 3 dimensions are needed")
    directions = _DIRECTIONS.get(call.attribute("direction", "forward"))
    if directions is None:
        call.fail(f"its direction is {call.attribute('direction', '')!r}")
    if call.has_attribute("activations"):
        found = next(one for one in call.file.attribute if one.name == "activations").strings
        names = [name.decode("utf-8", "replace") for name in found]
        if names != functions * len(directions):
            call.fail(f"its activations are {names}; only {functions} are supported", _EXPORT)
    if call.has_attribute("clip"):
        call.fail("limits the inputs of its gates, which is not supported", _EXPORT)
    batch_first = call.attribute("layout", 0) != 0
    x = x if batch_first else call.transpose(x, (1, 0, 2))
    if call.has(4) and any(length != x.shape[1] for length in call.integers(4, "lengths")):
        call.fail("has sequences shorter than its input, which is not supported", _EXPORT)
    recurrent = call.constant(2, "recurrent weights")
    units = recurrent.shape[-1] if recurrent.ndim else 0
    expected = {
        1: (len(directions), gates * units, x.shape[2]),
        2: (len(directions), gates * units, units),
        3: (len(directions), 2 * gates * units),
    }
    for index, shape in expected.items():
        if index < 3 or call.has(index):
            array = call.constant(index, "weights")
            if array.shape != shape or array.dtype != np.float32:
                call.fail(
                    f"its input {index} has shape {list(array.shape)}; float32 and {list(shape)} are needed"
                )
    return _Layer(x, units, directions, batch_first)


def _gates(rows: np.ndarray, gates: int) -> np.ndarray:
    return rows.reshape(gates, -1, *rows.shape[1:])


def _parameters(call: Call, layer: _Layer, direction: int) -> list[np.ndarray | None]:
    """Weights, recurrent weights and both biases of one direction."""
    weights, recurrent = (call.constant(index, "weights")[direction] for index in (1, 2))
    if not call.has(3):
        return [weights, recurrent, None, None]
    bias = call.constant(3, "bias")[direction]
    return [weights, recurrent, bias[: len(bias) // 2], bias[len(bias) // 2 :]]


def _run(call: Call, operator: Operator, layer: _Layer, inputs: Sequence[Tensor | None]) -> list[Tensor]:
    batch, time, _ = layer.x.shape
    states = 2 if isinstance(operator, Lstm) else 1
    shapes = [(batch, time, layer.units), *[(batch, layer.units)] * states]
    return call.emit_many(operator, inputs, shapes)


def _directions(call: Call, layer: _Layer, step: _Step, first_state: int, states: int) -> list[Tensor]:
    """Run every direction, and join their outputs as ONNX has them."""
    batch, time, _ = layer.x.shape
    parts: list[list[Tensor]] = []
    for direction, backwards in enumerate(layer.directions):
        x = _reversed(call, layer.x) if backwards else layer.x
        begin = [_state(call, layer, first_state + place, direction) for place in range(states)]
        y, *end = step(direction, x, begin)
        parts.append([_reversed(call, y) if backwards else y, *end])
    sequence = _joined(call, [call.reshape(part[0], (batch, time, 1, layer.units)) for part in parts], 2)
    if not layer.batch_first:
        sequence = call.transpose(sequence, (1, 2, 0, 3))
    results = [sequence]
    for place in range(states):
        axis = 1 if layer.batch_first else 0
        shape = (batch, 1, layer.units) if layer.batch_first else (1, batch, layer.units)
        results.append(_joined(call, [call.reshape(part[1 + place], shape) for part in parts], axis))
    return results


def _joined(call: Call, tensors: list[Tensor], axis: int) -> Tensor:
    if len(tensors) == 1:
        return tensors[0]
    shape = list(tensors[0].shape)
    shape[axis] = len(tensors)
    return call.emit(Concatenation(axis), tensors, shape)


def _reversed(call: Call, x: Tensor) -> Tensor:
    """The steps of x (batch, time, ...) from the last to the first."""
    return call.emit(StridedSlice((0, x.shape[1] - 1, 0), (1, -1, 1)), [x], x.shape)


def _state(call: Call, layer: _Layer, index: int, direction: int) -> Tensor:
    """The state (batch, units) that a direction starts from: zeros unless the file has another."""
    shape = (layer.x.shape[0], layer.units)
    if not call.has(index):
        return call.new_constant(np.zeros(shape, np.float32))
    state = call.floats(index, "initial state")
    axis = 1 if layer.batch_first else 0
    expected = [*shape]
    expected.insert(axis, len(layer.directions))
    if state.dtype is not DType.F32 or state.shape != tuple(expected):
        call.fail(f"its initial state has shape {list(state.shape)}; {expected} is needed")
    if state.data is not None:
        return call.new_constant(np.take(state.data, direction, axis), state.name)
    return call.reshape(cut(call, state, axis, direction, 1, 1), shape)
