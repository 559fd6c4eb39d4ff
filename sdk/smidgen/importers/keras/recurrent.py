"""LSTM, GRU, and Bidirectional layers of both."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from smidgen.graph import Tensor
from smidgen.graph.operators import Add, Concatenation, Gru, Lstm, Mul, StridedSlice
from smidgen.importers.keras.call import Call, layer

_CLASSES = ("LSTM", "GRU")


@layer("LSTM", makes=[Lstm, StridedSlice])
def lstm(call: Call) -> list[Tensor]:
    return _recurrent(call, "LSTM", "cell", _initial(call, 2))


@layer("GRU", makes=[Gru, StridedSlice])
def gru(call: Call) -> list[Tensor]:
    return _recurrent(call, "GRU", "cell", _initial(call, 1))


@layer("Bidirectional", makes=[Lstm, Gru, StridedSlice, Concatenation, Add, Mul])
def bidirectional(call: Call) -> list[Tensor]:
    """The results of both directions, in the order of the input's steps, merged; then the states of both."""
    if call.kwargs.get("initial_state") is not None or len(call.tensors) != 1:
        call.fail("is called with an initial state, which is not supported")
    class_name, forward = _inner(call, call.option("layer"))
    if call.option("backward_layer") is None:
        backward = {**forward, "go_backwards": not forward.get("go_backwards", False)}
    else:
        other, backward = _inner(call, call.option("backward_layer"))
        if other != class_name:
            call.fail(f"has a {class_name} for one direction and a {other} for the other")
    results = []
    for part, config in (("forward_layer", forward), ("backward_layer", backward)):
        results.append(_recurrent(call.within(config), class_name, f"{part}/cell", None))
    (first, *states), (second, *more_states) = results
    if forward.get("return_sequences"):
        second = _reversed(call, second)
    return [*_merged(call, first, second), *states, *more_states]


def _inner(call: Call, value: object) -> tuple[str, Mapping[str, object]]:
    """(class name, configuration) of the layer in a Bidirectional one."""
    class_name = value.get("class_name") if isinstance(value, Mapping) else value
    if class_name not in _CLASSES or not isinstance(value["config"], Mapping):  # type: ignore[index]
        call.fail(f"holds a {str(class_name)[:80]}; only LSTM and GRU are supported in it")
    return class_name, value["config"]  # type: ignore[index,return-value]


def _merged(call: Call, first: Tensor, second: Tensor) -> list[Tensor]:
    mode = call.option("merge_mode", "concat")
    if first.shape != second.shape:
        call.fail(f"its directions give {list(first.shape)} and {list(second.shape)}")
    match mode:
        case "concat":
            shape = (*first.shape[:-1], 2 * first.shape[-1])
            return [call.emit(Concatenation(len(shape) - 1), [first, second], shape)]
        case "sum":
            return [call.emit(Add(), [first, second], first.shape)]
        case "mul":
            return [call.emit(Mul(), [first, second], first.shape)]
        case "ave":
            total = call.emit(Add(), [first, second], first.shape)
            return [call.emit(Mul(), [total, call.constant("half", np.float32(0.5))], total.shape)]
        case None:
            return [first, second]
    call.fail(f"its merge_mode is {str(mode)[:80]!r}")


def _initial(call: Call, count: int) -> list[Tensor] | None:
    """The states that the layer is called with; None when it starts from zeros or keeps its own."""
    given = call.kwargs.get("initial_state")
    states = list(given) if isinstance(given, list | tuple) else [] if given is None else [given]
    states += call.tensors[1:]
    if not states:
        return None
    if len(states) != count or not all(isinstance(state, Tensor) for state in states):
        call.fail(f"is called with {len(states)} initial states instead of {count}")
    return states  # type: ignore[return-value]


def _recurrent(call: Call, class_name: str, part: str, initial: list[Tensor] | None) -> list[Tensor]:
    """[the result, and the states after the last step where the layer returns them]."""
    call.refuse_argument("mask")
    for name, expected in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        if call.option(name, expected) != expected:
            call.fail(f"its {name} is {str(call.option(name))[:80]!r}; only '{expected}' is supported")
    if call.flag("time_major"):
        call.fail("has time_major", "build the model with the batch first")
    x, units = call.tensors[0] if call.tensors else call.x, call.integer("units")
    call.expect_rank(x, 3)
    call.expect_float(x)
    batch, steps, inputs = x.shape
    if call.flag("go_backwards"):
        x = _reversed(call, x)
    shape = (batch, units)
    if class_name == "LSTM":
        operator, count = Lstm(), 2
        parameters = _parameters(call, part, inputs, units, 4)[:3]
    else:
        operator, count = Gru(call.flag("reset_after", call.keras_version == 3)), 1
        parameters = _parameters(call, part, inputs, units, 3)
    stateful = call.flag("stateful")
    if stateful and (initial or part != "cell"):
        call.fail("keeps its state, which is supported neither in both directions nor with an initial state")
    if initial:
        before = initial
    elif stateful:
        before = [call.builder.state(f"{call.name}/state", shape) for _ in range(count)]
    else:
        before = [call.constant("zeros", np.zeros(shape, np.float32))] * count
    if any(tensor.shape != shape for tensor in before):
        call.fail(f"its initial states have shapes other than {list(shape)}")
    outputs = [(batch, steps, units), *[shape] * count]
    y, *after = call.emit_all(operator, [x, *parameters, *before], outputs)
    if stateful:
        for old, new in zip(before, after, strict=True):
            call.builder.keep(old, new)
        while call.weights.take("") is not None:
            pass  # the values that the states had when the model was saved
    result = y if call.flag("return_sequences") else after[0]
    return [result, *after] if call.flag("return_state") else [result]


def _parameters(call: Call, part: str, inputs: int, units: int, gates: int) -> list[Tensor | None]:
    """[weights, recurrent weights, bias, recurrent bias]; Keras has the gates in the same order."""
    size = gates * units
    kernel = call.weight("kernel", (inputs, size), part)
    recurrent = call.weight("recurrent kernel", (units, size), part)
    two = gates == 3 and call.flag("reset_after", call.keras_version == 3)
    biases: list[Tensor | None] = [None, None]
    if call.flag("use_bias", True):
        values = call.weight("bias", (2, size) if two else (size,), part).reshape(-1, size)
        biases = [call.constant(f"{part}/bias_{number}", row) for number, row in enumerate(values)]
        biases += [None] * (2 - len(biases))
    weights = [
        call.constant(f"{part}/kernel", kernel.T), call.constant(f"{part}/recurrent_kernel", recurrent.T)
    ]  # fmt: skip
    return [*weights, *biases]


def _reversed(call: Call, x: Tensor) -> Tensor:
    """With its steps in the other order."""
    return call.emit(StridedSlice((0, x.shape[1] - 1, 0), (1, -1, 1)), [x], x.shape)
