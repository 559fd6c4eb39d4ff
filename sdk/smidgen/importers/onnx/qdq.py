"""Operators between QuantizeLinear and DequantizeLinear become integer operators with the file's scales.

A float tensor that a Dequantize makes is remembered by the integers it stands for, its twin. An operator all
of whose inputs have twins reads these, and writes integers in the quantization that the Quantize behind it
has. Restrictions are those of TFLite's 8-bit specification; what does not fit them is refused, all of it at
once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from smidgen.errors import ModelError, ProblemList
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import (
    Activation,
    Add,
    Clip,
    Dequantize,
    FullyConnected,
    Gather,
    HardSigmoid,
    Operator,
    Pad,
    Quantize,
    Relu,
    Relu6,
    Reshape,
)
from smidgen.graph.own_constants import own_constants
from smidgen.graph.reference import FAMILIES
from smidgen.graph.reference.quantize import quantize_array
from smidgen.graph.scales import FIXED_OUTPUT, SAME_SCALE
from smidgen.importers.names import unique_name
from smidgen.importers.onnx.call import dequantized
from smidgen.importers.onnx.qdq_layers import (
    ALL_OR_NONE,
    CHANNEL_AXIS,
    CannotQuantize,
    check_weights,
    in_float,
    int32_bias,
)
from smidgen.importers.onnx.qdq_limits import overflows

_FUSED: dict[Operator, Activation] = {
    Relu(): Activation.RELU,
    Relu6(): Activation.RELU6,
    Clip(0, 6): Activation.RELU6,
    Clip(0, math.inf): Activation.RELU,
}
# Quantizations of outputs whose range is known, for where the file has none.
_KNOWN_OUTPUT = {**FIXED_OUTPUT, HardSigmoid: (1 / 256, -128)}


def to_integers(graph: Graph, where: str) -> Graph:
    """The graph with integer operators where the file is quantized; a float graph stays as it is.

    Raises ModelError with every operator that does not fit; `where` names the file.
    """
    return _Integers(graph, where).run()


class _Integers:
    def __init__(self, graph: Graph, where: str) -> None:
        self.graph = graph
        self.where = where
        self.problems = ProblemList()
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.twins: dict[str, str] = {}  # float tensor of the old graph -> integer tensor of the new one
        self.integers: dict[str, str] = {}  # integer tensor of the old graph -> the one that has its values
        self.passed: set[str] = set()  # operators that are part of one before: what they read is their result
        self.lost: set[str] = set()  # what operators would have written that have a problem
        self.taken = set(graph.tensors)
        self.consumers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in node.inputs:
                if name is not None:
                    self.consumers.setdefault(name, []).append(node)

    def run(self) -> Graph:
        graph = self.graph
        for name in (*graph.inputs, *(state.tensor for state in graph.states)):
            self.tensors[name] = graph.tensors[name]
        for node in graph.nodes:
            self._node(node)
        self.problems.stop_if_any(ModelError)
        outputs = [self._float(name) for name in graph.outputs]
        result = replace(graph, tensors=self.tensors, nodes=tuple(self.nodes), outputs=tuple(outputs))
        self._check(result)
        return result

    def _check(self, graph: Graph) -> None:
        """Every operator must have a meaning for the types that it now has, and keep within 32 bits."""
        for node in graph.nodes:
            where = f"{self.where}: {node.id}"
            try:
                FAMILIES[type(node.operator)](graph, node)
                if overflows(graph, node):
                    fix = "quantize the model again, with samples that cover the real inputs"
                    self.problems.add(where, "its scales are too far apart: sums would overflow 32 bits", fix)
            except ModelError:
                if any(graph.tensors[name].dtype is DType.I8 for name in node.outputs):
                    self.problems.add(where, f"{node.operator.type_name} has no int8 form here", ALL_OR_NONE)
        self.problems.stop_if_any(ModelError)

    def _node(self, node: Node) -> None:
        if any(name in self.lost for name in node.inputs):
            self.lost.update(node.outputs)
            return
        try:
            if node.id in self.passed:
                moving = next(name for name in node.inputs if name in self.twins)
                self.twins[node.outputs[0]] = self.twins[moving or ""]
            elif isinstance(node.operator, Quantize):
                self._quantize(node)
            elif isinstance(node.operator, Dequantize):
                name = node.inputs[0] or ""
                self.twins[node.outputs[0]] = self.integers.get(name, name)
            elif any(name in self.twins for name in node.inputs) or self._reads_table(node):
                self._operator(node)
            else:
                self._as_it_was(node)
        except CannotQuantize as cause:
            self.problems.add(f"{self.where}: {node.id}", cause.what, cause.fix)
            self.lost.update(node.outputs)

    def _quantize(self, node: Node) -> None:
        x, y = node.inputs[0] or "", self.graph.tensors[node.outputs[0]]
        if x not in self.twins:
            self._as_it_was(node)
            return
        assert y.quantization is not None
        self.integers[y.name] = self._rescaled(self.twins[x], y.quantization, y.name)

    def _as_it_was(self, node: Node) -> None:
        """A float operator, or one that moves integers."""
        inputs = tuple(None if name is None else self._same(name) for name in node.inputs)
        outputs = []
        for name in node.outputs:
            self.tensors[name] = self.graph.tensors[name]
            outputs.append(name)
        self.nodes.append(replace(node, inputs=inputs, outputs=tuple(outputs)))

    def _same(self, name: str) -> str:
        tensor = self.graph.tensors[name]
        if tensor.data is not None and tensor.quantization is not None:
            return self._constant(in_float(tensor))
        if tensor.data is not None:
            return self._constant(tensor)
        return self.integers.get(name, name)

    # Operators

    def _operator(self, node: Node) -> None:
        operator = node.operator
        if any(self.graph.tensors[name].dtype is not DType.F32 for name in node.outputs):
            raise CannotQuantize("compares or converts quantized values, which has no integer form")
        for name in node.inputs:
            tensor = None if name is None or name in self.twins else self.graph.tensors[name]
            if tensor is not None and tensor.dtype is DType.F32 and not tensor.is_constant:
                raise CannotQuantize(f"its input '{name}' is not quantized, the others are")
        if type(operator) in CHANNEL_AXIS:
            self._weighted(node)
        elif isinstance(operator, SAME_SCALE):
            self._same_scale(node)
        elif type(operator) in _KNOWN_OUTPUT:
            known = Quantization.per_tensor(*_KNOWN_OUTPUT[type(operator)])
            wanted = None if type(operator) in FIXED_OUTPUT else self._behind(node.outputs[0])
            self._write(node, operator, self._operands(node), wanted or known)
        else:
            last, operator = self._with_activation(node)
            self._write(node, operator, self._operands(node), self._wanted(last))

    def _reads_table(self, node: Node) -> bool:
        """Whether it looks up rows of a quantized constant, an embedding, for operators on integers."""
        if not isinstance(node.operator, Gather):
            return False
        quantization = self.graph.tensors[node.inputs[0] or ""].quantization
        per_tensor = quantization is not None and quantization.axis is None
        return per_tensor and self._behind(node.outputs[0]) is not None

    def _operands(self, node: Node) -> list[str | None]:
        """Inputs of any quantization each."""
        own = own_constants(self._in_float(node), node)
        return [
            self._constant(own[place]) if place in own
            else None if name is None else self.twins.get(name) or self._operand(name)
            for place, name in enumerate(node.inputs)
        ]  # fmt: skip

    def _in_float(self, node: Node) -> Graph:
        """The node alone, with what its constants stand for."""
        tensors = {name: self.graph.tensors[name] for name in (*node.inputs, *node.outputs) if name}
        for name, tensor in tensors.items():
            if tensor.data is not None and tensor.quantization is not None:
                tensors[name] = in_float(tensor)
        moving = {name for name, tensor in tensors.items() if not tensor.is_constant}
        return Graph(node.id, tensors, (node,), tuple(moving - {*node.outputs}), node.outputs)

    def _operand(self, name: str) -> str:
        """A constant in int8; one that the file does not quantize gets the range that it has."""
        tensor = self.graph.tensors[name]
        if tensor.dtype is DType.I8 and tensor.quantization is not None and tensor.quantization.axis is None:
            return self._constant(tensor)
        values = tensor.data if tensor.quantization is None else dequantized(tensor)
        assert values is not None
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        if not math.isfinite(high - low):
            raise CannotQuantize(f"constant '{name}' is not finite")
        scale = (high - low) / 255 or 1.0
        quantization = Quantization.per_tensor(scale, round(-128 - low / scale))
        quantized = replace(tensor, dtype=DType.I8, quantization=quantization, data=None)
        return self._constant(replace(quantized, data=quantize_array(values, quantized)))

    def _same_scale(self, node: Node) -> None:
        """All inputs in one quantization: of several that which is wanted behind, of one its own."""
        moving = [name for name in node.inputs if name in self.twins]
        first = self.graph.tensors[node.inputs[0] or ""].quantization
        if moving:
            first = self.tensors[self.twins[moving[0]]].quantization
        others = [name for name in node.inputs if name is not None and name not in self.twins]
        data = [name for name in others if self.graph.tensors[name].dtype in (DType.F32, DType.I8)]
        shared = first
        if len(moving) + len(data) > 1:
            shared = self._behind(node.outputs[0]) or first
        assert shared is not None
        inputs: list[str | None] = []
        for name in node.inputs:
            if name in self.twins:
                inputs.append(self._rescaled(self.twins[name], shared, f"{name}_rescaled"))
            elif name in data:
                tensor = self.graph.tensors[name]
                values = tensor.data if tensor.quantization is None else dequantized(tensor)
                wanted = replace(tensor, dtype=DType.I8, quantization=shared, data=None)
                inputs.append(self._constant(replace(wanted, data=quantize_array(values, wanted))))
            else:
                inputs.append(None if name is None else self._same(name))
        operator = node.operator
        if isinstance(operator, Pad) and operator.value is not None:
            like = Tensor("value", (), DType.I8, shared)
            operator = replace(operator, value=float(quantize_array(np.float32(operator.value), like)))
        self._write(node, operator, inputs, shared)

    def _weighted(self, node: Node) -> None:
        """int8 weights with a scale per channel or one, and an int32 bias in the scale of the products."""
        kind = type(node.operator)
        x = self.tensors[self.twins.get(node.inputs[0] or "", "")] if node.inputs[0] in self.twins else None
        weights = self.graph.tensors[node.inputs[1] or ""]
        if x is None or weights.data is None:
            raise CannotQuantize("its weights are no constant")
        check_weights(weights, CHANNEL_AXIS[kind])
        bias = self.graph.tensors[node.inputs[2]] if len(node.inputs) > 2 and node.inputs[2] else None
        last = node
        if bias is None and kind is FullyConnected:
            last, bias = self._bias_behind(node, weights.shape[0])
        last, operator = self._with_activation(last, node.operator)
        inputs = [x.name, self._constant(weights), None]
        if bias is not None:
            inputs[2] = self._constant(int32_bias(bias, x, weights, CHANNEL_AXIS[kind]))
        self._write(node, operator, inputs, self._wanted(last))

    def _bias_behind(self, node: Node, channels: int) -> tuple[Node, Tensor | None]:
        """A constant that is added to a product before anything quantizes it."""
        behind = self._only_reader(node.outputs[0])
        if behind is not None and behind.operator == Add():
            others = [self.graph.tensors[name or ""] for name in behind.inputs if name != node.outputs[0]]
            one = others[0]
            if one.is_constant and one.elements in (1, channels) and one.shape[-1:] in ((), (one.elements,)):
                self.passed.add(behind.id)
                return behind, one
        return node, None

    # What follows an operator

    def _only_reader(self, name: str) -> Node | None:
        """The one operator that computes on a tensor; Reshapes do not."""
        readers = self.consumers.get(name, [])
        if len(readers) != 1 or name in self.graph.outputs:
            return None
        return self._only_reader(readers[0].outputs[0]) if _only_names(readers[0]) else readers[0]

    def _with_activation(self, node: Node, operator: Operator | None = None) -> tuple[Node, Operator]:
        """The last node of an operator and the activation behind it, and the operator with that fused."""
        operator = operator or node.operator
        behind = self._only_reader(node.outputs[0])
        fits = getattr(operator, "activation", None) is Activation.NONE
        if not fits or behind is None or behind.operator not in _FUSED:
            return node, operator
        self.passed.add(behind.id)
        return behind, replace(operator, activation=_FUSED[behind.operator])  # type: ignore[call-arg]

    def _behind(self, name: str) -> Quantization | None:
        """The quantization in which all readers of a float tensor want it; None when there is no one such."""
        found: list[Quantization | None] = []
        for node in self.consumers.get(name, []):
            if _only_names(node):
                found.append(self._behind(node.outputs[0]))
            else:
                quantizes = isinstance(node.operator, Quantize)
                found.append(self.graph.tensors[node.outputs[0]].quantization if quantizes else None)
        first = found[0] if found and name not in self.graph.outputs else None
        if first is None or any(other is None or not _equal(first, other) for other in found):
            return None
        return first

    def _wanted(self, node: Node) -> Quantization:
        quantization = self._behind(node.outputs[0])
        if quantization is None:
            raise CannotQuantize("its inputs are quantized, but its output is not")
        return quantization

    # Writing

    def _write(
        self, node: Node, operator: Operator, inputs: Sequence[str | None], quantization: Quantization
    ) -> None:
        outputs = []
        for name in node.outputs:
            own = unique_name(self.taken, f"{name}_quantized") if name in self.graph.outputs else name
            tensor = self.graph.tensors[name]
            self.tensors[own] = replace(tensor, name=own, dtype=DType.I8, quantization=quantization)
            self.twins[name] = own
            outputs.append(own)
        self.nodes.append(replace(node, operator=operator, inputs=tuple(inputs), outputs=tuple(outputs)))

    def _rescaled(self, name: str, quantization: Quantization, label: str) -> str:
        """An integer tensor in another quantization."""
        tensor = self.tensors[name]
        assert tensor.quantization is not None
        if _equal(tensor.quantization, quantization):
            return name
        own = (
            label
            if label not in self.tensors and label in self.graph.tensors
            else unique_name(self.taken, label)
        )
        self.tensors[own] = replace(tensor, name=own, quantization=quantization)
        self.nodes.append(Node(unique_name(self.taken, f"quantize_{own}"), Quantize(), (name,), (own,)))
        return own

    def _float(self, name: str) -> str:
        """A float output of the graph."""
        if name not in self.twins:
            return self.integers.get(name, name)
        self.tensors[name] = replace(self.graph.tensors[name], name=name)
        node = Node(unique_name(self.taken, f"dequantize_{name}"), Dequantize(), (self.twins[name],), (name,))
        self.nodes.append(node)
        return name

    def _constant(self, tensor: Tensor) -> str:
        """Put a constant into the new graph, under another name when its values there are others."""
        known = self.tensors.get(tensor.name)
        name = tensor.name
        if known is not None and (known.data is not tensor.data or known.dtype is not tensor.dtype):
            name = unique_name(self.taken, name)
        self.tensors[name] = replace(tensor, name=name)
        return name


def _only_names(node: Node) -> bool:
    """Whether an operator leaves every element as and where it is."""
    return isinstance(node.operator, Reshape)


def _equal(a: Quantization, b: Quantization) -> bool:
    return np.array_equal(a.scale, b.scale) and np.array_equal(a.zero_point, b.zero_point)


def is_quantized(tensors: Mapping[str, Tensor]) -> bool:
    """Whether anything of a graph has a quantization."""
    return any(tensor.quantization is not None for tensor in tensors.values())
