"""Conv2D, DepthwiseConv2D and TransposeConv2D."""

from __future__ import annotations

from smidgen.graph.operators import Conv2D, DepthwiseConv2D, Padding, TransposeConv2D, same_padding
from smidgen.train.base import Context
from smidgen.train.product import Product
from smidgen.train.tensorflow import tf


def conv2d(context: Context) -> Product:
    operator: Conv2D = context.node.operator
    (x, weights, *_), _ = context.tensors
    groups = x.shape[3] // weights.shape[3]
    padded = _padding(operator, x.shape, weights.shape)

    def products(values, w):
        kernel = _dilated(tf.transpose(w, (1, 2, 3, 0)), operator.dilation)
        values, padding = padded(values)
        if groups == 1:
            return tf.nn.conv2d(values, kernel, operator.stride, padding)
        # TensorFlow has no gradient of grouped convolutions on processors.
        parts = zip(tf.split(values, groups, 3), tf.split(kernel, groups, 3), strict=True)
        return tf.concat([tf.nn.conv2d(v, k, operator.stride, padding) for v, k in parts], 3)

    return Product(context, products)


def depthwise_conv2d(context: Context) -> Product:
    operator: DepthwiseConv2D = context.node.operator
    (x, weights, *_), _ = context.tensors
    _, height, width, channels = weights.shape
    shape = (height, width, x.shape[3], channels // x.shape[3])
    rows, columns = operator.stride
    padded = _padding(operator, x.shape, weights.shape)

    def products(values, w):
        kernel = _dilated(tf.reshape(w, shape), operator.dilation)
        if rows == columns:
            values, padding = padded(values)
            return tf.nn.depthwise_conv2d(values, kernel, (1, rows, columns, 1), padding)
        # TensorFlow's strides are equal; the rows and columns between are left out.
        values = tf.pad(values, explicit_padding(operator.padding))
        return tf.nn.depthwise_conv2d(values, kernel, (1, 1, 1, 1), "VALID")[:, ::rows, ::columns]

    return Product(context, products)


def transpose_conv2d(context: Context) -> Product:
    operator: TransposeConv2D = context.node.operator
    (x, weights, *_), y = context.tensors
    outputs, *kernel, _ = weights.shape
    sizes = zip(x.shape[1:3], operator.stride, kernel, strict=True)
    whole = [(size - 1) * stride + taps for size, stride, taps in sizes]
    (top, height, below), (left, width, right) = (
        (before, size, max(before + size - reached, 0))
        for before, size, reached in zip(
            (operator.padding.top, operator.padding.left), y.shape[1:3], whole, strict=True
        )
    )

    def products(values, w):
        shape = (tf.shape(values)[0], *whole, outputs)
        mirrored = tf.transpose(w, (1, 2, 0, 3))
        result = tf.nn.conv2d_transpose(values, mirrored, shape, operator.stride, "VALID")
        result = tf.pad(result, ((0, 0), (0, below), (0, right), (0, 0)))
        return result[:, top : top + height, left : left + width]

    return Product(context, products)


def explicit_padding(padding: Padding) -> list[list[int]]:
    return [[0, 0], [padding.top, padding.bottom], [padding.left, padding.right], [0, 0]]


def _padding(operator: Conv2D | DepthwiseConv2D, x: tuple[int, ...], weights: tuple[int, ...]):
    """A function that pads values where TensorFlow cannot do it on the fly, and says how it shall go on."""
    sizes = zip(x[1:3], weights[1:3], operator.stride, operator.dilation, strict=True)
    (top, bottom), (left, right) = (same_padding(*axis) for axis in sizes)
    if operator.padding == Padding(top, bottom, left, right):
        return lambda values: (values, "SAME")
    # Explicit padding of depthwise convolutions crashes TensorFlow 2.21.
    return lambda values: (tf.pad(values, explicit_padding(operator.padding)), "VALID")


def _dilated(kernel, dilation: tuple[int, int]):
    """The kernel with zeros between its taps: TensorFlow has no gradient of dilation on processors."""
    for axis, rate in enumerate(dilation):
        if rate > 1:
            taps = [tf.expand_dims(kernel, axis + 1)]
            taps += [tf.zeros_like(taps[0])] * (rate - 1)
            shape = [rate * size if i == axis else size for i, size in enumerate(kernel.shape)]
            spread = tf.reshape(tf.concat(taps, axis + 1), shape)
            kernel = spread[: shape[0] - rate + 1] if axis == 0 else spread[:, : shape[1] - rate + 1]
    return kernel
