"""ResizeNearestNeighbor."""

from __future__ import annotations

from smidgen.graph.reference.resize import nearest_indices
from smidgen.train.base import Context, Step
from smidgen.train.tensorflow import tf


def resize_nearest_neighbor(context: Context) -> Step:
    (x, *_), y = context.tensors
    rows = nearest_indices(x.shape[1], y.shape[1], context.node.operator)
    columns = nearest_indices(x.shape[2], y.shape[2], context.node.operator)
    return Step(lambda inputs: [tf.gather(tf.gather(inputs[0], rows, axis=1), columns, axis=2)])
