"""AveragePool2D and MaxPool2D."""

from __future__ import annotations

import numpy as np

from smidgen.graph.operators import AveragePool2D, MaxPool2D
from smidgen.train.base import Context, Step, clamp_of, clip
from smidgen.train.conv import explicit_padding
from smidgen.train.tensorflow import tf

_BELOW_ALL = -1e30


def average_pool2d(context: Context) -> Step:
    operator: AveragePool2D = context.node.operator
    (x,), y = context.tensors
    quantized, bounds = context.require_types(), clamp_of(y, operator.activation)
    elements = operator.size[0] * operator.size[1]

    def sums(values):
        padded = tf.pad(values, explicit_padding(operator.padding))
        return tf.nn.avg_pool2d(padded, operator.size, operator.stride, "VALID") * elements

    counts = np.rint(sums(np.ones((1, *x.shape[1:3], 1))).numpy())

    def real(inputs):
        return [clip(sums(inputs[0]) / counts.astype(np.float32), bounds)]

    def exact(inputs):
        """The sum of the integers themselves is what is rounded, so the zero point is part of it."""
        values = tf.cast(inputs[0] + y.zero_point, tf.float64)
        total = tf.cast(tf.round(sums(values)), tf.int64)
        whole = counts.astype(np.int64)
        means = tf.sign(total) * ((tf.abs(total) + whole // 2) // whole)
        return [tf.clip_by_value(means - y.zero_point, *bounds)]

    return Step(real, exact if quantized else None)


def max_pool2d(context: Context) -> Step:
    operator: MaxPool2D = context.node.operator
    _, y = context.tensors
    context.require_types()
    bounds = clamp_of(y, operator.activation)

    def real(inputs):
        padding = explicit_padding(operator.padding)
        padded = tf.pad(inputs[0], padding, constant_values=_BELOW_ALL)
        return [clip(tf.nn.max_pool2d(padded, operator.size, operator.stride, "VALID"), bounds)]

    return Step(real)
