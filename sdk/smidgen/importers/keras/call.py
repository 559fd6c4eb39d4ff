"""One call of a layer on its way into the graph, and the registries of layers and operations.

An importer is a function of one `Call`: it checks the layer's configuration and weights against the tensors
that the layer is called with, then emits nodes and returns the tensors that the layer gives. `Call.fail` ends
it with a problem; the other layers of the model are still looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Operator
from smidgen.importers.keras.building import Builder
from smidgen.importers.keras.config import Layer
from smidgen.importers.keras.weights import LayerWeights
from smidgen.importers.tflite.tensors import MAX_ELEMENTS, BadTensor, check_shape

MAX_SIZE = 1 << 16  # of a window, a stride or a padding
_LARGEST = float(np.finfo(np.float32).max)


class Refused(Exception):
    """The layer cannot be imported: what is wrong and what to do."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


_Function = Callable[["Call"], "Tensor | Sequence[Tensor]"]


@dataclass(frozen=True)
class Importer:
    """function: checks and emits; makes: type names of the operators that it may emit."""

    function: _Function
    makes: tuple[str, ...]

    @property
    def family(self) -> str:
        """The operator family, the file name that it has in every stage."""
        return self.function.__module__.rpartition(".")[2]


LAYERS: dict[str, Importer] = {}
OPERATIONS: dict[str, Importer] = {}


def layer(*names: str, makes: Sequence[type[Operator]] = ()) -> Callable[[_Function], _Function]:
    """Register a function for the Keras layers of these class names."""
    return _register(LAYERS, names, makes)


def operation(*names: str, makes: Sequence[type[Operator]] = ()) -> Callable[[_Function], _Function]:
    """Register a function for the operations of keras.ops with these class names."""
    return _register(OPERATIONS, names, makes)


def _register(registry: dict[str, Importer], names: Sequence[str], makes: Sequence[type[Operator]]):
    def register(function: _Function) -> _Function:
        for name in names:
            registry[name] = Importer(function, tuple(operator.type_name for operator in makes))
        return function

    return register


@dataclass
class Call:
    """layer: the layer or operation; args, kwargs: what it is called with, Tensors in place of references."""

    layer: Layer
    args: tuple
    kwargs: Mapping[str, object]
    weights: LayerWeights
    builder: Builder
    name: str  # in the graph
    main: str  # the type name of the operator that the layer usually becomes
    keras_version: int

    def fail(self, what: str, fix: str = "") -> NoReturn:
        raise Refused(what, fix)

    # What the layer is called with

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors of the positional arguments."""
        return list(_tensors(self.args))

    @property
    def x(self) -> Tensor:
        """The only tensor of a layer of one input."""
        tensors = self.tensors
        if len(tensors) != 1:
            self.fail(f"is called with {len(tensors)} tensors instead of 1")
        return tensors[0]

    def expect_rank(self, x: Tensor, *ranks: int) -> None:
        if len(x.shape) not in ranks:
            allowed = " or ".join(str(rank) for rank in ranks)
            self.fail(f"its input has shape {list(x.shape)}; {allowed} dimensions are needed")

    def expect_float(self, *tensors: Tensor) -> None:
        for tensor in tensors:
            if tensor.dtype is not DType.F32:
                self.fail(f"its input has type {tensor.dtype.value} instead of f32")

    def refuse_argument(self, *names: str) -> None:
        """Fail when one of these arguments is given."""
        for name in names:
            if self.kwargs.get(name) not in (None, False):
                self.fail(f"is called with {name}, which is not supported")

    def broadcast(self, *shapes: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that these shapes broadcast to."""
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            self.fail(f"shapes {' and '.join(str(list(shape)) for shape in shapes)} do not broadcast")

    # Its configuration

    def within(self, config: Mapping[str, object], *tensors: Tensor) -> Call:
        """The same call with the configuration of a layer in this layer, on its own or on these tensors."""
        return replace(self, layer=replace(self.layer, config=config), args=tensors or self.args)

    def option(self, name: str, default: object = None) -> object:
        return self.layer.config.get(name, default)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.option(name, default)
        if not isinstance(value, bool):
            self.fail(f"its {name} is {value!r} instead of true or false")
        return value

    def text(self, name: str, default: str) -> str:
        value = self.option(name, default)
        if not isinstance(value, str):
            self.fail(f"its {name} is {str(value)[:80]!r} instead of a name")
        return value

    def number(self, name: str, default: float) -> float:
        value = plain(self.option(name, default))
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
            self.fail(f"its {name} is {str(value)[:80]!r} instead of a number")
        return float(value)

    def array(self, name: str, value: object) -> np.ndarray:
        """A number or an array of them (float64), in any of the ways in which Keras writes it."""
        try:
            array = np.asarray(plain(value), np.float64)
        except (TypeError, ValueError, OverflowError):
            array = np.array(np.nan)
        if array.size > MAX_ELEMENTS or not (np.abs(array) <= _LARGEST).all():
            self.fail(f"its {name} is {str(value)[:80]!r} instead of numbers")
        return array

    def integer(self, name: str, default: int | None = None, low: int = 1, high: int = 1 << 24) -> int:
        return self._integer(name, self.option(name, default), low, high)

    def sizes(self, name: str, rank: int, default: int | None = None, low: int = 1) -> tuple[int, ...]:
        """`rank` integers; a single one counts for all."""
        value = self.option(name)
        value = default if value is None else value
        listed = list(value) if isinstance(value, list | tuple) else [value] * rank
        if len(listed) != rank:
            self.fail(f"its {name} has {len(listed)} numbers instead of {rank}")
        return tuple(self._integer(name, one, low, MAX_SIZE) for one in listed)

    def _integer(self, name: str, value: object, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(f"its {name} is {str(value)[:80]!r} instead of an integer in {low}..{high}")
        return value

    def axis(self, value: object, rank: int) -> int:
        """A possibly negative axis as a non-negative one."""
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        if isinstance(value, bool) or not isinstance(value, int) or not -rank <= value < rank:
            self.fail(f"axis {str(value)[:80]!r} does not exist in {rank} dimensions")
        return value % rank

    def axes(self, value: object, rank: int) -> tuple[int, ...]:
        """One axis, several, or None for all: non-negative and ascending."""
        if value is None:
            return tuple(range(rank))
        listed = value if isinstance(value, list | tuple) else [value]
        return tuple(sorted({self.axis(one, rank) for one in listed}))

    def refuse_channels_first(self) -> None:
        if self.option("data_format", "channels_last") not in (None, "channels_last"):
            self.fail(
                "its data_format is channels_first",
                "build the model with data_format='channels_last', which is what microcontrollers run",
            )

    # Its weights

    def weight(self, role: str, shape: tuple[int, ...] | None, part: str = "") -> np.ndarray:
        """The next array, which must have this shape."""
        array = self.weights.take(part)
        if array is None:
            self.fail(
                f"its weights are missing: there is no {role}", "save the model again, with its weights"
            )
        if shape is not None and array.shape != shape:
            self.fail(
                f"its {role} has shape {list(array.shape)} instead of {list(shape)}",
                "the file's weights and configuration do not belong together: save the model again",
            )
        return array

    # Writing the graph

    def emit(
        self,
        operator: Operator,
        inputs: Sequence[Tensor | None],
        shape: Sequence[int],
        dtype: DType | None = None,
    ) -> Tensor:
        """Add a node, and return its output, of the first input's type unless another is given.

        Both are named after the layer; what is not the layer's main operator, after that, too.
        """
        return self.emit_all(operator, inputs, [shape], dtype)[0]

    def emit_all(
        self,
        operator: Operator,
        inputs: Sequence[Tensor | None],
        shapes: Sequence[Sequence[int]],
        dtype: DType | None = None,
    ) -> list[Tensor]:
        """As emit, with several outputs."""
        try:
            for shape in shapes:
                check_shape(tuple(shape))
        except BadTensor as error:
            self.fail(error.what, error.fix)
        is_main = operator.type_name == self.main
        name = self.name if is_main else f"{self.name}/{operator.type_name.lower()}"
        if dtype is None:
            dtype = DType.F32 if inputs[0] is None else inputs[0].dtype
        return self.builder.emit(name, operator, inputs, [tuple(shape) for shape in shapes], dtype)

    def constant(self, role: str, array: np.ndarray) -> Tensor:
        """A constant named after the layer; float32 unless it holds integers."""
        return self.builder.constant(f"{self.name}/{role}", array)


def plain(value: object) -> object:
    """The number in {"class_name": "__numpy__", "config": {"value": ...}}, as Keras 3 writes arrays."""
    if isinstance(value, Mapping) and isinstance(value.get("config"), Mapping) and "value" in value["config"]:
        return value["config"]["value"]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


def _tensors(value: object):
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
