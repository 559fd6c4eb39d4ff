"""Operators, one file per family."""

from smidgen.graph.operators.activation import LeakyRelu, Logistic, Relu, Relu6, Softmax, Tanh
from smidgen.graph.operators.base import Activation, Operator, Padding, same_padding
from smidgen.graph.operators.conv import Conv2D, DepthwiseConv2D
from smidgen.graph.operators.elementwise import Add, Maximum, Minimum, Mul, Sub
from smidgen.graph.operators.matmul import FullyConnected
from smidgen.graph.operators.pool import AveragePool2D, MaxPool2D
from smidgen.graph.operators.quantize import Dequantize, Quantize
from smidgen.graph.operators.reduce import Mean
from smidgen.graph.operators.resize import ResizeNearestNeighbor
from smidgen.graph.operators.shape import (
    Concatenation,
    Pack,
    Pad,
    Reshape,
    Split,
    StridedSlice,
    Transpose,
    Unpack,
)

__all__ = [
    "Activation",
    "Add",
    "AveragePool2D",
    "Concatenation",
    "Conv2D",
    "DepthwiseConv2D",
    "Dequantize",
    "FullyConnected",
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
    "ResizeNearestNeighbor",
    "Softmax",
    "Split",
    "StridedSlice",
    "Sub",
    "Tanh",
    "Transpose",
    "Unpack",
    "same_padding",
]
