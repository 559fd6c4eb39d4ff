"""Layers with weights: sums of products in float32 or float64, and the step from sums to outputs."""

from __future__ import annotations

from collections.abc import Callable

from smidgen.train.base import Context, centred_clamp, clamp_of, clip, straight_through
from smidgen.train.fixed_point import quantize_multipliers, requantize, wrap_int32
from smidgen.train.tensorflow import tf
from smidgen.train.weights import LayerWeights

# Sums of products of an input and weights in the file's layout, output channels last.
Products = Callable


class Product:
    """A layer with weights. products: a function of inputs and weights, of one floating type."""

    def __init__(self, context: Context, products: Products) -> None:
        self.weights = LayerWeights(context)
        self._products = products
        (x, *_), y = context.tensors
        activation = context.node.operator.activation
        self._bounds = clamp_of(y, activation)
        if self.weights.quantized:
            # The order of the reference: scale of x times scale of weights, over scale of y, in float64.
            self._x_scale, self._y_scale = x.scale, y.scale
            self._zero_point = y.zero_point
            low, high = centred_clamp(y, activation)
            self._clamp = low + y.zero_point, high + y.zero_point

    def __call__(self, inputs: list, training: bool) -> list:
        """Exact sums while not training; while training in float32, exact up to 2**24."""
        if not self.weights.quantized:
            total = self._products(inputs[0], self.weights.real())
            bias = self.weights.real_bias()
            return [clip(total if bias is None else total + bias, self._bounds)]
        number = tf.float32 if training else tf.float64
        total = self._products(tf.cast(inputs[0], number), tf.cast(self.weights.integers(), number))
        bias = self.weights.integer_bias()
        if bias is None:
            bias = tf.zeros((), tf.float64)
        ratio = self._x_scale * tf.cast(self.weights.scale(), tf.float64) / self._y_scale
        output = _rounded if training else _exact
        return [output(total, bias, ratio, self._zero_point, *self._clamp)]


def _exact(total, bias, ratio, zero_point: int, low: int, high: int):
    """Outputs, less their zero point, from sums of products and biases, all of them whole numbers."""
    sums = wrap_int32(tf.cast(total, tf.int64) + tf.cast(bias, tf.int64))
    multiplier, shift = quantize_multipliers(ratio)
    return tf.cast(requantize(sums, multiplier, shift, zero_point, (low, high)), tf.float32)


# Compiled, the many small steps of integer arithmetic are one pass over memory.
@tf.function(jit_compile=True)
def _rounded(total, bias, ratio, zero_point: int, low: int, high: int):
    """The same with gradients."""
    real = (total + tf.cast(bias, total.dtype)) * tf.cast(ratio, total.dtype)
    real = tf.clip_by_value(real, low - zero_point, high - zero_point)
    return straight_through(real, _exact(total, bias, ratio, zero_point, low, high))
