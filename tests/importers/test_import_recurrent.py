"""Wrong recurrent layers are refused with what is wrong; state goes out and comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from import_recurrent_cases import UNITS, lstm, own, rows, state
from operator_model import OperatorModel

from smidgen.cli import main
from smidgen.errors import ModelError, UsageError
from smidgen.exporters.tflite import export_tflite
from smidgen.graph import operators as op
from smidgen.graph.reference import Reference
from smidgen.importers import tflite

Damage = Callable[[OperatorModel], None]
_PATH = Path("model.tflite")


def _input(position: int, maker: Callable[[OperatorModel], int]) -> Damage:
    def damage(m: OperatorModel) -> None:
        m.builder.graph.operators[0].inputs[position] = maker(m)

    return damage


def _option(**options: object) -> Damage:
    return lambda m: vars(m.builder.graph.operators[0].builtinOptions).update(options)


def _scale(position: int, scale: float) -> Damage:
    def damage(m: OperatorModel) -> None:
        tensor = m.builder.graph.tensors[m.builder.graph.operators[0].inputs[position]]
        tensor.quantization.scale = [scale]

    return damage


def _tiny_steps(m: OperatorModel) -> None:
    operator = m.builder.graph.operators[0]
    for index in (operator.inputs[18], operator.outputs[0]):
        m.builder.graph.tensors[index].quantization.scale = [1e-20]


def _weights_with_a_zero_point(m: OperatorModel) -> None:
    m.builder.graph.tensors[m.builder.graph.operators[0].inputs[1]].quantization.zeroPoint = [3]


def _read_twice(m: OperatorModel) -> None:
    h = m.builder.graph.operators[0].inputs[18]
    m.builder.operator("RELU", [h], [m.y(1, UNITS)])


def _as_input(m: OperatorModel) -> None:
    m.builder.graph.inputs.append(m.builder.graph.operators[0].inputs[18])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_input(9, lambda m: rows(m, UNITS, UNITS)), "peephole"),
        (_input(16, lambda m: rows(m, UNITS, UNITS)), "projection"),
        (_input(20, lambda m: rows(m, UNITS, UNITS)), "layer normalization"),
        (_input(1, lambda m: -1), "weights .input 1. is absent"),
        (_input(6, lambda m: rows(m, UNITS, UNITS + 1)), r"shape \[5, 6\] instead of \[5, 5\]"),
        (_input(12, lambda m: -1), "some of its gates have a bias"),
        (_input(18, lambda m: state(m, variable=False)), "not a variable tensor"),
        (_input(18, lambda m: state(m, cell=True)), "instead of i8 and i16"),
        (_option(fusedActivationFunction=1), "not TANH"),
        (_option(cellClip=-1.0), "cell clip -1"),
        (_option(projClip=1.0), "clipped projection"),
        (_scale(19, 0.001), "not a power of two"),
        (_scale(18, 0.25), "quantized differently"),
        (_scale(2, 1e6), "scale"),
        (_tiny_steps, "scale of its hidden state"),
        (_weights_with_a_zero_point, "zero point that is not 0"),
        (_read_twice, "only one recurrent layer may do"),
        (_as_input, "an input of the model and a variable tensor"),
    ],
)
def test_a_wrong_lstm_is_refused(damage: Damage, words: str) -> None:
    model = OperatorModel("int8")
    lstm(model)
    damage(model)
    with pytest.raises(ModelError, match=words):
        tflite.load(model.builder.build(), _PATH)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_input(1, lambda m: rows(m, 3 * UNITS, UNITS)), "instead of"),
        (_input(2, lambda m: state(m)), "shape"),
        (_input(5, lambda m: state(m, cell=True)), "i16, not i8"),
        (_scale(5, 0.25), "different quantizations"),
        (_weights_with_a_zero_point, "zero point that is not 0"),
    ],
)
def test_a_wrong_gru_is_refused(damage: Damage, words: str) -> None:
    model = OperatorModel("int8")
    own(model, op.Gru())
    damage(model)
    with pytest.raises(ModelError, match=words):
        tflite.load(model.builder.build(), _PATH)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("operator", [op.Lstm(10.0), op.Gru(True), op.Gru(False)])
def test_state_is_kept_by_what_is_exported(operator: op.Lstm | op.Gru, dtype: str) -> None:
    model = OperatorModel(dtype)
    own(model, operator)
    graph = tflite.load(model.builder.build(), _PATH)
    again = tflite.load(export_tflite(graph), _PATH)
    assert again.nodes[0].id.startswith("smidgen.") == isinstance(operator, op.Gru)
    ours = theirs = None
    for _ in range(3):
        x = model.random.integers(-128, 128, graph.tensor(graph.inputs[0]).shape)
        x = x.astype(graph.tensor(graph.inputs[0]).dtype.numpy)
        before, after = Reference(graph).run([x], ours), Reference(again).run([x], theirs)
        assert np.array_equal(before.outputs[0], after.outputs[0])
        assert any(np.any(value != before.states[name]) for name, value in (ours or {}).items()) or not ours
        ours, theirs = before.states, after.states


def test_a_state_that_does_not_start_from_zero_is_not_exported() -> None:
    model = OperatorModel("float32")
    own(model, op.Gru())
    graph = tflite.load(model.builder.build(), _PATH)
    (only,) = graph.states
    with pytest.raises(UsageError, match="does not start from zero"):
        export_tflite(replace(graph, states=(replace(only, initial=only.initial + 1),)))


def _validate(model: OperatorModel, target: str, against: str, folder: Path) -> int:
    path = model.builder.save(folder / "model.tflite")
    options = ["-m", path, "-t", target, "--against", against, "--layers", "--limit", 3]
    return main(["validate", *map(str, options)])


def test_lstm_keeps_its_state_on_the_host_as_in_the_oracle(tmp_path: Path) -> None:
    model = OperatorModel("int8")
    lstm(model, cell_clip=10.0)
    assert _validate(model, "host", "tflm", tmp_path) == 0


@pytest.mark.slow
def test_why_an_lstm_differs_from_litert_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recurrent weights so large that gates saturate."""
    model = OperatorModel("int8")
    lstm(model)
    for position in range(5, 9):
        _scale(position, 0.1)(model)
    assert _validate(model, "host", "tflm", tmp_path) == 0
    assert _validate(model, "host", "litert", tmp_path) != 0
    assert "LiteRT's integer LSTM rounds" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
@pytest.mark.parametrize("target", ["host", "midge-rv32imc", "microbit", "mps2-an386"])
@pytest.mark.parametrize("operator", [op.Lstm(), op.Gru(True), op.Gru(False)])
def test_state_is_kept_on_targets(operator: op.Lstm | op.Gru, target: str, tmp_path: Path) -> None:
    model = OperatorModel("int8")
    own(model, operator)
    assert _validate(model, target, "reference", tmp_path) == 0
