"""Keras files that cannot be imported are refused with what is wrong and what to do. Nothing is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
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
)
from keras_files import weights_file as weights_of

from smidgen.errors import ModelError
from smidgen.importers import keras

KERNEL, BIAS = np.ones((4, 3), np.float32), np.zeros(3, np.float32)
WEIGHTS = {"dense": [KERNEL, BIAS]}
DENSE = layer("Dense", "dense", units=3)
INPUT = input_layer([None, 4])


def refusal(content: bytes, name: str = "model.keras") -> list[str]:
    with pytest.raises(ModelError) as error:
        keras.load(content, Path(name))
    return [str(problem) for problem in error.value.problems]


def of_layers(*layers: dict, weights: dict | None = None) -> bytes:
    return keras_file(sequential(INPUT, *layers), WEIGHTS if weights is None else weights)


def config_of(*layers: dict) -> str:
    return json.dumps(sequential(*layers))


LAYERS: dict[str, tuple[bytes, str, str]] = {
    "python code": (
        of_layers(layer("Lambda", "code", function={"class_name": "__lambda__", "config": {"code": "4wEA"}})),
        "layer 'code' (Lambda): holds Python code, which is never run",
        "replace it",
    ),
    "unknown layer": (
        of_layers(layer("Conv3D", "volume", filters=3)),
        "layer Conv3D is not supported",
        "smidgen ops",
    ),
    "custom layer": (
        of_layers(layer("Dense", "mine", "my.layers", units=3)),
        "layer of your own (from my.layers)",
        "layers of Keras",
    ),
    "custom activation": (
        of_layers(
            layer(
                "Dense",
                "dense",
                units=3,
                activation={
                    "module": "builtins",
                    "class_name": "function",
                    "config": "wobble",
                    "registered_name": "function",
                },
            )
        ),
        "its activation is 'wobble', which is code of your own",
        "use one of Keras",
    ),
    "unknown activation": (
        of_layers(layer("Dense", "dense", units=3, activation="sparsemax")),
        "activation 'sparsemax'",
        "supported are",
    ),
    "masking": (
        of_layers(layer("Masking", "mask", mask_value=0.0)),
        "masking is not supported",
        "full length",
    ),
    "masked embedding": (
        of_layers(layer("Embedding", "words", input_dim=3, output_dim=2, mask_zero=True)),
        "mask_zero",
        "mask_zero=False",
    ),
    "channels first": (
        keras_file(
            sequential(
                input_layer([None, 3, 8, 8]),
                layer(
                    "Conv2D",
                    "conv",
                    filters=2,
                    kernel_size=3,
                    data_format="channels_first",
                ),
            ),
            {},
        ),
        "its data_format is channels_first",
        "channels_last",
    ),
    "wrong shape of a weight": (
        of_layers(DENSE, weights={"dense": [KERNEL.T, BIAS]}),
        "its kernel has shape [3, 4] instead of [4, 3]",
        "save",
    ),
    "missing weight": (of_layers(DENSE, weights={"dense": [KERNEL]}), "there is no bias", "with its weights"),
    "too many weights": (
        of_layers(DENSE, weights={"dense": [KERNEL, BIAS, BIAS]}),
        "1 more weights than",
        "save",
    ),
    "weights that are no numbers": (
        of_layers(DENSE, weights={"dense": [np.full((4, 3), np.nan, np.float32), BIAS]}),
        "not finite",
        "train",
    ),
    "text for weights": (
        of_layers(DENSE, weights={"dense": [np.full((4, 3), b"a"), BIAS]}),
        "instead of numbers",
        "",
    ),
    "number that is none": (of_layers(layer("Dense", "dense", units="3")), "its units is '3' instead of", ""),
    "quantized by Keras": (
        of_layers(
            layer("Dense", "dense", units=3)
            | {
                "config": {
                    "name": "dense",
                    "units": 3,
                    "dtype": {
                        "class_name": "QuantizedDTypePolicy",
                        "config": {"mode": "int8"},
                    },
                }
            }
        ),
        "QuantizedDTypePolicy",
        "smidgen compress quantizes",
    ),
    "dynamic size": (
        keras_file(sequential(input_layer([None, None, 4]), DENSE), WEIGHTS),
        "dynamic shape [None, None, 4]",
        "fixed size",
    ),
    "unknown input": (keras_file(sequential(DENSE), WEIGHTS), "input shape is not known", "keras.Input"),
    "strange input type": (
        keras_file(sequential(input_layer([None, 4], dtype="string"), DENSE), WEIGHTS),
        "takes string",
        "float32",
    ),
    "huge input": (
        keras_file(sequential(input_layer([None, 1 << 14, 1 << 14]), DENSE), WEIGHTS),
        "elements; at most",
        "",
    ),
    "window that does not fit": (
        keras_file(
            sequential(input_layer([None, 2, 2, 1]), layer("MaxPooling2D", "pool", pool_size=[3, 3])), {}
        ),
        "its window of 3 does not fit into 2",
        "",
    ),
    "group normalization": (
        keras_file(
            sequential(input_layer([None, 2, 2, 6]), layer("GroupNormalization", "norm", groups=2)),
            {
                "group_normalization": [np.ones(6), np.zeros(6)],
            },
        ),
        "has 2 groups of 6 channels",
        "groups=-1",
    ),
    "operation of TensorFlow": (
        of_layers(layer("TFOpLambda", "tf.math.cumsum", None, function="math.cumsum")),
        "is tf.math.cumsum",
        "layers of Keras",
    ),
}


@pytest.mark.parametrize("case", LAYERS)
def test_layer_is_refused_by_name(case: str) -> None:
    content, what, fix = LAYERS[case]
    (problem,) = refusal(content)
    assert problem.startswith("model.keras: layer '")
    assert what in problem and fix in problem


def link(kind: Callable[[], object]) -> Callable[[h5py.File], None]:
    def edit(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = kind()

    return edit


def external_data(file: h5py.File) -> None:
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset("0", (4, 3), "f4", external=[("/etc/hostname", 0, 48)])


def virtual_data(file: h5py.File) -> None:
    del file["layers/dense/vars/0"]
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4, 3))
    file["layers/dense/vars"].create_virtual_dataset("0", layout)


def huge_data(file: h5py.File) -> None:
    """Terabytes by its shape, a few bytes in the file."""
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset("0", (1 << 40,), "f4", chunks=(1 << 10,), compression="gzip")


LINKS = {
    "external link": (link(lambda: h5py.ExternalLink("/etc/passwd", "/")), "a link to file '/etc/passwd'"),
    "soft link": (link(lambda: h5py.SoftLink("/layers/dense/vars/1")), "a link to another place"),
    "external data": (external_data, "lies in another file"),
    "virtual data": (virtual_data, "lies in another file"),
    "huge data": (huge_data, "which is not sane"),
}


@pytest.mark.parametrize("case", LINKS)
def test_weights_outside_the_file_are_not_read(case: str) -> None:
    edit, what = LINKS[case]
    (problem,) = refusal(keras_file(sequential(INPUT, DENSE), WEIGHTS, edit))
    assert what in problem and "(Dense)" in problem


GOOD = sequential(INPUT, DENSE)
H5_WEIGHTS = {"dense": {"dense/kernel:0": KERNEL, "dense/bias:0": BIAS}}
FILES = {
    "another archive": (
        archive({"word/document.xml": "<a/>"}),
        "zip archive without config.json",
        ".keras file",
    ),
    "no configuration": (
        archive({"model.weights.h5": weights_of(WEIGHTS)}),
        "holds no config.json",
        "model.save",
    ),
    "no weights": (
        archive({"config.json": config_of(INPUT, DENSE)}),
        "holds no model.weights.h5",
        "model.save",
    ),
    "bomb": (
        archive({"config.json": " " * (65 << 20), "model.weights.h5": b""}),
        "unpacks to 68,157,440 bytes",
        "microcontroller",
    ),
    "bad configuration": (archive({"config.json": "{", "model.weights.h5": b"x"}), "not valid JSON", "save"),
    "deep configuration": (
        archive({"config.json": "[" * 200_000, "model.weights.h5": b"x"}),
        "not valid JSON",
        "save",
    ),
    "list for configuration": (
        archive({"config.json": "[]", "model.weights.h5": b"x"}),
        "no JSON object",
        "save",
    ),
    "bad weights": (
        archive({"config.json": config_of(INPUT, DENSE), "model.weights.h5": b"x" * 100}),
        "no readable HDF5",
        "damaged",
    ),
    "subclassed model": (
        keras_file({"class_name": "MyModel", "config": {"width": 3}}, {}),
        "MyModel whose layers are not listed",
        "Functional",
    ),
    "truncated archive": (keras_file(GOOD, WEIGHTS)[:-30], "no readable zip archive", "damaged"),
    "truncated h5": (h5_file(GOOD, H5_WEIGHTS)[:900], "no readable HDF5 file", "damaged"),
    "weights only": (weights_of(WEIGHTS), "no model (attribute 'model_config')", "not only its weights"),
    "loop": (
        keras_file(
            functional(
                [
                    INPUT,
                    called(layer("Dense", "dense", units=3), "again"),
                    called(layer("Dropout", "again", rate=0.1), "dense"),
                ],
                ["image", 0, 0],
                ["again", 0, 0],
            ),
            WEIGHTS,
        ),
        "its layers form a loop",
        "save",
    ),
    "returns its input": (
        keras_file(functional([INPUT], ["image", 0, 0], ["image", 0, 0]), {}),
        "returns one of its inputs",
        "result",
    ),
    "two layers of one name": (
        keras_file(sequential(INPUT, DENSE, DENSE), WEIGHTS),
        "two layers are called",
        "save",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_file_is_refused(case: str) -> None:
    content, what, fix = FILES[case]
    (problem,) = refusal(content)
    assert problem.startswith("model.keras: ")
    assert what in problem and fix in problem


def test_archive_with_a_path_out_of_it_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = archive({"config.json": config_of(INPUT, DENSE), "../model.weights.h5": weights_of(WEIGHTS)})
    (problem,) = refusal(content)
    assert "holds no model.weights.h5" in problem
    assert not list(tmp_path.parent.glob("*.h5")) and not list(tmp_path.iterdir())


def test_all_problems_are_listed_at_once() -> None:
    problems = refusal(
        of_layers(
            layer("Dense", "dense", units=5),
            layer("Lambda", "code"),
            layer("Conv3D", "volume"),
            layer("Dense", "after", units=3),
        )
    )
    assert [problem.partition("'")[2].partition("'")[0] for problem in problems] == [
        "code",
        "volume",
        "dense",
    ]


def test_list_of_problems_ends_somewhere() -> None:
    problems = refusal(of_layers(*(layer("Lambda", f"code_{number}") for number in range(60))))
    assert len(problems) == 51 and problems[-1] == "model.keras: 10 more problems are not shown"


def test_missing_layer_that_is_read_is_named() -> None:
    add = called(operation("Add", "add"), "image", "nobody")
    (problem,) = refusal(keras_file(functional([INPUT, add], ["image", 0, 0], ["add", 0, 0]), {}))
    assert "layer 'add' (operation Add): reads from layer 'nobody'" in problem


def test_live_model_without_configuration_is_refused() -> None:
    with pytest.raises(ModelError, match="only Sequential and Functional models"):
        keras.from_model(object())
