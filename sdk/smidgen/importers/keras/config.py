"""From the configuration that Keras writes (JSON) to a description of the model, whatever version wrote it.

Keras 2 and 3 spell connections differently, and a Sequential model has none; here every model is a list of
layers, each with the calls that were made to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from smidgen.importers.keras.hdf5 import BadFile

MAX_LAYERS = 4096
MAX_DEPTH = 16  # of models in models
MAX_CALLS = 64  # of one shared layer
_CONTAINERS = ("Functional", "Sequential", "Model")
_OWN_MODULES = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "builtins")
_SAVE_AGAIN = "save the model again"
_NOT_A_MODEL = "save a Sequential or Functional model with model.save(...)"


@dataclass(frozen=True)
class Reference:
    """Output `tensor` of call number `call` of a layer."""

    layer: str
    call: int
    tensor: int


@dataclass(frozen=True)
class Invocation:
    """args, kwargs: values, lists and dicts in which tensors are References."""

    args: tuple
    kwargs: Mapping[str, object]


@dataclass(frozen=True)
class Layer:
    """A layer, an operation of keras.ops, or a model in the model (`model` is set).

    path: where its weights lie in model.weights.h5; custom: the module of a class that is not Keras's own;
    first_call: the number of its first call in references.
    """

    class_name: str
    name: str
    config: Mapping[str, object]
    path: tuple[str, ...]
    is_operation: bool
    custom: str | None
    invocations: tuple[Invocation, ...]
    model: Model | None = None
    first_call: int = 0


@dataclass(frozen=True)
class Model:
    """inputs: names of InputLayers; outputs: what the model returns, in order."""

    name: str
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[Reference, ...]

    def layer_names(self) -> set[str]:
        return {layer.name for layer in self.layers}


def parse_json(text: bytes | str, what: str) -> dict:
    """A JSON object. Raises BadFile."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"its {what} is not valid JSON ({str(error)[:100]})", _SAVE_AGAIN) from None
    if not isinstance(value, dict):
        raise BadFile(f"its {what} is no JSON object", _SAVE_AGAIN)
    return value


def read_model(serialized: Mapping, path: tuple[str, ...] = (), depth: int = 0) -> Model:
    """The model of a serialized Sequential or Functional object. Raises BadFile."""
    class_name, config = serialized.get("class_name"), serialized.get("config")
    if isinstance(config, list):  # Sequential before Keras 2.2
        config = {"name": "sequential", "layers": config}
    if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list | tuple):
        raise BadFile(
            f"its model is a {_printable(class_name)} whose layers are not listed",
            f"models made by subclassing cannot be read from a file; {_NOT_A_MODEL}",
        )
    if depth > MAX_DEPTH:
        raise BadFile(f"has models in models deeper than {MAX_DEPTH}")
    entries = list(config["layers"])
    if not 1 <= len(entries) <= MAX_LAYERS or not all(isinstance(entry, Mapping) for entry in entries):
        raise BadFile(f"its model '{_printable(config.get('name'))}' has {len(entries)} layers")
    name = _printable(config.get("name") or "model")
    if "input_layers" in config:
        return _functional(name, config, entries, path, depth)
    return _sequential(name, config, entries, path, depth)


def _functional(name: str, config: Mapping, entries: list, path: tuple[str, ...], depth: int) -> Model:
    names = {str(entry.get("name")) for entry in entries}
    layers = list(_layers(entries, path, depth, names))
    calls = [(one.args, one.kwargs) for layer in layers for one in layer.invocations]
    used = {(one.layer, one.call) for one in references_in(calls)}
    used |= {(one.layer, one.call) for one in _references(config.get("output_layers"), names)}
    for position, layer in enumerate(layers):
        # In Keras 2 the call that made a Functional model is number 0, and is not written.
        count = len(layer.invocations)
        if layer.model is not None and (layer.name, 0) not in used and (layer.name, count) in used:
            layers[position] = replace(layer, first_call=1)
    inputs = tuple(one.layer for one in _references(config["input_layers"], names))
    outputs = tuple(_references(config.get("output_layers"), names))
    if not inputs or not outputs:
        raise BadFile(f"its model '{name}' has no inputs or no outputs", _NOT_A_MODEL)
    return Model(name, tuple(layers), inputs, outputs)


def _sequential(name: str, config: Mapping, entries: list, path: tuple[str, ...], depth: int) -> Model:
    layers = list(_layers(entries, path, depth, None))
    if layers[0].class_name != "InputLayer":
        # A model in a model takes the shape that it is called with, so there it does not matter.
        shape = _first_shape(layers[0])
        given = {
            "batch_shape": config.get("build_input_shape") if shape is None else shape,
            "dtype": layers[0].config.get("dtype", "float32"),
        }
        layers.insert(0, Layer("InputLayer", f"{name}_input", given, (), False, None, ()))
    chained = [layers[0]]
    for before, layer in pairwise(layers):
        invocation = Invocation((Reference(before.name, 0, 0),), {})
        chained.append(replace(layer, is_operation=False, invocations=(invocation,)))
    return Model(name, tuple(chained), (layers[0].name,), (Reference(layers[-1].name, 0, 0),))


def _first_shape(layer: Layer) -> object:
    """The input shape that a layer was made for; None where it does not say."""
    while layer.model is not None:
        layer = layer.model.layers[0]
    return layer.config.get("batch_input_shape", layer.config.get("batch_shape"))


def _layers(entries: list, path: tuple[str, ...], depth: int, names: set[str] | None):
    """Layers with their places in the weights file; names: None in a Sequential model."""
    counts: dict[str, int] = {}
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        class_name, config = _printable(entry.get("class_name")), entry.get("config")
        if not isinstance(config, Mapping):
            raise BadFile(f"layer {position} ({class_name}) has no configuration", _SAVE_AGAIN)
        name = str(entry.get("name") or config.get("name") or f"layer_{position}")
        if name in seen:
            raise BadFile(f"two layers are called '{_printable(name)}'", _SAVE_AGAIN)
        seen.add(name)
        is_operation = _is_operation(entry, config)
        place: tuple[str, ...] = ()
        if not is_operation:
            place = (*path, "layers", _numbered(snake_case(class_name), counts))
        invocations: tuple[Invocation, ...] = ()
        if names is not None:
            nodes = entry.get("inbound_nodes") or []
            if not isinstance(nodes, list | tuple) or len(nodes) > MAX_CALLS:
                raise BadFile(f"layer '{_printable(name)}' has no sane list of calls", _SAVE_AGAIN)
            invocations = tuple(_invocation(node, names) for node in nodes)
        model = None
        if class_name in _CONTAINERS and "layers" in config:
            model = read_model(entry, place, depth + 1)
        yield Layer(class_name, name, config, place, is_operation, _custom(entry), invocations, model)


def _is_operation(entry: Mapping, config: Mapping) -> bool:
    """Whether this is an operation of keras.ops; .h5 files do not say the module, but layers have a type."""
    module = entry.get("module")
    if isinstance(module, str):
        return module.startswith(("keras.src.ops", "keras.ops"))
    return not {"dtype", "trainable", "batch_input_shape", "batch_shape", "layers"} & set(config)


def _custom(entry: Mapping) -> str | None:
    module = entry.get("module")
    registered = entry.get("registered_name")
    if isinstance(module, str) and not module.startswith(_OWN_MODULES):
        return _printable(module)
    if isinstance(registered, str) and ">" in registered:
        return _printable(registered.partition(">")[0])
    return None


def _invocation(node: object, names: set[str]) -> Invocation:
    if isinstance(node, Mapping):  # Keras 3
        args, named = node.get("args") or (), node.get("kwargs") or {}
        if not isinstance(args, list | tuple) or not isinstance(named, Mapping):
            raise BadFile("a layer's connections are not ones that Keras writes", _SAVE_AGAIN)
        return Invocation(
            tuple(_keras3(value) for value in args), {key: _keras3(value) for key, value in named.items()}
        )
    tensors: list[object] = []
    kwargs: dict[str, object] = {}
    entries = [node] if _is_reference(node, names) else node
    for part in entries if isinstance(entries, list | tuple) else ():  # Keras 2
        if isinstance(part, list | tuple) and len(part) == 4 and part[0] == "_CONSTANT_VALUE":
            tensors.append(part[2])
        elif _is_reference(part, names):
            tensors.append(Reference(str(part[0]), int(part[1]), int(part[2])))
        else:
            raise BadFile("a layer's connections are not ones that Keras writes", _SAVE_AGAIN)
        if len(part) > 3 and isinstance(part[3], Mapping):
            kwargs |= {key: _keras2(value, names) for key, value in part[3].items()}
    return Invocation((tensors[0],) if len(tensors) == 1 else (tensors,), kwargs)


def _keras3(value: object) -> object:
    if isinstance(value, Mapping):
        config = value.get("config")
        if value.get("class_name") == "__keras_tensor__" and isinstance(config, Mapping):
            history = config.get("keras_history")
            if isinstance(history, list | tuple) and len(history) == 3:
                return Reference(str(history[0]), _integer(history[1]), _integer(history[2]))
            raise BadFile("a tensor of the model does not say which layer made it", _SAVE_AGAIN)
        return {key: _keras3(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_keras3(item) for item in value]
    return value


def _keras2(value: object, names: set[str]) -> object:
    if _is_reference(value, names):
        return Reference(str(value[0]), int(value[1]), int(value[2]))
    return [_keras2(item, names) for item in value] if isinstance(value, list | tuple) else value


def _is_reference(value: object, names: set[str]) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) >= 3
        and isinstance(value[0], str)
        and value[0] in names
        and all(isinstance(part, int) and part >= 0 for part in value[1:3])
    )


def _references(value: object, names: set[str]) -> list[Reference]:
    """References of a list, a dict or a single [layer, call, tensor]."""
    if isinstance(value, Mapping):
        return [one for item in value.values() for one in _references(item, names)]
    if not isinstance(value, list | tuple):
        return []
    if len(value) == 3 and isinstance(value[0], str) and not isinstance(value[1], str | list | tuple):
        return [Reference(value[0], _integer(value[1]), _integer(value[2]))]
    return [one for item in value for one in _references(item, names)]


def references_in(value: object) -> Iterator[Reference]:
    """All references in the arguments of a call."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references_in(item)


def _integer(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise BadFile("a connection of the model is not numbered", _SAVE_AGAIN)
    return value


def _numbered(name: str, counts: dict[str, int]) -> str:
    """What Keras calls a layer in model.weights.h5: its class, numbered from the second one on."""
    counts[name] = counts.get(name, -1) + 1
    return f"{name}_{counts[name]}" if counts[name] else name


def snake_case(class_name: str) -> str:
    """As Keras turns class names into names."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _printable(value: object) -> str:
    text = str(value)[:200]
    return "".join(character if character.isprintable() else "?" for character in text)
