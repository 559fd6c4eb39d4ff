"""Recurrent layers: Lstm is what TensorFlow Lite Micro and LiteRT compute, int8 Gru keeps its bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from recurrent_graphs import Recurrent, lstm_file
from tflite_micro import runtime

from smidgen.errors import ModelError
from smidgen.graph import DType, Graph, Quantization
from smidgen.graph.operators import Gru, Lstm
from smidgen.graph.reference import Reference

CLIPS = (0.0, 10.0, 0.7)


def states_of(graph: Graph) -> dict[str, np.ndarray]:
    return {state.tensor: state.initial for state in graph.states}


@pytest.mark.parametrize("seed", range(24))
def test_int8_lstm_equals_tensorflow_lite_micro_run_after_run(seed: int) -> None:
    layer = Recurrent(Lstm(CLIPS[seed % 3]), seed)
    graph = layer.graph()
    interpreter = runtime.Interpreter.from_bytes(lstm_file(graph), arena_size=1 << 20)
    ours, states = Reference(graph), states_of(graph)
    for x in layer.values(graph):
        result = ours.run([x], states)
        states = result.states
        interpreter.set_input(x, 0)
        interpreter.invoke()
        assert np.array_equal(result.outputs[0], interpreter.get_output(0))


@pytest.mark.parametrize("seed", range(6))
def test_float_lstm_is_that_of_litert_run_after_run(seed: int) -> None:
    layer = Recurrent(Lstm(CLIPS[seed % 3]), seed, is_float=True)
    graph = layer.graph()
    resolver = OpResolverType.BUILTIN_REF
    interpreter = Interpreter(model_content=lstm_file(graph), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    interpreter.reset_all_variables()
    ours, states = Reference(graph), states_of(graph)
    for x in layer.values(graph):
        result = ours.run([x], states)
        states = result.states
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        np.testing.assert_allclose(result.outputs[0], theirs, 1e-5, 1e-5)


def as_float(graph: Graph) -> Graph:
    """The exact function of the integers: every constant as the number it stands for."""

    def real(tensor):
        data = tensor.data
        if data is not None:
            scale = np.asarray(tensor.quantization.scale, np.float64)
            data = (data * scale.reshape(-1, *[1] * (data.ndim - 1))).astype(np.float32)
        return replace(tensor, dtype=DType.F32, quantization=None, data=data)

    tensors = {name: real(tensor) for name, tensor in graph.tensors.items()}
    states = tuple(replace(state, initial=state.initial.astype(np.float32)) for state in graph.states)
    return replace(graph, tensors=tensors, states=states)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_an_int8_step_of_a_gru_stays_within_its_bound(seed: int, reset_after: bool) -> None:
    layer = Recurrent(Gru(reset_after), seed)
    graph = layer.graph()
    x = layer.values(graph, 1)[0][:, :1]
    shapes = {"x": x.shape, "y": (*graph.tensor("h").shape[:1], 1, layer.units)}
    tensors = {name: replace(t, shape=shapes.get(name, t.shape)) for name, t in graph.tensors.items()}
    graph, h_tensor = replace(graph, tensors=tensors), graph.tensor("h")
    unit = round(1 / h_tensor.scale)
    h = np.clip(layer.random.integers(-unit, unit + 1, h_tensor.shape) + h_tensor.zero_point, -128, 127)
    x_tensor = graph.tensor("x")
    reals = [
        ((values.astype(np.float64) - t.zero_point) * t.scale).astype(np.float32)
        for values, t in ((x, x_tensor), (h, h_tensor))
    ]
    ours = Reference(graph).run([x], {"h": h.astype(np.int8)}).outputs[0]
    floats = as_float(graph)
    exact = Reference(floats).run([reals[0]], {"h": reals[1]}).outputs[0]
    steps = np.clip(exact / h_tensor.scale + h_tensor.zero_point, -128, 127)
    new = slice(2 * layer.units, None)
    recurrent, bias = (np.abs(floats.tensor(name).data[new]) for name in ("r", "d"))
    reset = (np.abs(reals[1]) @ recurrent.T + bias).max()
    assert np.abs(ours - steps).max() <= 0.5 + (8 + reset) / 6000 / h_tensor.scale


@pytest.mark.parametrize("operator", [Lstm(), Gru(True), Gru(False)])
def test_two_runs_are_one_run_of_all_steps(operator: Lstm | Gru) -> None:
    layer = Recurrent(operator, 4)
    graph = layer.graph()
    x = layer.values(graph, 1)[0]
    assert x.shape[1] > 1
    whole = Reference(graph).run([x])
    parts, states = [], None
    for step in np.split(x, x.shape[1], axis=1):
        shapes = {"x": step.shape, "y": (*step.shape[:2], layer.units)}
        tensors = {name: replace(t, shape=shapes.get(name, t.shape)) for name, t in graph.tensors.items()}
        result = Reference(replace(graph, tensors=tensors)).run([step], states)
        states = result.states
        parts.append(result.outputs[0])
    assert np.array_equal(np.concatenate(parts, axis=1), whole.outputs[0])
    for name, value in whole.states.items():
        assert np.array_equal(states[name], value)


@pytest.mark.parametrize(
    ("operator", "tensor", "change"),
    [
        (Lstm(), "c", Quantization.per_tensor(0.001, 0)),
        (Lstm(), "y", Quantization.per_tensor(0.5, 0)),
        (Gru(), "h_next", Quantization.per_tensor(0.5, 0)),
    ],
)
def test_other_quantizations_have_no_meaning(operator: Lstm | Gru, tensor: str, change: Quantization) -> None:
    graph = Recurrent(operator, 1).graph()
    changed = replace(graph.tensor(tensor), quantization=change)
    with pytest.raises(ModelError, match="there is no reference for its types"):
        Reference(replace(graph, tensors={**graph.tensors, tensor: changed}))
