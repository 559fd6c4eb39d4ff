"""Writes .keras and .h5 files with json, zipfile and h5py, as Keras 2 and 3 do, whole or damaged."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

Config = dict[str, Any]


def layer(class_name: str, name: str, module: str | None = "keras.layers", **options: object) -> Config:
    """A serialized layer, not connected."""
    entry: Config = {"class_name": class_name, "name": name}
    if module is not None:
        entry |= {"module": module, "registered_name": None}
    return entry | {"config": {"name": name, "dtype": "float32", **options}}


def operation(class_name: str, name: str, **options: object) -> Config:
    """An operation of keras.ops, not connected."""
    entry = {"module": "keras.src.ops.numpy", "class_name": class_name, "name": name}
    return entry | {"config": {"name": name, **options}}


def input_layer(shape: Sequence[int | None], name: str = "image", **options: object) -> Config:
    return layer("InputLayer", name, batch_shape=list(shape), **options)


def called(entry: Config, *sources: object) -> Config:
    """The layer called, as Keras 3 writes it, with outputs of layers (by name) or other values."""
    args = [keras_tensor(source) if isinstance(source, str) else source for source in sources]
    return entry | {"inbound_nodes": [*entry.get("inbound_nodes", []), {"args": args, "kwargs": {}}]}


def keras_tensor(name: str, call: int = 0, output: int = 0) -> Config:
    history = {"keras_history": [name, call, output]}
    return {"class_name": "__keras_tensor__", "config": {"shape": [None], "dtype": "float32", **history}}


def sequential(*layers: Config, name: str = "small") -> Config:
    return {"module": "keras", "class_name": "Sequential", "config": {"name": name, "layers": list(layers)}}


def functional(layers: Sequence[Config], inputs: object, outputs: object, name: str = "small") -> Config:
    ends = {"input_layers": inputs, "output_layers": outputs}
    return {
        "module": "keras.src.models.functional", "class_name": "Functional",
        "config": {"name": name, "layers": list(layers), **ends},
    }  # fmt: skip


def weights_file(arrays: Mapping[str, Sequence[np.ndarray]], edit=None) -> bytes:
    """model.weights.h5: `layers/<path>/vars/<number>`; edit: what to do to the open file at the end."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, values in arrays.items():
            group = file.create_group(f"layers/{path}/vars")
            for number, array in enumerate(values):
                group[str(number)] = array
        if edit is not None:
            edit(file)
    return buffer.getvalue()


def keras_file(model: Config, arrays: Mapping[str, Sequence[np.ndarray]], edit=None) -> bytes:
    """A .keras file; arrays: by the path below `layers`."""
    return archive(
        {
            "metadata.json": json.dumps({"keras_version": "3.15.1"}),
            "config.json": json.dumps(model),
            "model.weights.h5": weights_file(arrays, edit),
        }
    )


def archive(members: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def h5_file(
    model: Config, arrays: Mapping[str, Mapping[str, np.ndarray]], version: str = "2.4.0", edit=None
) -> bytes:
    """An .h5 file; arrays: by layer of the outermost model, then by the weight's name."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(model)
        file.attrs["keras_version"] = version
        group = file.create_group("model_weights")
        for name, weights in arrays.items():
            part = group.create_group(name)
            part.attrs["weight_names"] = [weight.encode() for weight in weights]
            for weight, array in weights.items():
                part[weight] = array
        if edit is not None:
            edit(file)
    return buffer.getvalue()
