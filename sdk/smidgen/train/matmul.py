"""FullyConnected."""

from __future__ import annotations

from smidgen.train.base import Context
from smidgen.train.product import Product
from smidgen.train.tensorflow import tf


def fully_connected(context: Context) -> Product:
    (_, weights, *_), y = context.tensors
    depth = weights.shape[1]
    if y.shape[-1] != weights.shape[0]:
        raise context.refuse(f"its output has shape {y.shape}", "keep its outputs along the last axis")

    def products(values, w):
        rows = tf.matmul(tf.reshape(values, (-1, depth)), w, transpose_b=True)
        return tf.reshape(rows, context.shape(y))

    return Product(context, products)
