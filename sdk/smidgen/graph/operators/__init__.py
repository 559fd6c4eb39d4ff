"""Operators, one file per family."""

from smidgen.graph.operators.activation import LeakyRelu, Logistic, Relu, Relu6, Softmax, Tanh
from smidgen.graph.operators.base import Activation, Operator, Padding, same_padding
from smidgen.graph.operators.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from smidgen.graph.operators.elementwise import Add, Maximum, Minimum, Mul, Sub
from smidgen.graph.operators.matmul import BatchMatMul, FullyConnected
from smidgen.graph.operators.pool import AveragePool2D, MaxPool2D
from smidgen.graph.operators.quantize import Dequantize, Quantize
from smidgen.graph.operators.reduce import Mean
from smidgen.graph.operators.resize import ResizeBilinear, ResizeNearestNeighbor
from smidgen.graph.operators.shape import (
    Concatenation,
    DepthToSpace,
    Gather,
    Pack,
    Pad,
    Reshape,
    SpaceToDepth,
    Split,
    StridedSlice,
    Tile,
    Transpose,
    Unpack,
)

__all__ = [
    "Activation",
    "Add",
    "AveragePool2D",
    "BatchMatMul",
    "Concatenation",
    "Conv2D",
    "DepthToSpace",
    "DepthwiseConv2D",
    "Dequantize",
    "FullyConnected",
    "Gather",
    "LeakyRelu",
    "Logistic",
    "MaxPool2D",
    "Maximum",
    "Mean",
    "Minimum",
    "Mul",
    "Operator",
    "Pack",
    "Pad",
    "Padding",
    "Quantize",
    "Relu",
    "Relu6",
    "Reshape",
    "ResizeBilinear",
    "ResizeNearestNeighbor",
    "Softmax",
    "SpaceToDepth",
    "Split",
    "StridedSlice",
    "Sub",
    "Tanh",
    "Tile",
    "Transpose",
    "TransposeConv2D",
    "Unpack",
    "same_padding",
]
