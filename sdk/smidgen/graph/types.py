"""Graph: the only model type from import to compilation.

Tensors are in NHWC order with static shapes, in static single assignment: every tensor is a graph input,
a constant, a persistent state or the output of exactly one node. Nothing mutates a graph in place.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from smidgen.graph.operators.base import Operator


class DType(enum.Enum):
    """Element types. i4 and i2 are held as int8 arrays in Python; `graph.packing` lays them in bytes.

    Devices number them in this order (firmware/runtime/smidgen_model.h), so new ones come last.
    """

    F32 = "f32"
    I8 = "i8"
    I16 = "i16"
    I32 = "i32"
    I4 = "i4"
    I2 = "i2"
    BOOL = "bool"
    I64 = "i64"  # biases of layers with int16 activations

    @property
    def bits(self) -> int:
        return _BITS[self]

    @property
    def numpy(self) -> np.dtype:
        return np.dtype(_NUMPY[self])

    @property
    def is_integer(self) -> bool:
        return self not in (DType.F32, DType.BOOL)


_BITS = {
    DType.F32: 32, DType.I8: 8, DType.I16: 16, DType.I32: 32, DType.I64: 64, DType.I4: 4, DType.I2: 2,
    DType.BOOL: 8,
}  # fmt: skip
_NUMPY = {
    DType.F32: np.float32, DType.I8: np.int8, DType.I16: np.int16, DType.I32: np.int32,
    DType.I64: np.int64, DType.I4: np.int8, DType.I2: np.int8, DType.BOOL: np.bool_,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Quantization:
    """Affine quantization: real = scale * (integer - zero_point), TFLite 8-bit specification.

    scale: float32 array of shape (1,) per tensor or (channels,) per channel; zero_point: int32 array of
    the same shape; axis: the channel axis, or None when per tensor.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int | None = None

    @staticmethod
    def per_tensor(scale: float, zero_point: int) -> Quantization:
        return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int32))


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of a graph. `data` is set for constants only; shape () is a scalar."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None
    data: np.ndarray | None = None

    @property
    def is_constant(self) -> bool:
        return self.data is not None

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def scale(self) -> float:
        """The per-tensor scale, as the float32 that the file holds."""
        return float(self._quantized().scale[0])

    @property
    def zero_point(self) -> int:
        return int(self._quantized().zero_point[0])

    def _quantized(self) -> Quantization:
        if self.quantization is None:
            raise ValueError(f"tensor '{self.name}' has no quantization")
        return self.quantization


@dataclass(frozen=True)
class Node:
    """One operator applied to tensors, by name. An optional input that is absent is None."""

    id: str
    operator: Operator
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """A persistent tensor: read as `tensor` in one run; `next` names the tensor it becomes afterwards.

    initial: its value after a reset, an array of the tensor's shape and type.
    """

    tensor: str
    next: str
    initial: np.ndarray = field(compare=False)


@dataclass(frozen=True, eq=False)
class Graph:
    """A model: nodes in an order in which they can run, tensors by name, inputs, outputs and states."""

    name: str
    tensors: Mapping[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[State, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensors", MappingProxyType(dict(self.tensors)))
        _check(self)

    def __reduce__(self) -> tuple:
        """For pickle, which cannot take the read-only view of the tensors."""
        return Graph, (self.name, dict(self.tensors), self.nodes, self.inputs, self.outputs, self.states)

    def tensor(self, name: str | None) -> Tensor:
        if name is None:
            raise ValueError("an optional input that is absent has no tensor")
        return self.tensors[name]

    def input_tensors(self, node: Node) -> list[Tensor | None]:
        return [None if name is None else self.tensors[name] for name in node.inputs]

    def output_tensors(self, node: Node) -> list[Tensor]:
        return [self.tensors[name] for name in node.outputs]

    def producer(self, name: str) -> Node | None:
        return next((node for node in self.nodes if name in node.outputs), None)

    def consumers(self, name: str) -> list[Node]:
        return [node for node in self.nodes if name in node.inputs]


def _check(graph: Graph) -> None:
    """Raise ValueError when the graph is not in static single assignment or names an unknown tensor."""
    defined = set(graph.inputs) | {state.tensor for state in graph.states}
    defined |= {name for name, tensor in graph.tensors.items() if tensor.is_constant}
    identifiers: set[str] = set()
    for node in graph.nodes:
        if node.id in identifiers:
            raise ValueError(f"two nodes are called '{node.id}'")
        identifiers.add(node.id)
        for name in node.inputs:
            if name is not None and name not in defined:
                raise ValueError(f"node '{node.id}' reads '{name}' before anything has written it")
        for name in node.outputs:
            if name not in graph.tensors:
                raise ValueError(f"node '{node.id}' writes '{name}', which the graph does not list")
            if name in defined:
                raise ValueError(f"tensor '{name}' is written twice")
            defined.add(name)
    for name in (*graph.outputs, *(state.next for state in graph.states)):
        if name not in defined:
            raise ValueError(f"nothing writes '{name}'")
