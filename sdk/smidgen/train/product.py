"""Layers with weights: sums of products in float32 or float64, and the step from sums to outputs."""

from __future__ import annotations

from collections.abc import Callable

from smidgen.train.base import Context, centred_clamp, clamp_of, clip
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
_compiled = tf.function(_exact, jit_compile=True)


def _rounded(total, bias, ratio, zero_point: int, low: int, high: int):
    """The same in float32 with the gradients of (total + bias) * ratio where the clamp does not hold."""

    @tf.custom_gradient
    def function(total, bias, ratio):
        output = _compiled(total, bias, ratio, zero_point, low, high)

        def gradients(upstream):
            factor = tf.cast(ratio, tf.float32)
            of_total = _inside(upstream, output, factor, low - zero_point, high - zero_point)
            rows = tf.reshape(of_total, (-1, of_total.shape[-1]))
            of_bias = tf.reduce_sum(rows, 0)
            sums = tf.reduce_sum(rows * tf.reshape(total, (-1, total.shape[-1])), 0)
            of_ratio = (sums + of_bias * tf.cast(bias, tf.float32)) / factor
            return of_total, _as(of_bias, bias), _as(of_ratio, ratio)

        return output, gradients

    return function(total, bias, ratio)


@tf.function(jit_compile=True)
def _inside(upstream, output, factor, low: int, high: int):
    inside = (output > low) & (output < high)
    return tf.where(inside, upstream * factor, tf.zeros_like(upstream))


def _as(gradient, variable):
    """The gradient of each channel, or their sum for a number that all channels share."""
    total = gradient if variable.shape == gradient.shape else tf.reduce_sum(gradient)
    return tf.cast(tf.reshape(total, variable.shape), variable.dtype)
