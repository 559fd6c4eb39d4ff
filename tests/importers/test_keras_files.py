"""Keras files of every kind come in as what they say, without Keras; expectations are NumPy's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from keras_files import (
    called,
    functional,
    h5_file,
    input_layer,
    keras_file,
    keras_tensor,
    layer,
    operation,
    sequential,
)

from smidgen.graph import Graph
from smidgen.graph.operators import Activation, Add, Conv2D, FullyConnected, HardSigmoid, Softmax
from smidgen.graph.reference import Reference
from smidgen.importers import keras, load_model

RNG = np.random.default_rng(7)
KERNEL, BIAS = RNG.normal(size=(4, 3)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
X = RNG.normal(size=(1, 4)).astype(np.float32)


def loaded(content: bytes, name: str = "model.keras") -> Graph:
    return keras.load(content, Path(name))


def result(graph: Graph, *inputs: np.ndarray) -> np.ndarray:
    return Reference(graph).run(list(inputs)).outputs[0]


def kinds(graph: Graph) -> list[type]:
    return [type(node.operator) for node in graph.nodes]


def test_sequential_keras_file() -> None:
    model = sequential(
        input_layer([None, 4]),
        layer("Dense", "dense", units=3, activation="relu"),
        layer("Dropout", "rest", rate=0.5),
    )
    graph = loaded(keras_file(model, {"dense": [KERNEL, BIAS]}), "my model.keras")
    assert graph.name == "my_model"
    assert [node.operator for node in graph.nodes] == [FullyConnected(Activation.RELU)]
    np.testing.assert_allclose(result(graph, X), np.maximum(X @ KERNEL + BIAS, 0), rtol=1e-5)


def test_functional_keras_file_with_operations_and_shared_layer() -> None:
    """dense(a) + 2 * dense(b): the same weights twice."""
    dense = called(called(layer("Dense", "dense", units=3), "a"), "b")
    double = called(operation("Multiply", "double"), keras_tensor("dense", 1), 2.0)
    total = called(operation("Add", "total"), "dense", "double")
    layers = [input_layer([None, 4], "a"), input_layer([None, 4], "b"), dense, double, total]
    content = keras_file(
        functional(layers, [["a", 0, 0], ["b", 0, 0]], ["total", 0, 0]), {"dense": [KERNEL, BIAS]}
    )
    graph = loaded(content)
    other = X[:, ::-1].copy()
    expected = X @ KERNEL + BIAS + 2 * (other @ KERNEL + BIAS)
    assert graph.inputs == ("a", "b")
    np.testing.assert_allclose(result(graph, X, other), expected, rtol=1e-5)


def test_model_in_a_model_is_called_twice() -> None:
    kernel = RNG.normal(size=(4, 4)).astype(np.float32)
    inner = sequential(
        input_layer([None, 4], "x"), layer("Dense", "dense", units=4, use_bias=False), name="inner"
    )
    inner |= {"name": "inner"}
    inner = called(called(inner, "image"), "inner")
    model = functional([input_layer([None, 4]), inner], ["image", 0, 0], ["inner", 1, 0])
    graph = loaded(keras_file(model, {"sequential/layers/dense": [kernel]}))
    assert [node.id for node in graph.nodes] == ["inner/dense", "inner/dense_2"]
    np.testing.assert_allclose(result(graph, X), X @ kernel @ kernel, rtol=1e-4)


def old(entry: dict, *calls: list) -> dict:
    """A layer as Keras 2 writes it: no module, calls as lists."""
    entry = {key: value for key, value in entry.items() if key not in ("module", "registered_name")}
    return entry | {"inbound_nodes": list(calls)}


def test_keras_2_file_with_a_model_in_the_model() -> None:
    """Keras 2 counts calls of a Functional model from 1, and puts all its weights into one group."""
    kernel = RNG.normal(size=(4, 4)).astype(np.float32)
    inner_layers = [
        old(layer("InputLayer", "x", batch_input_shape=[None, 4])),
        old(layer("Dense", "first", units=4, use_bias=False), [["x", 0, 0, {}]]),
        old(layer("Dense", "second", units=3, activation="hard_sigmoid"), [["first", 0, 0, {}]]),
    ]
    inner = functional(inner_layers, [["x", 0, 0]], [["second", 0, 0]], "inner") | {"name": "inner"}
    layers = [
        old(layer("InputLayer", "image", batch_input_shape=[None, 4])),
        old(inner, [["image", 0, 0, {}]]),
        old(layer("Activation", "last", activation="softmax"), [["inner", 1, 0, {}]]),
    ]
    model = functional(layers, [["image", 0, 0]], [["last", 0, 0]])
    weights = {"first/kernel:0": kernel, "second/kernel:0": KERNEL, "second/bias:0": BIAS}
    graph = loaded(h5_file(model, {"inner": weights}), "old.h5")
    assert kinds(graph) == [FullyConnected, FullyConnected, HardSigmoid, Softmax]
    scores = np.clip(0.2 * (X @ kernel @ KERNEL + BIAS) + 0.5, 0, 1)  # Keras 2's hard_sigmoid
    np.testing.assert_allclose(result(graph, X), np.exp(scores) / np.exp(scores).sum(), rtol=1e-4)


def test_functions_of_tensorflow_in_a_keras_2_file() -> None:
    """2 * relu(x) + x."""
    layers = [
        old(layer("InputLayer", "image", batch_input_shape=[None, 4])),
        old(layer("TFOpLambda", "relu", function="nn.relu"), [["image", 0, 0, {"name": None}]]),
        old(
            layer("TFOpLambda", "double", function="math.multiply"),
            [["_CONSTANT_VALUE", -1, 2.0, {"y": ["relu", 0, 0], "name": None}]],
        ),
        old(
            layer("TFOpLambda", "sum", function="__operators__.add"),
            [["double", 0, 0, {"y": ["image", 0, 0], "name": None}]],
        ),
    ]
    graph = loaded(h5_file(functional(layers, [["image", 0, 0]], [["sum", 0, 0]]), {}), "old.h5")
    np.testing.assert_allclose(result(graph, X), 2 * np.maximum(X, 0) + X, rtol=1e-6)


def test_embedding_takes_integers() -> None:
    table = RNG.normal(size=(5, 3)).astype(np.float32)
    model = sequential(
        input_layer([None, 4], dtype="int32"), layer("Embedding", "words", input_dim=5, output_dim=3)
    )
    words = np.array([[4, 0, 2, 2]], np.int32)
    np.testing.assert_array_equal(
        result(loaded(keras_file(model, {"embedding": [table]})), words), table[words]
    )


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("stateful", [False, True])
def test_lstm_keeps_its_state_where_the_layer_does(stateful: bool) -> None:
    kernel, recurrent, bias = (RNG.normal(size=shape).astype(np.float32) for shape in ((3, 8), (2, 8), (8,)))
    states = [np.ones((1, 2), np.float32)] * 2  # what a stateful layer had when it was saved
    lstm = layer("LSTM", "memory", units=2, return_sequences=True, stateful=stateful)
    arrays = {"lstm/cell": [kernel, recurrent, bias]} | ({"lstm": states} if stateful else {})
    graph = loaded(keras_file(sequential(input_layer([1, 4, 3]), lstm), arrays))
    assert len(graph.states) == 2 * stateful
    reference, kept = Reference(graph), None
    h = c = np.zeros((1, 2))
    for _ in range(2):
        x = RNG.normal(size=(1, 4, 3)).astype(np.float32)
        if not stateful:
            h = c = np.zeros((1, 2))
        expected = []
        for step in range(4):
            i, f, g, o = np.split(x[:, step] @ kernel + h @ recurrent + bias, 4, axis=-1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            expected.append(h)
        run = reference.run([x], kept)
        kept = run.states
        np.testing.assert_allclose(run.outputs[0], np.stack(expected, axis=1), rtol=1e-4, atol=1e-6)


def test_batch_normalization_and_activation_disappear() -> None:
    image = RNG.normal(size=(1, 5, 5, 2)).astype(np.float32)
    kernel, gamma, beta, mean = (
        RNG.normal(size=shape).astype(np.float32) for shape in ((1, 1, 2, 3), (3,), (3,), (3,))
    )
    variance = np.array([0.5, 1.0, 2.0], np.float32)
    model = sequential(
        layer(
            "Conv2D", "conv", filters=3, kernel_size=[1, 1], batch_input_shape=[None, 5, 5, 2], use_bias=False
        ),
        layer("BatchNormalization", "norm", epsilon=0.25),
        layer("ReLU", "relu", max_value=6.0),
    )
    content = keras_file(model, {"conv2d": [kernel], "batch_normalization": [gamma, beta, mean, variance]})
    graph = loaded(content)
    assert [node.operator for node in graph.nodes] == [Conv2D(activation=Activation.RELU6)]
    expected = (image @ kernel[0, 0] - mean) / np.sqrt(variance + 0.25) * gamma + beta
    np.testing.assert_allclose(result(graph, image), np.clip(expected, 0, 6), rtol=1e-4, atol=1e-5)


def test_batch_normalization_stays_where_its_input_is_read_twice() -> None:
    model = functional(
        [
            input_layer([None, 4]),
            called(layer("Dense", "dense", units=3), "image"),
            called(layer("BatchNormalization", "norm", scale=False, center=False), "dense"),
            called(layer("Add", "add"), [keras_tensor("norm"), keras_tensor("dense")]),
        ],
        ["image", 0, 0],
        ["add", 0, 0],
    )
    mean, variance = BIAS, np.abs(BIAS) + 1
    graph = loaded(keras_file(model, {"dense": [KERNEL, BIAS], "batch_normalization": [mean, variance]}))
    y = X @ KERNEL + BIAS
    np.testing.assert_allclose(result(graph, X), y + (y - mean) / np.sqrt(variance + 1e-3), rtol=1e-4)
    assert kinds(graph)[-1] is Add


def test_live_model_needs_only_its_configuration_and_weights() -> None:
    dense = SimpleNamespace(name="dense", get_weights=lambda: [KERNEL.astype(np.float64), BIAS])
    config = sequential(input_layer((None, 4)), layer("Dense", "dense", units=3), name="Made Here")["config"]
    model = SimpleNamespace(name="Made Here", layers=[dense], get_config=lambda: config)
    graph = keras.from_model(model)
    assert graph.name == "made_here"
    np.testing.assert_allclose(result(graph, X), X @ KERNEL + BIAS, rtol=1e-5)


@pytest.mark.parametrize("name", ["ic", "vww"])
def test_mlperf_tiny_h5_equals_its_tflite(shared_data: Path, name: str) -> None:
    """vww_float.h5 is one that Keras 3 does not load: its depthwise layers carry `groups`."""
    folder = shared_data / "mlperf_tiny"
    graphs = [load_model(folder / f"{name}_float{suffix}") for suffix in (".h5", ".tflite")]
    shapes = {graph.tensors[graph.inputs[0]].shape for graph in graphs}
    assert len(shapes) == 1
    assert [kinds(graphs[0]).count(Conv2D), len(graphs[0].nodes)] == [
        kinds(graphs[1]).count(Conv2D),
        len(graphs[1].nodes),
    ]
    x = np.random.default_rng(3).random(shapes.pop(), dtype=np.float32)
    np.testing.assert_allclose(result(graphs[0], x), result(graphs[1], x), atol=1e-5)


def test_nothing_of_keras_is_imported(tmp_path: Path) -> None:
    model = sequential(input_layer([None, 4]), layer("Dense", "dense", units=3))
    path = tmp_path / "model.keras"
    path.write_bytes(keras_file(model, {"dense": [KERNEL, BIAS]}))
    code = (
        "import sys; from smidgen.importers import load_model; load_model(sys.argv[1]); "
        "print(*{'keras', 'tensorflow', 'tf_keras'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
