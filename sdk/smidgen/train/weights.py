"""The weights, scales and biases of a layer as Keras variables, and back as constants of a graph.

Weights are trained in units of their output channel's root mean square, biases in units of their layer's:
folded batch normalization leaves channels of very different size, and so one learning rate suits all.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.compress.layers import BIAS, CHANNEL_AXIS, WEIGHTS, bias_of, with_constants
from smidgen.compress.quantize.weights import weight_range
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.fixed_point import INT32_MAX, INT32_MIN
from smidgen.graph.reference.base import WEIGHTS as WEIGHT_TYPES
from smidgen.train.base import Context, straight_through
from smidgen.train.tensorflow import keras, tf


class LayerWeights:
    """The variables of one layer with weights.

    A quantized layer's integers are its real weights over the scale, rounded to nearest; their gradient
    passes through the rounding, and reaches the scale as in LSQ (S. Esser et al., arXiv 1902.08153), which
    is learned as a factor exp(t) of the given one, so that it stays positive.
    """

    def __init__(self, context: Context) -> None:
        node, graph = context.node, context.graph
        weights, bias = graph.tensor(node.inputs[WEIGHTS]), bias_of(graph, node)
        if weights.data is None or (bias is not None and bias.data is None):
            raise context.refuse(
                "its weights or bias are computed at run time", "train models whose weights are constants"
            )
        x, y = graph.tensor(node.inputs[0]), context.tensors[1]
        types = (x.dtype, y.dtype, weights.dtype, None if bias is None else bias.dtype)
        self.quantized = weights.dtype in WEIGHT_TYPES
        number = DType.I8 if self.quantized else DType.F32
        bias_types = (None, DType.I32 if self.quantized else DType.F32)
        if types[:2] != (number, number) or types[3] not in bias_types or weights.dtype is DType.I16:
            names = ", ".join("none" if one is None else one.value for one in types)
            raise context.refuse(
                f"training has no layer for its types ({names})", "quantize activations to int8"
            )
        self.axis = CHANNEL_AXIS[type(node.operator)]
        self._shape, self._dtype = weights.shape, weights.dtype
        data, layer = weights.data.astype(np.float64), context.layer
        scale = np.ones(1)
        if self.quantized:
            assert weights.quantization is not None
            scale = weights.quantization.scale.astype(np.float64)
            low, high = weight_range(weights.dtype.bits)
            self._range = (min(low, int(weights.data.min())), high)
        self._scale = scale.astype(np.float32)
        real = data * self._along(scale)
        others = tuple(i for i in range(real.ndim) if i != self.axis)
        size = np.sqrt(np.square(real).mean(axis=others))
        typical = float(np.sqrt(np.square(real).mean())) or 1.0
        self._unit = self._along(np.where(size > 0, size, typical)).astype(np.float32)
        self.values = _variable(layer, "weights", real / self._unit)
        sparse = getattr(node.operator, "sparse_group", 0)
        self._mask = (data != 0).astype(np.float32) if sparse else None
        self.factor = None
        if self.quantized and context.learn_scales:
            self.factor = _variable(layer, "scale", np.zeros(scale.shape))
        self.bias = None
        if bias is not None:
            assert bias.data is not None
            self._x_scale = x.scale if self.quantized else 1.0
            values = bias.data.reshape(-1).astype(np.float64) * self._x_scale * scale
            self._bias_unit = float(np.sqrt(np.square(values).mean())) or typical
            # Integers up to 2**31 need float64.
            dtype = "float64" if self.quantized else "float32"
            self.bias = _variable(layer, "bias", values / self._bias_unit, dtype)

    def _along(self, channels: np.ndarray) -> np.ndarray:
        """Per-channel numbers in a shape that broadcasts with the weights."""
        if channels.size == 1:
            return channels.reshape(1)
        return channels.reshape([-1 if i == self.axis else 1 for i in range(len(self._shape))])

    def scale(self):
        """float32, of shape (1,) or (channels,)."""
        return self._scale if self.factor is None else self._scale * tf.exp(self.factor)

    def real(self):
        """The real weights, before rounding."""
        values = tf.convert_to_tensor(self.values) * self._unit
        return values if self._mask is None else values * self._mask

    def integers(self):
        """Rounded weights in float32, in the file's layout."""
        scale = self.scale()
        shape = [-1 if i == self.axis else 1 for i in range(len(self._shape))]
        broadcast = tf.reshape(scale, shape if scale.shape[0] > 1 else [1])
        steps = tf.clip_by_value(self.real() / broadcast, *self._range)
        return straight_through(steps, tf.round(steps))

    def real_bias(self):
        return None if self.bias is None else tf.convert_to_tensor(self.bias) * self._bias_unit

    def integer_bias(self):
        """Rounded biases in float64."""
        if self.bias is None:
            return None
        steps = self.real_bias() / (self._x_scale * tf.cast(self.scale(), tf.float64))
        steps = tf.clip_by_value(steps, INT32_MIN, INT32_MAX)
        return straight_through(steps, tf.round(steps))

    def fits(self, graph: Graph, node: Node) -> bool:
        """Whether the node has weights of this shape and these types."""
        if CHANNEL_AXIS.get(type(node.operator)) != self.axis:
            return False
        weights = graph.tensor(node.inputs[WEIGHTS])
        return weights.shape == self._shape and weights.dtype is self._dtype

    def put_into(self, graph: Graph, node_id: str) -> Graph:
        """The graph with this layer's constants as they are now."""
        node = next(one for one in graph.nodes if one.id == node_id)
        weights, bias = graph.tensor(node.inputs[WEIGHTS]), bias_of(graph, node)
        constants: dict[int, Tensor] = {}
        if not self.quantized:
            constants[WEIGHTS] = replace(weights, data=self.real().numpy().astype(np.float32))
            if bias is not None:
                constants[BIAS] = replace(bias, data=self.real_bias().numpy().reshape(bias.shape))
            return with_constants(graph, node, constants)
        scale = np.asarray(self.scale(), np.float32)
        data = self.integers().numpy().astype(np.int8)
        assert weights.quantization is not None
        constants[WEIGHTS] = replace(
            weights, data=data, quantization=replace(weights.quantization, scale=scale)
        )
        if bias is not None:
            integers = self.integer_bias().numpy().astype(np.int32).reshape(bias.shape)
            bias_scale = (self._x_scale * scale.astype(np.float64)).astype(np.float32)
            axis = 0 if scale.size > 1 else None
            quantization = Quantization(bias_scale, np.zeros(scale.size, np.int32), axis)
            if bias.quantization is not None and self.factor is None:
                quantization = bias.quantization
            constants[BIAS] = replace(bias, data=integers, quantization=quantization)
        return with_constants(graph, node, constants)


def _variable(layer: keras.layers.Layer, name: str, value: np.ndarray, dtype: str = "float32"):
    variable = layer.add_weight(name=name, shape=value.shape, dtype=dtype, initializer="zeros")
    variable.assign(value.astype(dtype))
    return variable
