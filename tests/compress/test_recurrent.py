"""Quantized recurrent layers stand for the float ones, with and without state between the samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smidgen.compress.batches import BATCH, batch_size
from smidgen.compress.layers import stored_constants
from smidgen.compress.quantize import gather, quantize, reconstruct
from smidgen.errors import UsageError
from smidgen.graph import DType, Graph, Node, State, Tensor
from smidgen.graph.operators import FullyConnected, Gru, Lstm
from smidgen.graph.reference import Reference
from smidgen.graph.reference.quantize import dequantize_array, quantize_array
from smidgen.run import compressing
from smidgen.run.data import DataSource
from smidgen.run.recipe import Recipe

OPERATORS = [Lstm(), Lstm(10.0), Gru(True), Gru(False)]
TIME, INPUTS, UNITS = 6, 5, 8


def network(operator: Lstm | Gru, kept: bool) -> tuple[Graph, np.random.Generator]:
    """A layer and a classifier on all steps; its state is kept, or one constant of zeros is all of it."""
    random = np.random.default_rng(5)
    gates = 4 if isinstance(operator, Lstm) else 3
    tensors = {}

    def add(name: str, shape: tuple[int, ...], data: np.ndarray | None = None) -> str:
        tensors[name] = Tensor(name, shape, DType.F32, None, data)
        return name

    def constant(name: str, *shape: int) -> str:
        return add(name, shape, random.normal(0, 0.4, shape).astype(np.float32))

    count = 2 if isinstance(operator, Lstm) else 1
    zeros = np.zeros((1, UNITS), np.float32)
    read = [add(f"s{i}" if kept else "zeros", zeros.shape, None if kept else zeros) for i in range(count)]
    biases = [constant(f"b{i}", gates * UNITS) for i in range(3 - count)]
    reads = (
        add("x", (1, TIME, INPUTS)),
        constant("w", gates * UNITS, INPUTS),
        constant("r", gates * UNITS, UNITS),
        *biases,
        *read,
    )
    after = [add(f"s{i}_next", zeros.shape) for i in range(count)]
    nodes = (
        Node("layer", operator, reads, (add("h", (1, TIME, UNITS)), *after)),
        Node("classes", FullyConnected(), ("h", constant("v", 3, UNITS), None), (add("y", (1, TIME, 3)),)),
    )
    states = tuple(State(a, b, zeros) for a, b in zip(read, after, strict=True)) if kept else ()
    return Graph("network", tensors, nodes, ("x",), ("y",), states), random


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("operator", OPERATORS)
def test_integers_stand_for_the_floats(operator: Lstm | Gru, kept: bool) -> None:
    """The noise of 40 samples in a row is 30 dB and more below the outputs."""
    graph, random = network(operator, kept)
    samples = [[random.normal(0, 1, (1, TIME, INPUTS)).astype(np.float32)] for _ in range(40)]
    integer = reconstruct(graph, quantize(graph, gather(graph, samples)), samples)
    assert len(integer.states) == len(graph.states)
    x, y = integer.tensor("x"), integer.tensor("y")
    float_states = integer_states = None
    expected, got = [], []
    for sample in samples:
        floats = Reference(graph).run(sample, float_states)
        integers = Reference(integer).run([quantize_array(sample[0], x)], integer_states)
        float_states, integer_states = floats.states, integers.states
        expected.append(floats.outputs[0])
        got.append(dequantize_array(integers.outputs[0], y))
    noise = np.square(np.array(got) - np.array(expected)).mean()
    assert noise <= 1e-3 * np.square(expected).mean()


@pytest.mark.parametrize("operator", OPERATORS)
def test_layers_without_state_run_in_batches(operator: Lstm | Gru) -> None:
    graph, random = network(operator, kept=False)
    samples = [[random.normal(0, 1, (1, TIME, INPUTS)).astype(np.float32)] for _ in range(20)]
    assert batch_size(graph) == BATCH
    assert batch_size(network(operator, kept=True)[0]) == 1
    one_by_one = [gather(graph, [sample])["h"] for sample in samples]
    together = gather(graph, samples)["h"]
    assert together.maximum == pytest.approx(max(one.maximum for one in one_by_one), rel=1e-6)
    assert together.total == sum(one.total for one in one_by_one)


def test_calibration_keeps_state_from_sample_to_sample() -> None:
    graph, random = network(Gru(), kept=True)
    samples = [[random.normal(0, 1, (1, TIME, INPUTS)).astype(np.float32)] for _ in range(4)]
    states = None
    for sample in samples[:-1]:
        states = Reference(graph).run(sample, states).states
    last = Reference(graph).run(samples[-1], states, keep="all").tensors["h"]
    seen = gather(graph, samples)["h"]
    assert seen.minimum <= last.min() and last.max() <= seen.maximum
    zeros = replace(graph.tensor("s0"), data=np.zeros((1, UNITS), np.float32))
    resting = replace(graph, states=(), tensors={**graph.tensors, "s0": zeros})
    assert gather(resting, samples)["h"].maximum != seen.maximum


def test_cells_are_int16_with_a_power_of_two() -> None:
    graph, random = network(Lstm(3.0), kept=True)
    samples = [[random.normal(0, 1, (1, TIME, INPUTS)).astype(np.float32)] for _ in range(4)]
    integer = quantize(graph, gather(graph, samples))
    for name in ("s1", "s1_next"):
        cell = integer.tensor(name)
        assert cell.dtype is DType.I16
        assert 3.0 / 2**15 <= cell.scale <= 2.0**-13
        assert np.frexp(cell.scale)[0] == 0.5
    weights = integer.tensor("w").quantization.scale
    assert all(np.ptp(gate) == 0 for gate in np.split(weights, 4))


def test_bits_of_recurrent_layers_stay_8_and_the_user_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other layers get the bits that were asked for; asking for a recurrent one's own is refused."""
    graph, random = network(Gru(True), kept=False)
    monkeypatch.setattr(compressing, "load_model", lambda path: graph)
    np.savez(tmp_path / "data.npz", x=random.normal(size=(20, TIME, INPUTS)).astype(np.float32))
    data = DataSource(str(tmp_path / "data.npz"))
    warnings: list[str] = []
    made = compressing.compress(tmp_path / "data.npz", Recipe(data=data, bits=4), warn=warnings.append).graph
    stored = {node.id: stored_constants(made, node)[0] for node in made.nodes}
    bits = {name: {one.dtype.bits for one in tensors} for name, tensors in stored.items() if tensors}
    assert bits == {"layer": {8}, "classes": {4}}
    assert any("weights of layer keep 8 bits" in text for text in warnings)
    for layers, words in (({"layer": 4}, "have 8-bit weights"), ({"clases": 4}, "use classes")):
        with pytest.raises(UsageError, match=words):
            compressing.compress(tmp_path / "data.npz", Recipe(data=data, layers=layers))
