"""From a description of a model and its weights to one Graph, with all problems collected on the way."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from smidgen.errors import ModelError, Problem, ProblemList
from smidgen.graph import DType, Graph, Tensor
from smidgen.importers.folding import fold
from smidgen.importers.keras.building import Builder
from smidgen.importers.keras.call import LAYERS, OPERATIONS, Call, Importer, Refused
from smidgen.importers.keras.config import Invocation, Layer, Model, Reference, references_in
from smidgen.importers.keras.hdf5 import BadFile
from smidgen.importers.keras.weights import WeightSource
from smidgen.importers.tflite.tensors import BadTensor, check_shape

_MAX_PROBLEMS = 50
_MAX_CALLS = 1 << 14  # of layers in all, models in models counted at each call

_INPUT_TYPES = {"float32": DType.F32, "float16": DType.F32, "int32": DType.I32, "int64": DType.I32}
_TYPES = (None, "float32", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16", "int32", "int64")
_CODE = {
    "Lambda": "holds Python code, which is never run",
    "SlicingOpLambda": "is an operation of TensorFlow inside a Keras 2 model",
    "TensorFlowOpLayer": "is an operation of TensorFlow inside a Keras 2 model",
}
_FIXED_INPUT = "build the model with a fixed size, for example keras.Input((96, 96, 3))"


class _Skipped(Exception):
    """A call that cannot be imported because something before it could not; that is listed already."""


class ModelImport:
    """One model on its way into a Graph; `where` names it in problems."""

    def __init__(self, model: Model, source: WeightSource, where: str, name: str, keras_version: int) -> None:
        self.model, self.source, self.where, self.name = model, source, where, name
        self.keras_version = keras_version
        self.problems = ProblemList()
        self.builder = Builder()
        self.calls = 0

    def run(self) -> Graph:
        """The Graph. Raises ModelError with every problem found."""
        self._check_layers(self.model, ())
        inputs = [self._input(self.model, name) for name in self.model.inputs]
        outputs = self._interpret(self.model, inputs, (self.model.name,))
        if not self.problems.problems:
            self._check_ends(outputs)
        self._stop_if_any()
        ends = [[tensor for tensor in tensors if tensor is not None] for tensors in (inputs, outputs)]
        return fold(self.builder.graph(self.name, *ends))

    def _stop_if_any(self) -> None:
        hidden = len(self.problems.problems) - _MAX_PROBLEMS
        if hidden > 0:
            del self.problems.problems[_MAX_PROBLEMS:]
            self.problems.add(self.where, f"{hidden} more problems are not shown")
        self.problems.stop_if_any(ModelError)

    # Before anything is imported: layers that nobody knows

    def _check_layers(self, model: Model, parents: tuple[str, ...]) -> None:
        for layer in model.layers:
            if layer.model is not None:
                self._check_layers(layer.model, (*parents, layer.name))
            elif layer.class_name != "InputLayer" and _importer(layer) is None:
                self._problem(layer, parents, *_unknown(layer))

    def _check_ends(self, outputs: Sequence[Tensor | None]) -> None:
        names = [tensor.name for tensor in outputs if tensor is not None]
        written = {name for node in self.builder.nodes for name in node.outputs}
        if not set(names) <= written or len(set(names)) < len(names):
            self.problems.add(
                self.where,
                "returns one of its inputs or constants, or one result twice",
                "let each output of the model be the result of a layer of its own",
            )

    # Layers in an order in which they can be computed

    def _interpret(
        self, model: Model, given: Sequence[Tensor | None], parents: tuple[str, ...]
    ) -> list[Tensor | None]:
        """What a model returns for these inputs; None where that is not known for a problem."""
        layers = {layer.name: layer for layer in model.layers}
        values: dict[Reference, Tensor | None] = {
            Reference(name, 0, 0): tensor for name, tensor in zip(model.inputs, given, strict=True)
        }
        for name, index in self._order(model, parents):
            layer = layers[name]
            if layer.class_name == "InputLayer":
                continue
            self.calls += 1
            if self.calls > _MAX_CALLS:
                raise ModelError(_too_many(self.where))
            try:
                results = self._call(layer, layer.invocations[index], values, parents)
            except _Skipped:
                continue
            except Refused as refused:
                self._problem(layer, parents[1:], refused.what, refused.fix)
                continue
            except BadFile as error:
                self._problem(layer, parents[1:], error.what, error.fix)
                continue
            call = index + layer.first_call
            values |= {Reference(name, call, number): tensor for number, tensor in enumerate(results)}
        return [values.get(output) for output in model.outputs]

    def _order(self, model: Model, parents: tuple[str, ...]) -> list[tuple[str, int]]:
        """(layer, number of its call), each after those whose results it needs."""
        known = {
            (layer.name, index + layer.first_call): (layer.name, index)
            for layer in model.layers
            for index in range(1 if layer.class_name == "InputLayer" else len(layer.invocations))
        }
        sorter: TopologicalSorter[tuple[str, int]] = TopologicalSorter()
        for layer in model.layers:
            for index, invocation in enumerate(layer.invocations):
                needed = [
                    (one.layer, one.call) for one in references_in((invocation.args, invocation.kwargs))
                ]
                unknown = [one for one in needed if one not in known]
                if unknown:
                    self._problem(
                        layer, parents[1:], f"reads from layer '{unknown[0][0]}', which does not give that"
                    )
                    continue
                sorter.add((layer.name, index), *(known[one] for one in needed))
        try:
            return list(sorter.static_order())
        except CycleError as error:
            loop = " -> ".join(f"'{name}'" for name, _ in error.args[1][:6])
            self.problems.add(self.where, f"its layers form a loop: {loop}", "save the model again")
            return []

    def _call(
        self,
        layer: Layer,
        invocation: Invocation,
        values: dict[Reference, Tensor | None],
        parents: tuple[str, ...],
    ) -> Sequence[Tensor | None]:
        args = _resolved(invocation.args, values)
        kwargs = _resolved(dict(invocation.kwargs), values)
        if layer.model is not None:
            return self._nested(layer, args, parents)
        importer = _importer(layer)
        if importer is None:
            raise _Skipped
        _check_type(layer)
        weights = self.source.of(layer, parents)
        name = "/".join((*parents[1:], layer.name))
        main = importer.makes[0] if importer.makes else ""
        call = Call(layer, args, kwargs, weights, self.builder, name, main, self.keras_version)
        result = importer.function(call)
        if weights.left():
            call.fail(
                f"has {weights.left()} more weights than its configuration explains",
                "save the model again; quantized or extended layers are not supported",
            )
        return [result] if isinstance(result, Tensor) else list(result)

    def _nested(self, layer: Layer, args: tuple, parents: tuple[str, ...]) -> Sequence[Tensor | None]:
        assert layer.model is not None
        tensors = list(_leaves(args))
        if len(tensors) != len(layer.model.inputs):
            raise Refused(f"is called with {len(tensors)} tensors, but has {len(layer.model.inputs)} inputs")
        before = len(self.problems.problems)
        results = self._interpret(layer.model, tensors, (*parents, layer.name))
        if len(self.problems.problems) > before:
            raise _Skipped
        return results

    def _input(self, model: Model, name: str) -> Tensor | None:
        """An input of the outermost model; a batch of unknown size is 1."""
        layer = next((one for one in model.layers if one.name == name), None)
        if layer is None or layer.class_name != "InputLayer":
            self.problems.add(
                self.where, f"its input '{name[:200]}' is no InputLayer", "save the model again"
            )
            return None
        config = layer.config
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        if not isinstance(shape, list | tuple) or not shape:
            self._problem(layer, (), "the model's input shape is not known", _FIXED_INPUT)
            return None
        if config.get("sparse") or config.get("ragged"):
            self._problem(layer, (), "is sparse or ragged, which is not supported", "use dense inputs")
            return None
        sizes = [1 if position == 0 and size is None else size for position, size in enumerate(shape)]
        if any(isinstance(size, bool) or not isinstance(size, int) for size in sizes):
            self._problem(
                layer, (), f"has the dynamic shape {list(shape)}; sizes must be fixed", _FIXED_INPUT
            )
            return None
        dtype = _INPUT_TYPES.get(_type_name(config.get("dtype")) or "float32")
        if dtype is None:
            what = f"takes {_type_name(config.get('dtype'))}; supported are float32 and int32"
            self._problem(layer, (), what, "build the model with keras.Input(..., dtype='float32')")
            return None
        try:
            check_shape(tuple(sizes))
        except BadTensor as error:
            self._problem(layer, (), error.what, error.fix or _FIXED_INPUT)
            return None
        return self.builder.input(name, tuple(sizes), dtype)

    def _problem(self, layer: Layer, parents: tuple[str, ...], what: str, fix: str = "") -> None:
        kind = f"operation {layer.class_name}" if layer.is_operation else layer.class_name
        name = "/".join((*parents, layer.name))[:200]
        problem = (f"{self.where}: layer '{name}' ({kind})", what, fix)
        if all((known.where, known.what) != problem[:2] for known in self.problems.problems):
            self.problems.add(*problem)


def _importer(layer: Layer) -> Importer | None:
    if layer.custom is not None or layer.class_name in _CODE:
        return None
    return (OPERATIONS if layer.is_operation else LAYERS).get(layer.class_name)


def _unknown(layer: Layer) -> tuple[str, str]:
    """What is wrong with a layer that has no importer, and what to do."""
    if layer.class_name in _CODE:
        return _CODE[
            layer.class_name
        ], "replace it with layers of Keras, or operations of keras.ops in Keras 3"
    if layer.custom is not None:
        return f"is a layer of your own (from {layer.custom})", "build the model from layers of Keras"
    if layer.class_name in ("Masking",):
        return "masking is not supported", "give the model inputs of full length"
    what = f"{'operation' if layer.is_operation else 'layer'} {layer.class_name} is not supported"
    return what, "replace it in the model with supported layers (`smidgen ops` lists them)"


def _check_type(layer: Layer) -> None:
    """Refuse layers that compute in integers or were quantized by Keras."""
    name = _type_name(layer.config.get("dtype"))
    if name not in _TYPES:
        raise Refused(
            f"has the type policy {str(name)[:80]}",
            "save the float model, before Keras quantizes it: smidgen compress quantizes",
        )


def _type_name(dtype: object) -> str | None:
    """ "float32" in any of the ways in which Keras writes it."""
    if isinstance(dtype, dict):
        config = dtype.get("config")
        if dtype.get("class_name") in ("DTypePolicy", "Policy") and isinstance(config, dict):
            return _type_name(config.get("name"))
        return str(dtype.get("class_name"))
    return None if dtype is None else str(dtype)


def _resolved(value, values: dict[Reference, Tensor | None]):
    """The same structure with tensors in place of references. Raises _Skipped where one is not known."""
    if isinstance(value, Reference):
        tensor = values.get(value)
        if tensor is None:
            raise _Skipped
        return tensor
    if isinstance(value, list | tuple):
        return type(value)(_resolved(item, values) for item in value)
    if isinstance(value, dict):
        return {key: _resolved(item, values) for key, item in value.items()}
    return value


def _leaves(value: object):
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)


def _too_many(where: str) -> Problem:
    return Problem(
        where, f"calls more than {_MAX_CALLS:,} layers", "Smidgen is for models that fit a microcontroller"
    )
