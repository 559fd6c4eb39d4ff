"""Where the arrays of a layer come from: model.weights.h5 of Keras 3, an .h5 file's groups, a live model.

Each gives the arrays of one layer in the order in which Keras lists them. A layer that is made of layers
(attention, recurrent ones) names the part that it wants, which only model.weights.h5 tells apart.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from smidgen.importers.keras.config import Layer, Model
from smidgen.importers.keras.hdf5 import BadFile, Hdf5

_MAX_ARRAYS = 64  # of one layer


class LayerWeights(Protocol):
    """The arrays of one layer, taken one after the other."""

    def take(self, part: str) -> np.ndarray | None:
        """The next array of a part of the layer ("" for the layer's own); None when there is none."""

    def left(self) -> int:
        """How many arrays nobody took."""


class WeightSource(Protocol):
    def of(self, layer: Layer, parents: tuple[str, ...]) -> LayerWeights:
        """The weights of a layer; parents: names of the models that it is in, outermost first."""


class StoredByPath:
    """model.weights.h5: `layers/<class>_<number>/<part>/vars/<number>`."""

    # Attributes and lists that hold layers changed their names between versions.
    _CONTAINERS = ("layers", "_layer_checkpoint_dependencies")

    def __init__(self, file: Hdf5, model: Model) -> None:
        self.file = file
        self._same: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        self._index(model)

    def of(self, layer: Layer, parents: tuple[str, ...]) -> LayerWeights:
        # Keras writes a layer that is in several models only where it meets it first.
        for place in (layer.path, *self._same.get((parents[-1], layer.name), ())):
            for container in self._CONTAINERS:
                path = tuple(container if name == "layers" else name for name in place)
                if self.file.has(path):
                    return _PathWeights(self.file, path)
        return _FlatWeights([])

    def _index(self, model: Model) -> None:
        """The places of layers by the name of the model that they are in, and their own."""
        for layer in model.layers:
            self._same.setdefault((model.name, layer.name), []).append(layer.path)
            if layer.model is not None:
                self._index(layer.model)


class _PathWeights:
    def __init__(self, file: Hdf5, path: tuple[str, ...]) -> None:
        self.file, self.path = file, path
        self.taken: dict[str, int] = {}

    def take(self, part: str) -> np.ndarray | None:
        place = (*self._part(part), "vars", str(self.taken.get(part, 0)))
        if not self.file.has(place):
            return None
        self.taken[part] = self.taken.get(part, 0) + 1
        return self.file.array(place)

    def left(self) -> int:
        return sum(
            len(self.file.names((*self._part(part), "vars"))) - self.taken.get(part, 0)
            for part in {"", *self.taken}
        )

    def _part(self, part: str) -> tuple[str, ...]:
        names = tuple(part.split("/")) if part else ()
        private = tuple(f"_{name}" for name in names)
        return (*self.path, *(private if private and self.file.has((*self.path, *private)) else names))


class StoredByName:
    """An .h5 file: one group for each layer of the outermost model, whose attribute lists its arrays."""

    def __init__(self, file: Hdf5, root: tuple[str, ...]) -> None:
        self.file, self.root = file, root

    def of(self, layer: Layer, parents: tuple[str, ...]) -> LayerWeights:
        group = (*self.root, *(parents[1:2] or (layer.name,)))
        names = self.file.texts(group, "weight_names")
        if len(parents) > 1:
            # A model in the model lies in one group, flat; the names of its arrays contain the layer's.
            whole = f"/{parents[-1]}/{layer.name}/"
            inner = [name for name in names if whole in f"/{name}"]
            names = inner or [name for name in names if f"/{layer.name}/" in f"/{name}"]
        if len(names) > _MAX_ARRAYS:
            raise BadFile(f"layer '{layer.name}' has {len(names)} arrays")
        return _FlatWeights([self.file.array((*group, *name.split("/"))) for name in names])


class Live:
    """A model in memory, of which only names, `layers` and `get_weights()` are used."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def of(self, layer: Layer, parents: tuple[str, ...]) -> LayerWeights:
        found = self.model
        for name in (*parents[1:], layer.name):
            found = next((one for one in getattr(found, "layers", ()) if one.name == name), None)
        arrays = [] if found is None else [np.asarray(array) for array in found.get_weights()]
        return _FlatWeights(
            [array.astype(np.float32 if array.dtype.kind not in "iub" else np.int32) for array in arrays]
        )


class _FlatWeights:
    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays = arrays

    def take(self, part: str) -> np.ndarray | None:
        return self.arrays.pop(0) if self.arrays else None

    def left(self) -> int:
        return len(self.arrays)
