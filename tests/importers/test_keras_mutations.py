"""Whatever a Keras file holds, it is imported or refused with a ModelError; anything else is a crash."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path

import numpy as np
import pytest
from keras_files import (
    archive,
    called,
    functional,
    h5_file,
    input_layer,
    keras_file,
    layer,
    operation,
    sequential,
    weights_file,
)  # fmt: skip

from smidgen.errors import ModelError
from smidgen.importers import keras

KERNEL, BIAS = np.ones((4, 3), np.float32), np.zeros(3, np.float32)
SMALL = sequential(input_layer([None, 4]), layer("Dense", "dense", units=3))
H5_WEIGHTS = {"dense": {"dense/kernel:0": KERNEL, "dense/bias:0": BIAS}}
STRANGE = (
    None,
    True,
    -1,
    0,
    1 << 70,
    1e300,
    float("nan"),
    "",
    "x" * 300,
    [],
    [[]],
    {},
    [1, -1],
    {"config": 1},
)


def places(value: object, path: tuple = ()):
    """Paths of everything in a JSON value."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.slow)])
def test_configuration_with_anything_in_it_is_imported_or_refused(count: int) -> None:
    image = input_layer([None, 6, 6, 4])
    layers = [
        image,
        called(
            layer("Conv2D", "conv", filters=4, kernel_size=[3, 3], padding="same", activation="relu"), "image"
        ),
        called(layer("BatchNormalization", "norm", axis=-1, epsilon=0.001), "conv"),
        called(operation("Add", "add"), "norm", "image"),
        called(operation("GetItem", "item"), "add", [{"class_name": "__slice__", "config": {"start": 0}}, 0]),
        called(layer("ReLU", "relu", threshold=0.1, negative_slope=0.2, max_value=3.0), "add"),
        called(layer("Conv2DTranspose", "up", filters=4, kernel_size=[2, 2], padding="same"), "relu"),
        called(layer("ZeroPadding2D", "pad", padding=[[1, 0], [0, 1]]), "up"),
        called(layer("Cropping2D", "crop", cropping=[[1, 0], [0, 1]]), "pad"),
        called(layer("Rescaling", "scale", scale=[1.0, 2.0, 3.0, 4.0], offset=-1.0), "crop"),
        called(layer("Reshape", "reshape", target_shape=[-1, 4]), "scale"),
        called(layer("MultiHeadAttention", "attention", num_heads=2, key_dim=2), "reshape", "reshape"),
        called(layer("LSTM", "lstm", units=2, return_sequences=True), "attention"),
        called(
            layer("Bidirectional", "both", layer=layer("GRU", "gru", units=2, return_sequences=True)), "lstm"
        ),
        called(layer("Flatten", "flat"), "both"),
        called(layer("Dense", "dense", units=3, activation="softmax"), "flat"),
    ]
    rng = np.random.default_rng(0)
    shapes = {
        "conv2d": [(3, 3, 4, 4), (4,)], "batch_normalization": [(4,)] * 4, "dense": [(144, 3), (3,)],
        **{f"multi_head_attention/{role}_dense": [(4, 2, 2), (2, 2)] for role in ("query", "key", "value")},
        "multi_head_attention/output_dense": [(2, 2, 4), (4,)],
        "conv2d_transpose": [(2, 2, 4, 4), (4,)], "lstm/cell": [(4, 8), (2, 8), (8,)],
        **{f"bidirectional/{way}_layer/cell": [(2, 6), (2, 6), (2, 6)] for way in ("forward", "backward")},
    }  # fmt: skip
    weights = {key: [rng.random(shape, np.float32) for shape in value] for key, value in shapes.items()}
    model = functional(layers, ["image", 0, 0], ["dense", 0, 0])
    stored = weights_file(weights)
    keras.load(archive({"config.json": json.dumps(model), "model.weights.h5": stored}), Path("model.keras"))
    chooser, refused = random.Random(1), 0
    every = list(places(model))
    for number in range(count):
        changed = copy.deepcopy(model)
        *path, key = chooser.choice(every)
        parent = changed
        for step in path:
            parent = parent[step]
        parent[key] = chooser.choice(STRANGE)
        content = archive({"config.json": json.dumps(changed), "model.weights.h5": stored})
        try:
            keras.load(content, Path("model.keras"))
        except ModelError:
            refused += 1
        except Exception as error:
            pytest.fail(f"change {number}, {[*path, key]} = {parent[key]!r}: {error!r}")
    assert refused > count / 3


@pytest.mark.parametrize("depth", [100, 400, 800, 5000])
def test_deep_nesting_is_imported_or_refused(depth: int) -> None:
    """In the arguments of a call, in an option and as models in models, however deep JSON lets it be."""
    nest = "[" * depth + "]" * depth
    argument = json.dumps(
        functional([called(layer("Flatten", "flat"), ["@"])], ["image", 0, 0], ["flat", 0, 0])
    )
    option = json.dumps(sequential(input_layer([None, 4]), layer("Reshape", "shape", target_shape="@")))
    inner = '{"class_name": "Sequential", "config": {"name": "m", "layers": ['
    models = inner * depth + "]}}" * depth
    for config in (argument.replace('"@"', nest), option.replace('"@"', nest), models):
        with pytest.raises(ModelError):
            keras.load(archive({"config.json": config, "model.weights.h5": weights_file({})}), Path("model"))


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_damaged_bytes_are_imported_or_refused(kind: str) -> None:
    content = keras_file(SMALL, {"dense": [KERNEL, BIAS]}) if kind == "keras" else h5_file(SMALL, H5_WEIGHTS)
    keras.load(content, Path("model"))
    chooser = random.Random(2)
    for number in range(100):
        changed = bytearray(content)
        for _ in range(chooser.randint(1, 3)):
            changed[chooser.randrange(8, len(changed))] = chooser.randrange(256)
        try:
            keras.load(bytes(changed), Path("model"))
        except ModelError:
            pass
        except Exception as error:
            pytest.fail(f"change {number}: {error!r}")
