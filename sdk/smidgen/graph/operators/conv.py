"""Convolutions. Inputs: x (N, H, W, C), weights, bias (output channels) int32 or None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import NO_PADDING, Activation, Operator, Padding

SPARSE_GROUP = 16


@dataclass(frozen=True)
class Conv2D(Operator):
    """Weights (O, kernel height, kernel width, C / groups); groups follow from the shapes.

    stride and dilation are (rows, columns). sparse_group: 0, or SPARSE_GROUP: of groups of so many inputs,
    counted along a kernel row, many are zero for a whole block of as many output channels, which kernels may
    skip.
    """

    type_name: ClassVar[str] = "CONV_2D"
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: Padding = NO_PADDING
    activation: Activation = Activation.NONE
    sparse_group: int = 0


@dataclass(frozen=True)
class DepthwiseConv2D(Operator):
    """Weights (1, kernel height, kernel width, C * multiplier); output channel = c * multiplier + m."""

    type_name: ClassVar[str] = "DEPTHWISE_CONV_2D"
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: Padding = NO_PADDING
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class TransposeConv2D(Operator):
    """The gradient of a Conv2D: each input element adds its product with the whole kernel to the output.

    Weights (O, kernel height, kernel width, I), not mirrored: input row i and kernel row k meet in output row
    i * stride - padding.top + k, columns alike. The output tensor's shape says where the output ends, so
    padding.bottom and padding.right mean nothing and stay 0.
    """

    type_name: ClassVar[str] = "TRANSPOSE_CONV"
    stride: tuple[int, int] = (1, 1)
    padding: Padding = NO_PADDING
    activation: Activation = Activation.NONE
