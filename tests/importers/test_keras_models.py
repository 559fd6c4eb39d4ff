"""Whole Keras models come in from memory and from files, and compute what Keras computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smidgen.graph.reference import Reference
from smidgen.importers import keras as importer
from smidgen.importers import load_model

pytestmark = pytest.mark.slow
SIDE = 32


def nested(keras):
    """Models in models, one of them called twice, with layers of the same kinds inside and outside."""
    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 4))
    inner = keras.Sequential(
        [layers.Conv2D(4, 1), layers.BatchNormalization(), layers.Dropout(0.3)], name="inner"
    )
    block_input = keras.Input((SIDE, SIDE, 4))
    block = keras.Model(block_input, inner(layers.Conv2D(4, 3, padding="same")(block_input)), name="block")
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    once = block(x)
    twice = block(once)
    y = keras.ops.relu(once * 0.5 + twice)
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(inner(y))))


def transfer(keras):
    """A headless network and a new head."""
    base = keras.applications.MobileNetV2((SIDE, SIDE, 3), alpha=0.35, include_top=False, weights=None)
    layers = keras.layers
    return keras.Sequential([base, layers.GlobalAveragePooling2D(), layers.Dropout(0.1), layers.Dense(5)])


def transformer(keras):
    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3))
    x = layers.Reshape((-1, 24))(layers.Conv2D(24, 8, strides=8)(image))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, 12)(y, y)])
        y = layers.Dense(24)(layers.Dense(48, activation="gelu")(layers.LayerNormalization()(x)))
        x = layers.Add()([x, y])
    return keras.Model(image, layers.Dense(4, activation="softmax")(layers.Flatten()(x)))


def application(name: str):
    return lambda keras: getattr(keras.applications, name)(
        input_shape=(SIDE, SIDE, 3), weights=None, classes=7, classifier_activation=None
    )


MODELS = {
    "nested": nested,
    "transfer": transfer,
    "transformer": transformer,
    **{name: application(name) for name in ("MobileNetV3Small", "EfficientNetB0", "ResNet50V2")},
}


@pytest.mark.parametrize("name", MODELS)
def test_model_computes_what_keras_computes(name: str, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="Keras computes what is expected: pip install -e '.[train]'")
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(5)
    model = MODELS[name](keras)
    rng = np.random.default_rng(5)
    for variable in model.variables:
        if "moving_variance" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif "moving_mean" in variable.path or "beta" in variable.path:
            variable.assign(rng.normal(0, 0.1, variable.shape))
    x = rng.uniform(-1, 1, (1, *model.input_shape[1:])).astype(np.float32)
    expected = np.asarray(model(x, training=False))
    graphs = {"memory": importer.from_model(model)}
    for suffix in ("keras", "h5"):
        model.save(tmp_path / f"model.{suffix}")
        graphs[suffix] = load_model(tmp_path / f"model.{suffix}")
    scale = max(np.abs(expected).max(), 1e-3)
    for source, graph in graphs.items():
        (result,) = Reference(graph).run([x]).outputs
        assert np.abs(result - expected).max() <= 1e-4 * max(scale, 1), source
        assert np.abs(result - expected).max() <= 1e-3 * scale, source


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_stateful_layer_goes_on_where_it_was(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="Keras computes what is expected: pip install -e '.[train]'")
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(6)
    image = keras.Input(batch_shape=(1, 5, 3))
    hidden = getattr(keras.layers, kind)(4, stateful=True, return_sequences=True)(image)
    model = keras.Model(image, keras.layers.Dense(2)(hidden))
    rng = np.random.default_rng(6)
    samples = [rng.normal(size=(1, 5, 3)).astype(np.float32) for _ in range(3)]
    expected = [np.asarray(model(sample)) for sample in samples]
    graphs = {"memory": importer.from_model(model)}
    for suffix in ("keras", "h5"):
        model.save(tmp_path / f"model.{suffix}")
        graphs[suffix] = load_model(tmp_path / f"model.{suffix}")
    for source, graph in graphs.items():
        reference, states = Reference(graph), None
        for sample, wanted in zip(samples, expected, strict=True):
            run = reference.run([sample], states)
            states = run.states
            assert np.abs(run.outputs[0] - wanted).max() <= 1e-4, source
