"""One operator of the file on its way into the graph, and the registry of those that are understood.

An importer is a function of one `Call`: it checks the operator against its inputs, emits the graph's nodes
and returns what it computes, one value per output. `Call.fail` ends it with a problem; the others of the
file are still looked at. Operators that ONNX defines on (N, C, ...) emit their NHWC form between two
Transposes, which `importers.layout` takes out again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np
from onnx import AttributeProto, NodeProto

from smidgen.graph import DType, Node, Quantization, Tensor
from smidgen.graph.operators import Operator, Reshape, Transpose
from smidgen.importers.onnx.constants import FIXED_SIZES, check_shape, to_array
from smidgen.importers.onnx.problems import Refused
from smidgen.importers.onnx.scope import Scope

# What a name of the file stands for: an array that is known at import, or a tensor of the graph. Integer
# constants with a quantization are tensors, too.
Value = np.ndarray | Tensor

_ATTRIBUTES = {
    AttributeProto.INT: (int, "i"),
    AttributeProto.FLOAT: (float, "f"),
    AttributeProto.STRING: (str, "s"),
    AttributeProto.INTS: (list, "ints"),
    AttributeProto.FLOATS: (list, "floats"),
}
_GRAPH_TYPES = {
    "float32": DType.F32,
    "bool": DType.BOOL,
    "int32": DType.I32,
    "int64": DType.I32,
}


@dataclass(frozen=True)
class Importer:
    """function: checks, emits and returns the outputs; makes: the `type_name` of operators that it can emit,
    beside Reshape and Transpose where only the layout asks for them; folds: it never becomes a node, because
    its output is known at import."""

    function: Callable[[Call], Value | Sequence[Value]]
    makes: tuple[str, ...]
    folds: bool

    @property
    def family(self) -> str:
        """The operator family, the file name that it has in every stage."""
        return self.function.__module__.rpartition(".")[2]


IMPORTERS: dict[str, Importer] = {}


def importer(
    *names: str, makes: Sequence[type[Operator]] = (), folds: bool = False
) -> Callable[[Callable], Callable]:
    """Register a function for operators of the default domain."""

    def register(function: Callable) -> Callable:
        made = tuple(operator.type_name for operator in makes)
        IMPORTERS.update(dict.fromkeys(names, Importer(function, made, folds)))
        return function

    return register


@dataclass
class Call:
    """file: the operator; index: its place in the file; opset: version of the default domain; inputs: what
    its inputs stand for, None where absent; scope: the names taken so far and the folder of the file."""

    file: NodeProto
    index: int
    opset: int
    inputs: list[Value | None]
    scope: Scope
    nodes: list[Node] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)

    # Reading the operator

    @property
    def name(self) -> str:
        return self.file.op_type

    def fail(self, what: str, fix: str = "") -> NoReturn:
        raise Refused(what, fix)

    def expect_inputs(self, low: int, high: int | None = None) -> None:
        high = low if high is None else high
        if not low <= len(self.inputs) <= high:
            allowed = str(low) if low == high else f"{low} to {high}"
            self.fail(f"has {len(self.inputs)} inputs instead of {allowed}")

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute of the default's type: int, float, str, list of int or of float."""
        found = next((one for one in self.file.attribute if one.name == name), None)
        if found is None:
            return default
        kind, field_name = _ATTRIBUTES.get(found.type, (None, ""))
        if found.ref_attr_name or kind is None or (default is not None and kind is not type(default)):
            self.fail(f"its attribute '{name}' has the wrong type")
        value = getattr(found, field_name)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, float) and not math.isfinite(value):
            self.fail(f"its attribute '{name}' is {value}")
        return value if isinstance(value, int | float) else list(value)

    def has_attribute(self, name: str) -> bool:
        return any(one.name == name for one in self.file.attribute)

    def tensor_attribute(self, name: str) -> np.ndarray | None:
        """The array of an attribute that is a tensor; None when it is absent."""
        found = next((one for one in self.file.attribute if one.name == name), None)
        if found is None:
            return None
        if found.type != AttributeProto.TENSOR:
            self.fail(f"its attribute '{name}' is no tensor")
        array = to_array(found.t, self.scope.folder)
        self.scope.count([array])
        return array

    def has(self, index: int) -> bool:
        return index < len(self.inputs) and self.inputs[index] is not None

    def value(self, index: int, role: str = "input") -> Value:
        if not self.has(index):
            self.fail(f"its {role} is absent")
        value = self.inputs[index]
        assert value is not None
        return value

    def shape(self, index: int = 0) -> tuple[int, ...]:
        return tuple(self.value(index).shape)

    def constant(self, index: int, role: str) -> np.ndarray:
        """An input that must be known at import."""
        value = self.value(index, role)
        if isinstance(value, np.ndarray):
            return value
        if value.data is not None:
            return value.data if value.quantization is None else dequantized(value)
        self.fail(f"its {role} is computed at run time, but must be a constant", FIXED_SIZES)

    def optional_constant(self, index: int, role: str) -> np.ndarray | None:
        return self.constant(index, role) if self.has(index) else None

    def integers(self, index: int, role: str) -> list[int]:
        """The whole numbers of a constant input such as axes or sizes."""
        array = self.constant(index, role)
        if array.dtype.kind not in "iu" or array.ndim > 1:
            self.fail(
                f"its {role} has type {array.dtype} and shape {list(array.shape)} instead of whole numbers"
            )
        return [int(value) for value in array.reshape(-1)]

    def number(self, index: int, role: str, default: float) -> float:
        """A constant input of one number."""
        if not self.has(index):
            return default
        array = self.constant(index, role)
        if array.size != 1 or array.dtype.kind not in "fiu":
            self.fail(
                f"its {role} has shape {list(array.shape)} and type {array.dtype} instead of one number"
            )
        return float(array.reshape(-1)[0])

    def tensor(self, index: int, role: str = "input") -> Tensor:
        """An input as a tensor of the graph, constant or not."""
        value = self.value(index, role)
        return value if isinstance(value, Tensor) else self.new_constant(value, self.file.input[index])

    def floats(self, index: int, role: str = "input") -> Tensor:
        """A tensor of real numbers: f32, or a constant with a quantization."""
        tensor = self.tensor(index, role)
        if tensor.dtype is not DType.F32 and (tensor.data is None or tensor.quantization is None):
            self.fail(
                f"its {role} has type {tensor.dtype.value}; only f32 is supported here", "cast it to float32"
            )
        return tensor

    def image(self, index: int = 0) -> tuple[Tensor, int]:
        """An input (N, C, ...) as (N, H, W, C), and how many spatial axes it had: one that has 1 becomes
        W."""
        x = self.floats(index)
        spatial = len(x.shape) - 2
        if spatial not in (1, 2):
            self.fail(f"its input has shape {list(x.shape)}; (N, C, L) and (N, C, H, W) are supported")
        x = self.channels_last(x)
        if spatial == 1:
            x = self.reshape(x, (x.shape[0], 1, *x.shape[1:]))
        return x, spatial

    def axis(self, value: int, rank: int, what: str = "axis") -> int:
        """A possibly negative axis as a non-negative one."""
        if not -rank <= value < rank:
            self.fail(f"{what} {value} does not exist in {rank} dimensions")
        return int(value) % rank

    def axes(self, values: Sequence[int], rank: int) -> tuple[int, ...]:
        axes = [self.axis(value, rank) for value in values]
        if len(set(axes)) != len(axes):
            self.fail(f"axes {list(values)} name one axis twice")
        return tuple(sorted(axes))

    def broadcast(self, *tensors: Tensor) -> tuple[int, ...]:
        """The shape that inputs have together, as in NumPy."""
        try:
            return tuple(np.broadcast_shapes(*(tensor.shape for tensor in tensors)))
        except ValueError:
            listed = " and ".join(str(list(tensor.shape)) for tensor in tensors)
            self.fail(f"shapes {listed} cannot be broadcast")

    # Writing the graph

    def emit(
        self,
        operator: Operator,
        inputs: Sequence[Tensor | None],
        shape: Sequence[int],
        dtype: DType | None = None,
        quantization: Quantization | None = None,
    ) -> Tensor:
        """Add a node of one output, of the first input's type unless said otherwise, and return that.

        The type of a quantized constant is f32: it stands for real numbers.
        """
        return self.emit_many(operator, inputs, [shape], dtype, quantization)[0]

    def emit_many(
        self,
        operator: Operator,
        inputs: Sequence[Tensor | None],
        shapes: Sequence[Sequence[int]],
        dtype: DType | None = None,
        quantization: Quantization | None = None,
    ) -> list[Tensor]:
        first = next(tensor for tensor in inputs if tensor is not None)
        if dtype is None:
            dtype = DType.F32 if first.data is not None and first.quantization is not None else first.dtype
        outputs = []
        for shape in shapes:
            sizes = tuple(int(size) for size in shape)
            check_shape(sizes)
            outputs.append(Tensor(self.scope.labelled(self._label, "part"), sizes, dtype, quantization))
        self.tensors.extend(outputs)
        identifier = f"{self.name.lower()}_{self.index}"
        if isinstance(operator, Reshape | Transpose) and operator.type_name not in IMPORTERS[self.name].makes:
            identifier += f"_{operator.type_name.lower()}"
        identifier = self.scope.unique_node(identifier)
        names = tuple(None if tensor is None else tensor.name for tensor in inputs)
        self.nodes.append(Node(identifier, operator, names, tuple(tensor.name for tensor in outputs)))
        return outputs

    def move(self, operator: Operator, inputs: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
        """Add a node that only moves values of its first input, so that integers keep their quantization."""
        x = inputs[0]
        if x.data is not None:
            return self.emit(operator, inputs, shape)
        return self.emit(operator, inputs, shape, x.dtype, x.quantization)

    @property
    def _label(self) -> str:
        return self.file.output[0] if self.file.output and self.file.output[0] else self.name.lower()

    def new_constant(
        self, array: np.ndarray, name: str = "", quantization: Quantization | None = None
    ) -> Tensor:
        """A constant of the graph; 64-bit whole numbers are narrowed."""
        if quantization is not None:
            dtype = {"int8": DType.I8, "int32": DType.I32}[array.dtype.name]
        elif array.dtype.name in _GRAPH_TYPES:
            dtype = _GRAPH_TYPES[array.dtype.name]
        else:
            self.fail(f"its constant '{name}' has type {array.dtype}, which is not supported", "use float32")
        check_shape(array.shape)
        if dtype is DType.F32 and np.isnan(array).any():
            self.fail(f"its constant '{name}' holds values that are not a number")
        if array.dtype == np.int64 and array.size and np.abs(array).max() >= 1 << 31:
            # Indices such as "the end" are known at import; what is left here is computed with.
            self.fail(f"its constant '{name}' holds whole numbers that do not fit 32 bits")
        data = np.ascontiguousarray(array, dtype.numpy).reshape(array.shape)
        own = self.scope.again(name) if name else self.scope.unique(f"{self._label}_constant")
        tensor = Tensor(own, data.shape, dtype, quantization, data)
        self.tensors.append(tensor)
        return tensor

    def scalar(self, number: float) -> Tensor:
        return self.new_constant(np.array(number, np.float32))

    def scalar_integer(self, number: int) -> Tensor:
        return self.new_constant(np.array(number, np.int32))

    def rearranged(self, tensor: Tensor, function: Callable[[np.ndarray], np.ndarray], axis: int) -> Tensor:
        """A constant whose elements were moved; channels that are quantized alone now lie along `axis`."""
        assert tensor.data is not None
        quantization = tensor.quantization
        if quantization is not None and quantization.axis is not None:
            quantization = replace(quantization, axis=axis)
        return self.new_constant(function(tensor.data), tensor.name, quantization)

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        if x.shape == tuple(shape):
            return x
        if x.data is None:
            return self.move(Reshape(), [x], shape)
        if x.quantization is None or x.quantization.axis is None:
            return self.new_constant(x.data.reshape(shape), x.name, x.quantization)
        return self.new_constant(dequantized(x).reshape(shape), x.name)

    def transpose(self, x: Tensor, permutation: Sequence[int]) -> Tensor:
        if tuple(permutation) == tuple(range(len(x.shape))):
            return x
        if x.data is not None:
            old = None if x.quantization is None else x.quantization.axis
            new = 0 if old is None else list(permutation).index(old)
            return self.rearranged(x, lambda data: data.transpose(permutation), new)
        shape = tuple(x.shape[axis] for axis in permutation)
        return self.move(Transpose(tuple(int(axis) for axis in permutation)), [x], shape)

    def channels_last(self, x: Tensor) -> Tensor:
        """(N, C, ...) to (N, ..., C)."""
        return self.transpose(x, to_channels_last(len(x.shape)))

    def channels_first(self, x: Tensor) -> Tensor:
        """(N, ..., C) to (N, C, ...)."""
        return self.transpose(x, to_channels_first(len(x.shape)))

    def from_image(self, y: Tensor, spatial: int) -> Tensor:
        """What `image` made (N, H, W, C), back as (N, C, ...)."""
        if spatial == 1:
            y = self.reshape(y, (y.shape[0], *y.shape[2:]))
        return self.channels_first(y)


def to_channels_last(rank: int) -> tuple[int, ...]:
    return (0, *range(2, rank), 1)


def to_channels_first(rank: int) -> tuple[int, ...]:
    return (0, rank - 1, *range(1, rank - 1))


def dequantized(tensor: Tensor) -> np.ndarray:
    """The float32 values that a quantized constant stands for."""
    assert tensor.data is not None and tensor.quantization is not None
    quantization = tensor.quantization
    sizes = [1] * len(tensor.shape)
    if quantization.axis is not None:
        sizes[quantization.axis] = -1
    scale, zero_point = quantization.scale.reshape(sizes), quantization.zero_point.reshape(sizes)
    values = (tensor.data.astype(np.int64) - zero_point) * scale.astype(np.float64)
    return values.astype(np.float32).reshape(tensor.shape)
