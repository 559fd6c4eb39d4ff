"""Every layer and operation of Keras that the importer claims means what Keras computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from keras_cases import CASES

from smidgen.graph.reference import Reference
from smidgen.importers import keras as importer
from smidgen.importers import load_model

TOLERANCE = 1e-4


def test_every_claimed_layer_has_a_case() -> None:
    # TFOpLambda is of Keras 2; see test_keras_files.
    assert {name.partition("__")[0] for name in CASES} == {*importer.SUPPORTED} - {"TFOpLambda"}


def random_weights(model, seed: int) -> None:
    """No weight at its initial value; what is a variance stays positive."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" in variable.path or "count" in variable.path:
            continue
        values = rng.normal(0, 0.5, variable.shape)
        variable.assign(np.abs(values) + 0.2 if "variance" in variable.path else values)
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):  # Normalization computes with a copy of its weights
            layer.finalize_state()


def build(name: str, keras):
    """(the model of a case, inputs for it)."""
    keras.utils.clear_session()
    shapes, function = CASES[name]
    inputs = [keras.Input(shape) for shape in shapes]
    model = keras.Model(inputs, function(keras, *inputs))
    random_weights(model, seed=len(name))
    rng = np.random.default_rng(1)
    return model, [rng.normal(0, 1.2, (1, *shape)).astype(np.float32) for shape in shapes]


def assert_equal(graph, inputs: list[np.ndarray], expected: np.ndarray) -> None:
    (result,) = Reference(graph).run(inputs).outputs
    assert result.shape == expected.shape
    assert np.abs(result - expected).max() <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_layer_means_what_keras_computes(name: str, tmp_path: Path) -> None:
    """From the model in memory, and from both kinds of files."""
    pytest.importorskip("tensorflow", reason="Keras computes what is expected: pip install -e '.[train]'")
    import keras

    model, inputs = build(name, keras)
    expected = np.asarray(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    assert_equal(importer.from_model(model), inputs, expected)
    model.save(tmp_path / "model.keras")
    assert_equal(load_model(tmp_path / "model.keras"), inputs, expected)
    model.save(tmp_path / "model.h5")
    assert_equal(load_model(tmp_path / "model.h5"), inputs, expected)
