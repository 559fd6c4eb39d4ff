"""What exporters write apart and one operator computes: batch normalization and activations.

Batch normalization comes in as a product and a sum with constants per channel. After a convolution or a
matrix product they become part of its weights and bias.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np

from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import (
    Activation,
    Add,
    Clip,
    Conv2D,
    DepthwiseConv2D,
    Div,
    FullyConnected,
    Mul,
    Operator,
    Relu,
    Relu6,
    Reshape,
    Sub,
    TransposeConv2D,
)

# The axis of the weights that counts output channels.
_CHANNEL_AXIS: dict[type[Operator], int] = {
    Conv2D: 0, TransposeConv2D: 0, FullyConnected: 0, DepthwiseConv2D: 3,
}  # fmt: skip


def fold(graph: Graph) -> Graph:
    """The float graph with sums, products and activations in the operators before them, where that is exact
    but for rounding. Tensors that nothing uses any more are left out."""
    return _Folding(graph).run()


class _Folding:
    """nodes: those of the new graph so far, by id; writers: the id of the node that writes a tensor."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.tensors = dict(graph.tensors)
        self.nodes: dict[str, Node] = {}
        self.writers: dict[str, str] = {}
        self.readers = Counter(name for node in graph.nodes for name in node.inputs)
        self.readers.update((*graph.outputs, *(state.next for state in graph.states)))

    def run(self) -> Graph:
        for node in self.graph.nodes:
            if not (self._fold_arithmetic(node) or self._fuse(node)):
                self._keep(node)
        used = {name for node in self.nodes.values() for name in (*node.inputs, *node.outputs)}
        used |= {*self.graph.inputs, *self.graph.outputs}
        used |= {name for state in self.graph.states for name in (state.tensor, state.next)}
        tensors = {name: tensor for name, tensor in self.tensors.items() if name in used}
        return replace(self.graph, tensors=tensors, nodes=tuple(self.nodes.values()))

    def _keep(self, node: Node) -> None:
        self.nodes[node.id] = node
        self.writers.update(dict.fromkeys(node.outputs, node.id))

    def _source(self, name: str | None, same_channels: bool) -> Node | None:
        """The node that computes what only one reader gets, looking through Reshapes."""
        while name is not None and self.readers[name] == 1 and name in self.writers:
            node = self.nodes[self.writers[name]]
            if not isinstance(node.operator, Reshape):
                return node
            before = self.tensors[node.inputs[0] or ""].shape
            if same_channels and before[-1:] != self.tensors[name].shape[-1:]:
                return None
            name = node.inputs[0]
        return None

    def _take_over(self, node: Node, source: Node, changed: Node) -> None:
        """Put `changed` in the place of `source`; who wrote what `node` read now writes what it wrote."""
        self.nodes[source.id] = changed
        before = next(name for name in node.inputs if name in self.writers)
        last = self.nodes[self.writers[before]]
        self._keep(replace(last, outputs=node.outputs))

    def _fuse(self, node: Node) -> bool:
        activation = _fused(node.operator)
        if activation is None:
            return False
        source = self._source(node.inputs[0], same_channels=False)
        if source is None or getattr(source.operator, "activation", None) is not Activation.NONE:
            return False
        if self.tensors[node.outputs[0]].dtype is not DType.F32:
            return False
        operator = replace(source.operator, activation=activation)  # type: ignore[call-arg]
        self._take_over(node, source, replace(source, operator=operator))
        return True

    def _fold_arithmetic(self, node: Node) -> bool:
        operator = node.operator
        if not isinstance(operator, Add | Sub | Mul | Div):
            return False
        operands = [self.tensors[name or ""] for name in node.inputs]
        known = [tensor.data is not None for tensor in operands]
        if known.count(True) != 1 or (known[0] and isinstance(operator, Div)):
            return False
        x, constant = (operands[1], operands[0]) if known[0] else operands
        source = self._source(x.name, same_channels=True)
        if source is None or type(source.operator) not in _CHANNEL_AXIS:
            return False
        if source.operator.activation is not Activation.NONE:  # type: ignore[attr-defined]
            return False
        if x.dtype is not DType.F32 or self.tensors[node.outputs[0]].shape != x.shape:
            return False
        channels = x.shape[-1]
        if constant.elements != math.prod(constant.shape[-1:]) or constant.elements not in (1, channels):
            return False
        values = np.asarray(constant.data, np.float64).reshape(-1)
        if isinstance(operator, Div) and not values.all():
            return False
        changed = self._scaled(source, *_as_scale_and_offset(operator, values, constant_first=known[0]))
        if changed is None:
            return False
        fused = replace(changed.operator, activation=operator.activation)  # type: ignore[call-arg]
        self._take_over(node, source, replace(changed, operator=fused))
        return True

    def _scaled(self, node: Node, scale: np.ndarray, offset: np.ndarray) -> Node | None:
        """The node with its output times `scale` plus `offset`, per channel; None when it cannot be."""
        weights = self.tensors[node.inputs[1] or ""]
        bias = self.tensors[node.inputs[2]] if len(node.inputs) > 2 and node.inputs[2] else None
        if weights.data is None or (bias is not None and bias.data is None):
            return None
        axis = _CHANNEL_AXIS[type(node.operator)]
        channels = weights.shape[axis]
        shape = [1] * weights.data.ndim
        shape[axis] = channels
        scale, offset = np.broadcast_to(scale, channels), np.broadcast_to(offset, channels)
        old = 0.0 if bias is None or bias.data is None else bias.data.astype(np.float64)
        name = weights
        if not np.array_equal(scale, np.ones(channels)):
            name = self._constant(weights.name, weights.data * scale.reshape(shape))
        like = f"{node.id}/bias" if bias is None else bias.name
        return replace(
            node, inputs=(node.inputs[0], name.name, self._constant(like, old * scale + offset).name)
        )

    def _constant(self, name: str, values: np.ndarray) -> Tensor:
        unique, count = name, 1
        while unique in self.tensors and self.readers[unique] != 1:
            count += 1
            unique = f"{name}_{count}"
        self.readers[unique] = 1
        tensor = Tensor(unique, values.shape, DType.F32, data=values.astype(np.float32))
        self.tensors[unique] = tensor
        return tensor


def _as_scale_and_offset(
    operator: Operator, values: np.ndarray, constant_first: bool
) -> tuple[np.ndarray, np.ndarray]:
    zero, one = np.zeros(1), np.ones(1)
    match operator:
        case Mul():
            return values, zero
        case Div():
            return 1 / values, zero
        case Sub():
            return (-one, values) if constant_first else (one, -values)
    return one, values


def _fused(operator: Operator) -> Activation | None:
    match operator:
        case Relu() | Clip(minimum=0, maximum=math.inf):
            return Activation.RELU
        case Relu6() | Clip(minimum=0, maximum=6):
            return Activation.RELU6
        case Clip(minimum=-1, maximum=1):
            return Activation.RELU_N1_TO_1
    return None
