"""The nodes and tensors of a graph that is being made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smidgen.graph import DType, Graph, Node, State, Tensor
from smidgen.graph.operators import Operator
from smidgen.importers.names import unique_name


class Builder:
    """Gives every node and tensor a name of its own."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.states: list[State] = []
        self._names: set[str] = set()

    def unique_name(self, name: str) -> str:
        return unique_name(self._names, name)

    def emit(
        self,
        name: str,
        operator: Operator,
        inputs: Sequence[Tensor | None],
        shapes: Sequence[tuple[int, ...]],
        dtype: DType,
    ) -> list[Tensor]:
        """Add a node with an output of each shape; it and its first output take the name."""
        unique = self.unique_name(name)
        names = [unique, *(self.unique_name(f"{unique}/output") for _ in shapes[1:])]
        outputs = [self.add(Tensor(one, shape, dtype)) for one, shape in zip(names, shapes, strict=True)]
        read = tuple(None if tensor is None else tensor.name for tensor in inputs)
        self.nodes.append(Node(unique, operator, read, tuple(names)))
        return outputs

    def state(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """A float tensor that keeps its value from one run to the next; `keep` says what it becomes."""
        return self.add(Tensor(self.unique_name(name), shape, DType.F32))

    def keep(self, state: Tensor, following: Tensor) -> None:
        initial = np.zeros(state.shape, np.float32)
        self.states.append(State(state.name, following.name, initial))

    def constant(self, name: str, array: np.ndarray) -> Tensor:
        """A constant; one of the same name and values that is there already is used again."""
        array = np.asarray(array)
        dtype = {"f": DType.F32, "b": DType.BOOL}.get(array.dtype.kind, DType.I32)
        data = np.ascontiguousarray(array, dtype.numpy).reshape(array.shape)
        known = self.tensors.get(name)
        if known is not None and known.dtype is dtype and np.array_equal(known.data, data):
            return known
        return self.add(Tensor(self.unique_name(name), data.shape, dtype, data=data))

    def input(self, name: str, shape: tuple[int, ...], dtype: DType) -> Tensor:
        return self.add(Tensor(self.unique_name(name), shape, dtype))

    def add(self, tensor: Tensor) -> Tensor:
        self._names.add(tensor.name)
        self.tensors[tensor.name] = tensor
        return tensor

    def graph(self, name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Graph:
        """Of the tensors that are used."""
        ends = [tensor.name for tensor in (*inputs, *outputs)]
        used = {one for node in self.nodes for one in (*node.inputs, *node.outputs)} | set(ends)
        tensors = {key: tensor for key, tensor in self.tensors.items() if key in used}
        count = len(inputs)
        states = tuple(self.states)
        return Graph(name, tensors, tuple(self.nodes), tuple(ends[:count]), tuple(ends[count:]), states)
