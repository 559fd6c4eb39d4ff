"""Moving elements without computing on them: what travels between layers moves as it is."""

from __future__ import annotations

import numpy as np

from smidgen.graph import DType
from smidgen.graph.operators import (
    Concatenation,
    DepthToSpace,
    Gather,
    Pack,
    Pad,
    SpaceToDepth,
    Split,
    StridedSlice,
    Tile,
    Transpose,
    Unpack,
)
from smidgen.graph.reference.shape import pad_value
from smidgen.train.base import Context, Step
from smidgen.train.tensorflow import tf


def concatenation(context: Context) -> Step:
    operator: Concatenation = context.node.operator
    return Step(lambda inputs: [tf.concat(inputs, operator.axis)])


def pad(context: Context) -> Step:
    operator: Pad = context.node.operator
    (x, *_), _ = context.tensors
    fill = pad_value(context.graph, context.node) - (0 if x.dtype is DType.F32 else x.zero_point)
    return Step(lambda inputs: [tf.pad(inputs[0], operator.paddings, constant_values=fill)])


def reshape(context: Context) -> Step:
    _, y = context.tensors
    return Step(lambda inputs: [tf.reshape(inputs[0], context.shape(y))])


def transpose(context: Context) -> Step:
    operator: Transpose = context.node.operator
    return Step(lambda inputs: [tf.transpose(inputs[0], operator.permutation)])


def strided_slice(context: Context) -> Step:
    operator: StridedSlice = context.node.operator
    _, y = context.tensors
    slices = []
    for begin, step, size in zip(operator.begin, operator.step, y.shape, strict=True):
        end = begin + step * size
        slices.append(slice(begin, None if end < 0 else end, step))
    if context.batched:
        slices[0] = slice(None)
    return Step(lambda inputs: [inputs[0][tuple(slices)]])


def split(context: Context) -> Step:
    operator: Split = context.node.operator
    sizes = [tensor.shape[operator.axis] for tensor in context.graph.output_tensors(context.node)]
    return Step(lambda inputs: tf.split(inputs[0], sizes, operator.axis))


def pack(context: Context) -> Step:
    operator: Pack = context.node.operator
    return Step(lambda inputs: [tf.stack(inputs, operator.axis)])


def unpack(context: Context) -> Step:
    operator: Unpack = context.node.operator
    return Step(lambda inputs: tf.unstack(inputs[0], axis=operator.axis))


def gather(context: Context) -> Step:
    operator: Gather = context.node.operator
    (x, indices), _ = context.tensors
    if indices.data is None or x.is_constant:
        raise context.refuse("its indices are computed at run time", "make them constants")
    size = x.shape[operator.axis]
    places = np.clip(np.where(indices.data < 0, indices.data + size, indices.data), 0, size - 1)
    return Step(lambda inputs: [tf.gather(inputs[0], places, axis=operator.axis)])


def tile(context: Context) -> Step:
    operator: Tile = context.node.operator
    return Step(lambda inputs: [tf.tile(inputs[0], operator.multiples)])


def depth_to_space(context: Context) -> Step:
    operator: DepthToSpace = context.node.operator
    return Step(lambda inputs: [tf.nn.depth_to_space(inputs[0], operator.block_size)])


def space_to_depth(context: Context) -> Step:
    operator: SpaceToDepth = context.node.operator
    return Step(lambda inputs: [tf.nn.space_to_depth(inputs[0], operator.block_size)])
