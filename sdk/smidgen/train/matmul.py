"""FullyConnected and BatchMatMul."""

from __future__ import annotations

from smidgen.graph.operators import BatchMatMul
from smidgen.graph.reference.matmul import batch_matmul_parameters
from smidgen.train.base import Context, Step, centred_range
from smidgen.train.fixed_point import requantize, wrap_int32
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


def batch_matmul(context: Context) -> Step:
    operator: BatchMatMul = context.node.operator
    (a, b), y = context.tensors

    def products(inputs):
        return tf.matmul(*inputs, operator.transpose_a, operator.transpose_b)

    if not context.require_types():
        return Step(lambda inputs: [products(inputs)])
    p = batch_matmul_parameters(context.graph, context.node)

    def real(inputs):
        return [tf.clip_by_value(products(inputs) * (a.scale * b.scale / y.scale), *centred_range(y))]

    def exact(inputs):
        sums = tf.cast(products([tf.cast(one, tf.float64) for one in inputs]), tf.int64)
        clamp = (p.clamp_min, p.clamp_max)
        return [requantize(wrap_int32(sums), p.multiplier, p.shift, p.output_zero_point, clamp)]

    return Step(real, exact)
