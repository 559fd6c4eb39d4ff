"""Import of Keras models: .keras files, .h5 files of Keras 2 and 3, and models in memory.

Neither Keras nor TensorFlow is needed, and no code from a file is ever run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from smidgen.errors import ModelError, Problem
from smidgen.graph import Graph
from smidgen.importers.keras import (
    activation,
    attention,
    conv,
    elementwise,
    matmul,
    norm,
    pool,
    recurrent,
    reduce,
    resize,
    shape,
    tensorflow,
    unary,
)
from smidgen.importers.keras.archive import CONFIG, METADATA, WEIGHTS, members
from smidgen.importers.keras.call import LAYERS, OPERATIONS, Importer
from smidgen.importers.keras.config import Model, parse_json, read_model
from smidgen.importers.keras.hdf5 import BadFile, Hdf5
from smidgen.importers.keras.model import ModelImport
from smidgen.importers.keras.weights import Live, StoredByName, StoredByPath, WeightSource
from smidgen.importers.names import graph_name

# Loading a family's module registers its importers.
FAMILIES = (
    conv, matmul, attention, recurrent, pool, reduce, elementwise, activation, unary, norm, shape, resize,
    tensorflow,
)  # fmt: skip

# Keras layer, or "ops." and keras.ops operation -> how it is imported.
SUPPORTED: Mapping[str, Importer] = MappingProxyType(
    {**LAYERS, **{f"ops.{name}": importer for name, importer in OPERATIONS.items()}}
)

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


def is_keras(content: bytes) -> bool:
    """Whether the content starts as .keras (zip) and .h5 (HDF5) files do."""
    return content.startswith((_HDF5, _ZIP))


def load(content: bytes, path: Path) -> Graph:
    """Import a .keras or .h5 file's content; `path` names it in errors and gives the graph its name.

    Raises ModelError with every problem found.
    """
    try:
        model, source, version = _open_h5(content) if content.startswith(_HDF5) else _open_archive(content)
        return ModelImport(model, source, str(path), graph_name(path), version).run()
    except BadFile as error:
        raise ModelError(Problem(str(path), error.what, error.fix)) from None
    except RecursionError:
        what = "its configuration is nested deeper than that of any model"
        raise ModelError(Problem(str(path), what, "save the model again")) from None


def from_model(model: Any) -> Graph:
    """Import a Keras model that is in memory: Sequential or Functional, of Keras 3 or tf_keras.

    Only get_config(), names, `layers` and get_weights() are used. Raises ModelError with every problem found.
    """
    where = f"model '{getattr(model, 'name', 'model')}'"
    try:
        serialized = {"class_name": type(model).__name__, "config": model.get_config()}
        description = read_model(serialized)
    except BadFile as error:
        raise ModelError(Problem(where, error.what, error.fix)) from None
    except (AttributeError, NotImplementedError):
        what = f"a {type(model).__name__} has no configuration that says what its layers are"
        fix = "only Sequential and Functional models can be imported"
        raise ModelError(Problem(where, what, fix)) from None
    version = 2 if type(model).__module__.startswith(("tf_keras", "tensorflow.python")) else 3
    return ModelImport(description, Live(model), where, graph_name(Path(description.name)), version).run()


def _open_archive(content: bytes) -> tuple[Model, WeightSource, int]:
    found = members(content)
    for name in (CONFIG, WEIGHTS):
        if name not in found:
            fix = "save the model again with model.save('name.keras')"
            raise BadFile(f"holds no {name}", fix)
    metadata = parse_json(found.get(METADATA, b"{}"), METADATA)
    model = read_model(parse_json(found[CONFIG], CONFIG))
    return model, StoredByPath(Hdf5(found[WEIGHTS]), model), _major(metadata.get("keras_version"))


def _open_h5(content: bytes) -> tuple[Model, WeightSource, int]:
    file = Hdf5(content)
    text = file.text((), "model_config")
    if text is None:
        what = "holds weights, or something else, but no model (attribute 'model_config')"
        raise BadFile(what, "save the whole model with model.save(...), not only its weights")
    model = read_model(parse_json(text, "model_config"))
    version = file.text((), "keras_version") or file.text(("model_weights",), "keras_version")
    return model, StoredByName(file, ("model_weights",)), _major(version)


def _major(version: object) -> int:
    """2 or 3; what says nothing is taken for 3."""
    return 2 if isinstance(version, str) and version.startswith(("1.", "2.")) else 3
