"""What the families share: how a node computes in Keras, and the gradients of rounding.

Between layers a float tensor travels as it is, a quantized one as its integers less the zero point, in
float32, which holds them exactly: real value = scale * what travels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from smidgen.compress.batches import evaluators
from smidgen.errors import ModelError, Problem
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.fixed_point import activation_range, activation_range_float, integer_range
from smidgen.graph.operators import Activation
from smidgen.graph.reference.base import Evaluator
from smidgen.graph.reference.quantize import dequantize_array
from smidgen.train.tensorflow import keras, tf

# Turns a node's input tensors (None where an optional one is absent) into its output tensors.
Function = Callable[[list], list]


@dataclass(frozen=True)
class Step:
    """How a node computes.

    real: in float32, with gradients, without rounding; exact: the same in int64, as the integer reference
    does. None where `real` rounds nothing, and so is exact already. compiled: whether training may compile
    both together.
    """

    real: Function
    exact: Function | None = None
    compiled: bool = True


@dataclass(frozen=True, eq=False)
class Context:
    """What a family sees of a node; layer: the Keras layer, for variables; batched: whether the first axis
    takes any number of samples; learn_scales: whether the scales of weights are variables too."""

    layer: keras.layers.Layer
    graph: Graph
    node: Node
    batched: bool
    learn_scales: bool

    @property
    def tensors(self) -> tuple[list[Tensor | None], Tensor]:
        """The node's inputs and its first output."""
        return self.graph.input_tensors(self.node), self.graph.output_tensors(self.node)[0]

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """To which a layer reshapes."""
        return (-1, *tensor.shape[1:]) if self.batched else tensor.shape

    def refuse(self, what: str, fix: str) -> ModelError:
        where = f"{self.graph.name}: {self.node.operator.type_name} '{self.node.id}'"
        return ModelError(Problem(where, what, fix))

    def require_types(self) -> bool:
        """Whether the node is quantized; ModelError unless it is int8 or float32 throughout."""
        inputs, _ = self.tensors
        tensors = [*inputs, *self.graph.output_tensors(self.node)]
        types = {tensor.dtype for tensor in tensors if tensor is not None}
        if types not in ({DType.F32}, {DType.I8}):
            names = ", ".join(sorted(dtype.value for dtype in types))
            raise self.refuse(f"training has no layer for its types ({names})", "train the float model")
        return types == {DType.I8}


def straight_through(real, exact):
    """The exact value with the gradient of the real one (Y. Bengio et al., arXiv 1308.3432)."""
    return real + tf.stop_gradient(tf.cast(exact, real.dtype) - real)


def centred_clamp(tensor: Tensor, activation: Activation) -> tuple[int, int]:
    """The bounds of a quantized output with this activation, less the zero point."""
    zero_point = tensor.zero_point
    low, high = activation_range(activation, tensor.dtype.bits, tensor.scale, zero_point)
    return low - zero_point, high - zero_point


def centred_range(tensor: Tensor) -> tuple[int, int]:
    low, high = integer_range(tensor.dtype.bits)
    return low - tensor.zero_point, high - tensor.zero_point


def clamp_of(tensor: Tensor, activation: Activation) -> tuple[float, float]:
    """The bounds of an output as it travels, float or quantized."""
    if tensor.dtype is DType.F32:
        return activation_range_float(activation)
    return centred_clamp(tensor, activation)


def travelling(tensor: Tensor) -> np.ndarray:
    """A constant as it travels."""
    assert tensor.data is not None
    if tensor.dtype is DType.I8 and tensor.quantization is not None:
        return (tensor.data.astype(np.int64) - tensor.zero_point).astype(np.float32)
    return tensor.data


def clip(value: Any, bounds: tuple[float, float]):
    return value if bounds == (-np.inf, np.inf) else tf.clip_by_value(value, *bounds)


def by_reference(context: Context, real: Function) -> Step:
    """A quantized node with one output whose exact side is the integer reference itself: an operator that is
    rare enough to be slow."""
    graph, node = context.graph, context.node
    inputs, y = context.tensors
    changing = [i for i, tensor in enumerate(inputs) if tensor is not None and not tensor.is_constant]
    prepared: dict[int, Evaluator] = {}

    def run(*arrays: np.ndarray) -> np.ndarray:
        size = len(arrays[0]) if context.batched else 1
        if size not in prepared:
            prepared.update(evaluators(graph, node, {size}))
        values = [None if tensor is None else tensor.data for tensor in inputs]
        for i, array in zip(changing, arrays, strict=True):
            values[i] = (array + inputs[i].zero_point).astype(inputs[i].dtype.numpy)
        (result,) = prepared[size](values)
        return result.astype(np.int64) - y.zero_point

    def exact(values):
        result = tf.numpy_function(run, [values[i] for i in changing], tf.int64)
        return [tf.ensure_shape(result, (None, *y.shape[1:]) if context.batched else y.shape)]

    return Step(real, exact, compiled=False)


def real_values(value, tensor: Tensor):
    """What travels as real values, with gradients; a constant that is not int8 is dequantized as it is."""
    if tensor.dtype is DType.F32:
        return value
    if tensor.dtype is DType.I8:
        return value * tensor.scale
    return dequantize_array(tensor.data, tensor)


def stepped(function: Callable, context: Context) -> Function:
    """A float function of a node's inputs as one of what travels, clamped to the output's range."""
    inputs, y = context.tensors

    def real(values):
        pairs = zip(values, inputs, strict=True)
        reals = [None if value is None else real_values(value, tensor) for value, tensor in pairs]
        return [tf.clip_by_value(function(*reals) / y.scale, *centred_range(y))]

    return real
