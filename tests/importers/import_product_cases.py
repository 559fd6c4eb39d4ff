"""Models of batch matrix products, transposed convolutions and of operators that rearrange elements."""

from __future__ import annotations

import numpy as np
from operator_model import OperatorModel, case

from smidgen.graph import operators as op
from smidgen.graph.operators import Operator, Padding


@case
def BATCH_MATMUL(m: OperatorModel) -> list[Operator]:
    a, b = m.x(2, 3, 5), m.x(1, 5, 4, scale=0.11, zero_point=-20)
    m.builder.operator("BATCH_MATMUL", [a, b], [m.y(2, 3, 4)])
    return [op.BatchMatMul()]


@case
def BATCH_MATMUL__transposed(m: OperatorModel) -> list[Operator]:
    a, b = m.x(2, 5, 3), m.x(2, 4, 5, scale=0.11, zero_point=-20)
    m.builder.operator("BATCH_MATMUL", [a, b], [m.y(2, 3, 4)], adj_x=True, adj_y=True)
    return [op.BatchMatMul(True, True)]


@case
def BATCH_MATMUL__with_one_constant_matrix(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(2, 3, 5), m.constant(np.arange(-10, 10).reshape(5, 4), scale=0.01, zero_point=0)]
    m.builder.operator("BATCH_MATMUL", inputs, [m.y(2, 3, 4)])
    return [op.FullyConnected()]


@case
def TRANSPOSE_CONV(m: OperatorModel) -> list[Operator]:
    shape, weights, x = m.integers(1, 7, 8, 4), m.weights(4, 4, 3, 3, axis=0), m.x(1, 4, 4, 3)
    options = {"padding": "SAME", "stride_h": 2, "stride_w": 2}
    m.builder.operator("TRANSPOSE_CONV", [shape, weights, x, m.bias(4)], [m.y(1, 7, 8, 4)], **options)
    return [op.TransposeConv2D((2, 2), Padding(top=1, left=0))]


@case
def TRANSPOSE_CONV__valid_without_bias(m: OperatorModel) -> list[Operator]:
    shape, weights, x = m.integers(2, 6, 10, 2), m.weights(2, 2, 4, 3, axis=0), m.x(2, 5, 3, 3)
    options = {"padding": "VALID", "stride_h": 1, "stride_w": 3}
    m.builder.operator("TRANSPOSE_CONV", [shape, weights, x], [m.y(2, 6, 10, 2)], **options)
    return [op.TransposeConv2D((1, 3))]


@case
def RESIZE_BILINEAR(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 4, 5, 2), m.integers(7, 9)]
    m.builder.operator("RESIZE_BILINEAR", inputs, [m.same(1, 7, 9, 2)], align_corners=True)
    return [op.ResizeBilinear(True, False)]


@case
def GATHER(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(2, 5, 3), m.integers([4, 0], [1, 1])]
    m.builder.operator("GATHER", inputs, [m.same(2, 2, 2, 3)], axis=-2)
    return [op.Gather(1)]


@case
def GATHER__of_a_shape(m: OperatorModel) -> list[Operator]:
    """Arithmetic on shapes, which is done at import."""
    builder, x, y = m.builder, m.x(6, 4), m.same(4, 6)
    shape, sizes = builder.tensor((2,), "int32"), builder.tensor((2,), "int32")
    builder.operator("SHAPE", [x], [shape])
    builder.operator("GATHER", [shape, m.integers(1, 0)], [sizes], axis=0)
    builder.operator("RESHAPE", [x, sizes], [y])
    return [op.Reshape()]


@case
def EMBEDDING_LOOKUP(m: OperatorModel) -> list[Operator]:
    m.builder.operator("EMBEDDING_LOOKUP", [m.integers(3, 0, 3), m.x(4, 6)], [m.same(3, 6)])
    return [op.Gather(0)]


@case
def TILE(m: OperatorModel) -> list[Operator]:
    m.builder.operator("TILE", [m.x(2, 3), m.integers(2, 3)], [m.same(4, 9)])
    return [op.Tile((2, 3))]


@case
def BROADCAST_TO(m: OperatorModel) -> list[Operator]:
    m.builder.operator("BROADCAST_TO", [m.x(2, 1, 3), m.integers(4, 2, 5, 3)], [m.same(4, 2, 5, 3)])
    return [op.Reshape(), op.Tile((4, 1, 5, 1))]


@case
def MIRROR_PAD(m: OperatorModel) -> list[Operator]:
    paddings = m.integers([0, 0], [1, 2], [2, 0], [0, 0])
    m.builder.operator("MIRROR_PAD", [m.x(1, 3, 4, 2), paddings], [m.same(1, 6, 6, 2)], mode=0)
    return [op.Gather(1), op.Gather(2)]


@case
def MIRROR_PAD__symmetric(m: OperatorModel) -> list[Operator]:
    m.builder.operator("MIRROR_PAD", [m.x(2, 3), m.integers([0, 0], [3, 3])], [m.same(2, 9)], mode=1)
    return [op.Gather(1)]


@case
def REVERSE_V2(m: OperatorModel) -> list[Operator]:
    m.builder.operator("REVERSE_V2", [m.x(2, 3, 1), m.integers(-2, 2)], [m.same(2, 3, 1)])
    return [op.StridedSlice((0, 2, 0), (1, -1, 1))]


@case
def DEPTH_TO_SPACE(m: OperatorModel) -> list[Operator]:
    m.builder.operator("DEPTH_TO_SPACE", [m.x(1, 2, 3, 8)], [m.same(1, 4, 6, 2)], block_size=2)
    return [op.DepthToSpace(2)]


@case
def SPACE_TO_DEPTH(m: OperatorModel) -> list[Operator]:
    m.builder.operator("SPACE_TO_DEPTH", [m.x(1, 4, 6, 2)], [m.same(1, 2, 3, 8)], block_size=2)
    return [op.SpaceToDepth(2)]
