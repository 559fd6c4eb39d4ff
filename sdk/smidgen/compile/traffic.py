"""What the neural engine moves between its buffers and the memories, from its lists, beside the least."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smidgen.compile.kernels.npu import NPU, WEIGHTS
from smidgen.compile.kernels.npu.lists import list_of
from smidgen.compile.search import Plan
from smidgen.graph import Graph, Node, Tensor
from smidgen.graph.packing import storage_bytes
from smidgen.npu.descriptor import (
    BYTES,
    QUAD,
    Descriptor,
    Engine,
    Load,
    Store,
    Transfer,
    round_up,
)

REQUANTIZATION_BYTES = 8  # multiplier and shift of an output channel


@dataclass(frozen=True)
class Traffic:
    """Of one layer on the engine, in bytes. list: its descriptors, which lie in program memory.

    weights, inputs, outputs: what is moved, whole words; least: each of its weights (with bias, multiplier
    and shift), inputs and outputs once; forced: what is read again because the buffers cannot hold it;
    inside: inputs and outputs that stay in the buffer, where several layers are one list.
    """

    name: str
    type_name: str
    list: int
    weights: int
    inputs: int
    outputs: int
    least: int
    forced: int
    inside: int

    @property
    def moved(self) -> int:
        return self.weights + self.inputs + self.outputs

    @property
    def ratio(self) -> float:
        """What is moved, to each byte once and what is read again of necessity."""
        return self.moved / (self.least + self.forced)


def traffic(plan: Plan, engine: Engine) -> list[Traffic]:
    """Of each layer on the engine, in order; empty where none is."""
    nodes = {node.id: node for node in plan.graph.nodes}
    found = []
    for call in plan.schedule.calls:
        if call.kernel_set != NPU:
            continue
        descriptors = list_of(plan.schedule, call)
        for part in call.parts:
            own = [descriptors[index] for index in part.descriptors]
            found.append(_traffic(plan.graph, nodes[part.node], own, engine))
        if not call.parts:
            found.append(_traffic(plan.graph, nodes[call.nodes[0]], descriptors, engine))
    return found


def whole_ratio(layers: Sequence[Traffic]) -> float:
    """The same of all layers together, where inputs and outputs that stay in the buffer need not be moved."""
    return sum(one.moved for one in layers) / sum(one.least + one.forced - one.inside for one in layers)


def _traffic(graph: Graph, node: Node, descriptors: Sequence[Descriptor], engine: Engine) -> Traffic:
    moves = [one for one in descriptors if isinstance(one, Transfer)]
    weights = [one for one in moves if isinstance(one, Load) and one.base == WEIGHTS]
    inputs = [one for one in moves if isinstance(one, Load) and one.base != WEIGHTS]
    outputs = [one for one in moves if isinstance(one, Store)]
    names = dict.fromkeys((*node.inputs, *node.outputs))
    tensors = [graph.tensor(name) for name in names if name is not None]
    activations = _size(tensor for tensor in tensors if not tensor.is_constant)
    constants = _size(tensor for tensor in tensors if tensor.is_constant)
    if constants:
        constants += REQUANTIZATION_BYTES * graph.tensor(node.outputs[0]).shape[-1]
    forced = 0
    if activations > engine.activation_bytes:
        forced = _bytes(inputs) - _distinct(inputs)
        if _distinct(weights) > engine.weight_bytes:
            forced += _bytes(weights) - _distinct(weights)
    return Traffic(
        name=node.id,
        type_name=node.operator.type_name,
        list=len(descriptors) * BYTES,
        weights=_bytes(weights),
        inputs=_bytes(inputs),
        outputs=_bytes(outputs),
        least=constants + activations,
        forced=forced,
        inside=max(activations - _distinct(inputs) - _distinct(outputs), 0),
    )


def _bytes(moves: Iterable[Transfer]) -> int:
    return sum(round_up(one.bytes, QUAD) for one in moves)


def _distinct(moves: Sequence[Transfer]) -> int:
    """Bytes that are moved, each counted once."""
    covered, ends = 0, {one.base: 0 for one in moves}
    for one in sorted(moves, key=lambda one: one.memory_offset):
        end = one.memory_offset + round_up(one.bytes, QUAD)
        covered += max(end - max(one.memory_offset, ends[one.base]), 0)
        ends[one.base] = max(ends[one.base], end)
    return covered


def _size(tensors: Iterable[Tensor]) -> int:
    return sum(storage_bytes(tensor.dtype, tensor.elements) for tensor in tensors)
