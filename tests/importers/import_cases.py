"""One small valid model of every supported operator, int8 or float, with what its import should give."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import import_function_cases  # noqa: F401 - registers its cases
import import_product_cases  # noqa: F401 - registers its cases
import import_recurrent_cases  # noqa: F401 - registers its cases
import numpy as np
from operator_model import CASES, SOFT, X_SCALE, X_ZERO, Y_SCALE, Y_ZERO, OperatorModel, build, case

from smidgen.graph import operators as op
from smidgen.graph.operators import Activation, Operator, Padding

__all__ = ["CASES", "OperatorModel", "build"]

# Each case is named for the builtin operator, with what is special about it after two underscores.


@case
def CONV_2D(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 8, 9, 3), m.weights(4, 3, 3, 3, axis=0), m.bias(4)]
    options = {"padding": "SAME", "stride_h": 2, "stride_w": 3, "activation": "RELU"}
    m.builder.operator("CONV_2D", inputs, [m.y(1, 4, 3, 4)], **options)
    return [op.Conv2D((2, 3), (1, 1), Padding(0, 1, 0, 0), Activation.RELU)]


@case
def CONV_2D__dilated_without_bias(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 8, 9, 2), m.weights(4, 3, 2, 2, axis=0), -1]
    options = {"padding": "SAME", "dilation_h_factor": 2, "dilation_w_factor": 3, "activation": "RELU6"}
    m.builder.operator("CONV_2D", inputs, [m.y(1, 8, 9, 4)], **options)
    return [op.Conv2D((1, 1), (2, 3), Padding(2, 2, 1, 2), Activation.RELU6)]


@case
def CONV_2D__groups(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 5, 5, 6), m.weights(4, 2, 2, 3, axis=0), m.bias(4)]
    m.builder.operator("CONV_2D", inputs, [m.y(1, 4, 4, 4)], padding="VALID")
    return [op.Conv2D()]


@case
def DEPTHWISE_CONV_2D(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 6, 6, 3), m.weights(1, 3, 3, 6, axis=3), m.bias(6)]
    options = {"padding": "SAME", "depth_multiplier": 2, "stride_h": 2, "stride_w": 2}
    m.builder.operator("DEPTHWISE_CONV_2D", inputs, [m.y(1, 3, 3, 6)], **options)
    return [op.DepthwiseConv2D((2, 2), (1, 1), Padding(0, 1, 0, 1))]


@case
def FULLY_CONNECTED(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(2, 12), m.weights(5, 12, axis=0), m.bias(5)]
    m.builder.operator("FULLY_CONNECTED", inputs, [m.y(2, 5)], activation="RELU")
    return [op.FullyConnected(Activation.RELU)]


@case
def FULLY_CONNECTED__keep_num_dims(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 3, 4), m.weights(5, 4, axis=0), m.bias(5)]
    m.builder.operator("FULLY_CONNECTED", inputs, [m.y(1, 3, 5)], keep_num_dims=True)
    return [op.FullyConnected()]


@case
def AVERAGE_POOL_2D(m: OperatorModel) -> list[Operator]:
    options = {"padding": "SAME", "filter_height": 3, "filter_width": 2, "stride_h": 2, "stride_w": 1}
    m.builder.operator("AVERAGE_POOL_2D", [m.x(1, 6, 5, 2)], [m.same(1, 3, 5, 2)], **options)
    return [op.AveragePool2D((3, 2), (2, 1), Padding(0, 1, 0, 1))]


@case
def MAX_POOL_2D(m: OperatorModel) -> list[Operator]:
    options = {"padding": "VALID", "filter_height": 2, "filter_width": 2, "stride_h": 2, "stride_w": 2}
    m.builder.operator("MAX_POOL_2D", [m.x(1, 6, 5, 2)], [m.same(1, 3, 2, 2)], **options)
    return [op.MaxPool2D((2, 2), (2, 2))]


@case
def MEAN(m: OperatorModel) -> list[Operator]:
    m.builder.operator("MEAN", [m.x(1, 4, 5, 3), m.integers(1, 2)], [m.y(1, 1, 1, 3)], keep_dims=True)
    return [op.Mean((1, 2), True)]


@case
def MEAN__negative_axis(m: OperatorModel) -> list[Operator]:
    m.builder.operator("MEAN", [m.x(2, 3, 4), m.integers(-1)], [m.y(2, 3)], keep_dims=False)
    return [op.Mean((2,), False)]


@case
def ADD(m: OperatorModel) -> list[Operator]:
    a, b = m.x(1, 3, 3, 4), m.x(1, 3, 3, 4, scale=0.11, zero_point=-20)
    m.builder.operator("ADD", [a, b], [m.y(1, 3, 3, 4)], activation="RELU")
    return [op.Add(Activation.RELU)]


@case
def ADD__broadcast_constant(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 3, 3, 4), m.constant(np.arange(4) * 10, scale=0.02, zero_point=1)]
    m.builder.operator("ADD", inputs, [m.y(1, 3, 3, 4)])
    return [op.Add()]


@case
def SUB(m: OperatorModel) -> list[Operator]:
    a, b = m.x(1, 3, 3, 4), m.x(1, 1, 1, 4, scale=0.11, zero_point=-20)
    m.builder.operator("SUB", [a, b], [m.y(1, 3, 3, 4)])
    return [op.Sub()]


@case
def MUL(m: OperatorModel) -> list[Operator]:
    a, b = m.x(1, 3, 3, 4), m.x(1, 3, 3, 1, scale=0.11, zero_point=-20)
    m.builder.operator("MUL", [a, b], [m.y(1, 3, 3, 4)], activation="RELU6")
    return [op.Mul(Activation.RELU6)]


@case
def MINIMUM(m: OperatorModel) -> list[Operator]:
    m.builder.operator("MINIMUM", [m.x(1, 3, 4), m.x(1, 3, 4)], [m.same(1, 3, 4)])
    return [op.Minimum()]


@case
def MAXIMUM(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 3, 4), m.constant(np.array([1, -2, 3, 40]))]
    m.builder.operator("MAXIMUM", inputs, [m.same(1, 3, 4)])
    return [op.Maximum()]


@case
def CONCATENATION(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 3, 2), m.x(1, 3, 4), m.constant(np.full((1, 3, 1), 9))]
    m.builder.operator("CONCATENATION", inputs, [m.same(1, 3, 7)], axis=-1)
    return [op.Concatenation(2)]


@case
def PAD(m: OperatorModel) -> list[Operator]:
    paddings = m.integers([0, 0], [1, 2], [0, 3], [0, 0])
    m.builder.operator("PAD", [m.x(1, 3, 4, 2), paddings], [m.same(1, 6, 7, 2)])
    return [op.Pad(((0, 0), (1, 2), (0, 3), (0, 0)))]


@case
def PADV2(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 3, 4, 2), m.integers([0, 0], [1, 2], [0, 3], [0, 0]), m.constant(np.array([17]))]
    m.builder.operator("PADV2", inputs, [m.same(1, 6, 7, 2)])
    return [op.Pad(((0, 0), (1, 2), (0, 3), (0, 0)), 17)]


@case
def RESHAPE(m: OperatorModel) -> list[Operator]:
    m.builder.operator("RESHAPE", [m.x(1, 3, 4, 2), m.integers(-1, 8)], [m.same(3, 8)])
    return [op.Reshape()]


@case
def RESHAPE__by_options(m: OperatorModel) -> list[Operator]:
    m.builder.operator("RESHAPE", [m.x(1, 3, 4, 2)], [m.same(3, 8)], new_shape=[3, 8])
    return [op.Reshape()]


@case
def SHAPE__of_a_flatten_layer(m: OperatorModel) -> list[Operator]:
    """What converters write for keras.layers.Flatten when the batch size is unknown."""
    builder, x, y = m.builder, m.x(1, 3, 4, 2), m.same(1, 24)
    shape, batch, wanted = (builder.tensor(size, "int32") for size in ((4,), (), (2,)))
    builder.operator("SHAPE", [x], [shape], out_type=schema.TensorType.INT32)
    slice_inputs = [shape, m.integers(0), m.integers(1), m.integers(1)]
    builder.operator("STRIDED_SLICE", slice_inputs, [batch], shrink_axis_mask=1)
    builder.operator("PACK", [batch, m.scalar(-1)], [wanted], values_count=2, axis=0)
    builder.operator("RESHAPE", [x, wanted], [y])
    return [op.Reshape()]


@case
def SQUEEZE(m: OperatorModel) -> list[Operator]:
    m.builder.operator("SQUEEZE", [m.x(1, 1, 1, 6)], [m.same(1, 6)], squeeze_dims=[1, -2])
    return [op.Reshape()]


@case
def EXPAND_DIMS(m: OperatorModel) -> list[Operator]:
    m.builder.operator("EXPAND_DIMS", [m.x(2, 6), m.scalar(-1)], [m.same(2, 6, 1)])
    return [op.Reshape()]


@case
def TRANSPOSE(m: OperatorModel) -> list[Operator]:
    m.builder.operator("TRANSPOSE", [m.x(1, 3, 4, 2), m.integers(0, 3, 1, 2)], [m.same(1, 2, 3, 4)])
    return [op.Transpose((0, 3, 1, 2))]


@case
def SLICE(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 5, 6, 2), m.integers(0, 1, 2, 0), m.integers(1, 3, -1, 2)]
    m.builder.operator("SLICE", inputs, [m.same(1, 3, 4, 2)])
    return [op.StridedSlice((0, 1, 2, 0), (1, 1, 1, 1))]


@case
def STRIDED_SLICE(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 6, 6, 2), m.integers(0, 5, 1, 0), m.integers(1, 0, 6, 2), m.integers(1, -2, 2, 1)]
    m.builder.operator("STRIDED_SLICE", inputs, [m.same(1, 3, 3, 2)], begin_mask=1, end_mask=8)
    return [op.StridedSlice((0, 5, 1, 0), (1, -2, 2, 1))]


@case
def STRIDED_SLICE__shrink(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 6, 6, 2), m.integers(0, -1, 0, 0), m.integers(1, 0, 6, 2), m.integers(1, 1, 3, 1)]
    m.builder.operator("STRIDED_SLICE", inputs, [m.same(1, 2, 2)], shrink_axis_mask=2)
    return [op.StridedSlice((0, 5, 0, 0), (1, 1, 3, 1)), op.Reshape()]


@case
def STRIDED_SLICE__ellipsis_and_new_axis(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(2, 6, 4), m.integers(0, 0, 1), m.integers(0, 0, 3), m.integers(1, 1, 1)]
    m.builder.operator("STRIDED_SLICE", inputs, [m.same(1, 2, 6, 2)], new_axis_mask=1, ellipsis_mask=2)
    return [op.StridedSlice((0, 0, 1), (1, 1, 1)), op.Reshape()]


@case
def SPLIT(m: OperatorModel) -> list[Operator]:
    outputs = [m.same(1, 3, 2) for _ in range(3)]
    m.builder.operator("SPLIT", [m.scalar(2), m.x(1, 3, 6)], outputs, num_splits=3)
    return [op.Split(2)]


@case
def SPLIT_V(m: OperatorModel) -> list[Operator]:
    outputs = [m.same(1, 3, 1), m.same(1, 3, 3), m.same(1, 3, 2)]
    inputs = [m.x(1, 3, 6), m.integers(1, -1, 2), m.scalar(-1)]
    m.builder.operator("SPLIT_V", inputs, outputs, num_splits=3)
    return [op.Split(2)]


@case
def PACK(m: OperatorModel) -> list[Operator]:
    m.builder.operator("PACK", [m.x(2, 3), m.x(2, 3)], [m.same(2, 2, 3)], values_count=2, axis=1)
    return [op.Pack(1)]


@case
def UNPACK(m: OperatorModel) -> list[Operator]:
    m.builder.operator("UNPACK", [m.x(2, 3, 2)], [m.same(2, 3), m.same(2, 3)], num=2, axis=-1)
    return [op.Unpack(2)]


@case
def SOFTMAX(m: OperatorModel) -> list[Operator]:
    m.builder.operator("SOFTMAX", [m.x(2, 10)], [m.y(2, 10, **SOFT)], beta=0.5)
    return [op.Softmax(0.5)]


@case
def LOGISTIC(m: OperatorModel) -> list[Operator]:
    m.builder.operator("LOGISTIC", [m.x(1, 40)], [m.y(1, 40, **SOFT)])
    return [op.Logistic()]


@case
def TANH(m: OperatorModel) -> list[Operator]:
    m.builder.operator("TANH", [m.x(1, 40)], [m.y(1, 40, scale=1 / 128, zero_point=0)])
    return [op.Tanh()]


@case
def RELU(m: OperatorModel) -> list[Operator]:
    m.builder.operator("RELU", [m.x(1, 40)], [m.y(1, 40)])
    return [op.Relu()]


@case
def RELU6(m: OperatorModel) -> list[Operator]:
    m.builder.operator("RELU6", [m.x(1, 40)], [m.same(1, 40)])
    return [op.Relu6()]


@case
def LEAKY_RELU(m: OperatorModel) -> list[Operator]:
    m.builder.operator("LEAKY_RELU", [m.x(1, 40)], [m.y(1, 40)], alpha=0.25)
    return [op.LeakyRelu(0.25)]


@case
def QUANTIZE(m: OperatorModel) -> list[Operator]:
    x = m.builder.input((1, 40), "float32") if m.dtype == "float32" else m.x(1, 40)
    y = m.builder.tensor((1, 40), "int8", scale=Y_SCALE, zero_point=Y_ZERO)
    m.builder.output(y)
    m.builder.operator("QUANTIZE", [x], [y])
    return [op.Quantize()]


@case
def DEQUANTIZE(m: OperatorModel) -> list[Operator]:
    x = m.builder.input((1, 40), "int8", scale=X_SCALE, zero_point=X_ZERO)
    y = m.builder.tensor((1, 40), "float32")
    m.builder.output(y)
    m.builder.operator("DEQUANTIZE", [x], [y])
    return [op.Dequantize()]


@case
def RESIZE_NEAREST_NEIGHBOR(m: OperatorModel) -> list[Operator]:
    inputs = [m.x(1, 4, 5, 2), m.integers(7, 9)]
    m.builder.operator("RESIZE_NEAREST_NEIGHBOR", inputs, [m.same(1, 7, 9, 2)], half_pixel_centers=True)
    return [op.ResizeNearestNeighbor(False, True)]
