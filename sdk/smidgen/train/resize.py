"""ResizeNearestNeighbor and ResizeBilinear."""

from __future__ import annotations

from smidgen.graph.operators import ResizeBilinear
from smidgen.graph.reference.resize import nearest_indices
from smidgen.train.base import Context, Step, by_reference, stepped
from smidgen.train.tensorflow import tf


def resize_nearest_neighbor(context: Context) -> Step:
    (x, *_), y = context.tensors
    rows = nearest_indices(x.shape[1], y.shape[1], context.node.operator)
    columns = nearest_indices(x.shape[2], y.shape[2], context.node.operator)
    return Step(lambda inputs: [tf.gather(tf.gather(inputs[0], rows, axis=1), columns, axis=2)])


def resize_bilinear(context: Context) -> Step:
    operator: ResizeBilinear = context.node.operator
    _, y = context.tensors

    def function(values):
        return tf.compat.v1.image.resize_bilinear(
            values, y.shape[1:3], operator.align_corners, half_pixel_centers=operator.half_pixel_centers
        )

    if not context.require_types():
        return Step(lambda inputs: [function(inputs[0])])
    return by_reference(context, stepped(function, context))
