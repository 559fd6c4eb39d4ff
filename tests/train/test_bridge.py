"""A Keras model of a graph computes what the integer reference does, and gives the graph back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install 'smidgen[train]'")

from float_nodes import NODES, float_inputs, float_node
from train_graphs import KINDS, computed, expected, graph_of, random_graph, random_samples, reals

from smidgen.compress import requantize_weights
from smidgen.compress.evidence import quantize_samples
from smidgen.compress.quantize import gather, quantize
from smidgen.errors import ModelError, UsageError
from smidgen.graph import DType, Graph, Node, State, Tensor
from smidgen.graph.operators import Add, Conv2D, Operator
from smidgen.graph.reference import run
from smidgen.graph.reference.quantize import dequantize_array, quantize_array
from smidgen.importers import load_model
from smidgen.train.bridge import from_keras, to_keras
from smidgen.train.tensorflow import tf

pytestmark = pytest.mark.slow
COUNT = 12


def keras_tensors(graph: Graph, samples, training: bool, learn_scales: bool = False) -> dict[str, np.ndarray]:
    """Every computed tensor, as real values; one sample at a time where the graph takes no more."""
    names = computed(graph)
    model = to_keras(graph, names, learn_scales)
    together = model.inputs[0].shape[0] is None
    batches = [reals(graph, samples)] if together else [reals(graph, [sample]) for sample in samples]
    forward = tf.function(lambda inputs: model(inputs, training=training))
    results = [forward([tf.constant(x) for x in batch]) for batch in batches]
    return {
        name: np.concatenate([np.asarray(result[index]) for result in results])
        for index, name in enumerate(names)
    }


def assert_evaluation_is_the_reference(graph: Graph, samples) -> None:
    given = keras_tensors(graph, samples, training=False)
    for name, integers in expected(graph, samples).items():
        tensor = graph.tensor(name)
        np.testing.assert_array_equal(given[name], dequantize_array(integers, tensor), err_msg=name)
        np.testing.assert_array_equal(quantize_array(given[name], tensor), integers, err_msg=name)


def assert_training_is_within_a_step(graph: Graph, samples) -> None:
    given = keras_tensors(graph, samples, training=True, learn_scales=True)
    for name, integers in expected(graph, samples).items():
        tensor = graph.tensor(name)
        steps = np.abs(quantize_array(given[name], tensor).astype(int) - integers)
        assert steps.max() <= 1, name
        assert (steps > 0).mean() <= 0.001, name


@pytest.mark.parametrize("bits", [8, 4, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_each_operator_is_the_reference(kind: str, bits: int) -> None:
    graph = graph_of(kind, bits)
    assert_evaluation_is_the_reference(graph, random_samples(graph, 2, COUNT))


@pytest.mark.parametrize("name", NODES)
def test_each_operator_that_the_quantizer_makes_is_the_reference(name: str) -> None:
    graph, known = float_node(name), float_inputs(name, COUNT, 1)
    given = [np.asarray(to_keras(graph)([one[0]], training=True)) for one in known[:2]]
    for one, y in zip(known, given, strict=False):
        np.testing.assert_allclose(y, run(graph, one).outputs[0], rtol=1e-4, atol=1e-4)
    integer = quantize(graph, gather(graph, known), 4, "minmax")
    samples = quantize_samples(integer, known)
    assert_evaluation_is_the_reference(integer, samples)
    assert_training_is_within_a_step(integer, samples)
    x = tf.constant(known[0][0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(to_keras(integer)([x], training=True))
    assert np.isfinite(tape.gradient(total, x).numpy()).all()


@pytest.mark.parametrize("seed", range(12))
def test_random_graph_is_the_reference(seed: int) -> None:
    graph = random_graph(seed, (8, 4, 2)[seed % 3])
    samples = random_samples(graph, seed, COUNT)
    assert_evaluation_is_the_reference(graph, samples)
    assert_training_is_within_a_step(graph, samples)


@pytest.mark.parametrize("bits", [8, 4, 2])
@pytest.mark.parametrize("name", ["kws", "ic", "vww"])
def test_model_is_the_reference(name: str, bits: int, shared_data: Path) -> None:
    graph = load_model(shared_data / "mlperf_tiny" / f"{name}_int8.tflite")
    if bits < 8:
        graph = requantize_weights(graph, bits)
    samples = random_samples(graph, bits, 4)
    assert_evaluation_is_the_reference(graph, samples)
    assert_training_is_within_a_step(graph, samples)


def test_sums_past_24_bits_are_exact() -> None:
    """4,000 products of the largest numbers, and a bias of almost 2**31."""
    maker_graph = graph_of("conv", 8)
    node = next(one for one in maker_graph.nodes if isinstance(one.operator, Conv2D))
    weights, bias = (maker_graph.tensor(name) for name in node.inputs[1:])
    large = {
        weights.name: Tensor(weights.name, weights.shape, DType.I8, weights.quantization,
                             np.full(weights.shape, 127, np.int8)),
        bias.name: Tensor(bias.name, bias.shape, DType.I32, bias.quantization,
                          np.linspace(-(2**31), 2**31 - 9_000_001, bias.elements).astype(np.int32)),
    }  # fmt: skip
    graph = Graph(
        "large", {**maker_graph.tensors, **large}, maker_graph.nodes, maker_graph.inputs, maker_graph.outputs
    )
    assert_evaluation_is_the_reference(graph, random_samples(graph, 3, COUNT))


@pytest.mark.parametrize("name", ["kws", "ic", "vww", "ad"])
def test_float_model_gives_the_reference_outputs(name: str, shared_data: Path) -> None:
    graph = load_model(shared_data / "mlperf_tiny" / f"{name}_float.tflite")
    rng = np.random.default_rng(1)
    sample = [rng.uniform(0, 1, graph.tensor(one).shape).astype(np.float32) for one in graph.inputs]
    given = np.asarray(to_keras(graph)(sample, training=True))
    np.testing.assert_allclose(given, run(graph, sample).outputs[0], rtol=1e-4, atol=1e-5)
    assert_same_constants(from_keras(to_keras(graph), graph), graph, 1e-6)


@pytest.mark.parametrize("learn_scales", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_untrained_model_gives_its_graph_back(seed: int, learn_scales: bool) -> None:
    graph = random_graph(seed, (8, 4, 2)[seed])
    assert_same_constants(from_keras(to_keras(graph, learn_scales=learn_scales), graph), graph, 0)


def assert_same_constants(one: Graph, other: Graph, tolerance: float) -> None:
    for name, tensor in other.tensors.items():
        back = one.tensor(name)
        assert (back.shape, back.dtype) == (tensor.shape, tensor.dtype)
        if tensor.data is not None:
            np.testing.assert_allclose(back.data, tensor.data, rtol=tolerance, err_msg=name)
            if tensor.quantization is not None:
                np.testing.assert_array_equal(back.quantization.scale, tensor.quantization.scale)


@pytest.mark.parametrize("seed", range(3))
def test_changed_variables_come_back_as_they_compute(seed: int) -> None:
    """After random changes to weights, scales and biases, the graph computes what the model computes."""
    graph = random_graph(seed, (8, 4, 2)[seed])
    model = to_keras(graph, learn_scales=True)
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        noise = rng.normal(1, 0.2, variable.shape)
        variable.assign(
            variable.numpy() * noise + (variable.name == "scale") * rng.normal(0, 0.1, variable.shape)
        )
    changed = from_keras(model, graph)
    samples = random_samples(graph, seed, COUNT)
    name = graph.outputs[0]
    together = model.inputs[0].shape[0] is None
    batches = [reals(graph, samples)] if together else [reals(graph, [sample]) for sample in samples]
    given = np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])
    assert any(
        not np.array_equal(tensor.data, changed.tensor(one).data)
        for one, tensor in graph.tensors.items()
        if tensor.data is not None
    )
    np.testing.assert_array_equal(
        given, dequantize_array(expected(changed, samples)[name], graph.tensor(name))
    )


def test_gradients_reach_every_variable() -> None:
    graph = random_graph(0, 4)
    model = to_keras(graph, [graph.nodes[-1].inputs[0]], learn_scales=True)
    x = reals(graph, random_samples(graph, 1, 1))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.square(model([tf.constant(one) for one in x], training=True)))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(total, model.trainable_variables), strict=True
    ):
        assert gradient is not None and np.isfinite(gradient.numpy()).all(), variable.path


class Unknown(Operator):
    type_name = "UNKNOWN"


def test_all_unknown_operators_are_named_at_once() -> None:
    graph = graph_of("relu", 8)
    nodes = [
        Node(node.id, Unknown(), node.inputs, node.outputs) if index < 2 else node
        for index, node in enumerate(graph.nodes)
    ]
    other = Graph("other", graph.tensors, tuple(nodes), graph.inputs, graph.outputs)
    with pytest.raises(ModelError) as caught:
        to_keras(other)
    assert [problem.where for problem in caught.value.problems] == [
        f"other: UNKNOWN '{n.id}'" for n in nodes[:2]
    ]


def test_types_without_a_layer_are_refused_by_name() -> None:
    x, y = (Tensor(name, (1, 4), DType.I32) for name in "xy")
    one = Tensor("one", (1, 4), DType.I32, None, np.ones((1, 4), np.int32))
    graph = Graph(
        "whole", {"x": x, "y": y, "one": one}, (Node("sum", Add(), ("x", "one"), ("y",)),), ("x",), ("y",)
    )
    with pytest.raises(ModelError, match="input 'x'"):
        to_keras(graph)


def test_state_is_refused() -> None:
    graph = graph_of("relu", 8)
    zeros = np.zeros((1, 5), np.int8)
    tensors = {
        **graph.tensors,
        "s": Tensor("s", (1, 5), DType.I8, graph.tensor(graph.outputs[0]).quantization),
    }
    kept = (State("s", graph.outputs[0], zeros),)
    with pytest.raises(ModelError, match="state"):
        to_keras(Graph("kept", tensors, graph.nodes, graph.inputs, graph.outputs, kept))


def test_unknown_output_and_foreign_graph_are_refused() -> None:
    graph = graph_of("relu", 8)
    with pytest.raises(UsageError, match="'nothing'"):
        to_keras(graph, ["nothing"])
    for other in (graph_of("conv", 8), graph_of("relu", 4)):
        with pytest.raises(UsageError, match="no such layer"):
            from_keras(to_keras(graph), other)
