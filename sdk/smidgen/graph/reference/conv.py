"""Conv2D, DepthwiseConv2D and TransposeConv2D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from smidgen.graph.fixed_point import (
    activation_range,
    activation_range_float,
    requantize,
    requantize_wide,
    wrap_int32,
)
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, Padding, TransposeConv2D
from smidgen.graph.reference.base import (
    WEIGHTS,
    Evaluator,
    channel_multipliers,
    optional,
    require,
    tensors_of,
)
from smidgen.graph.types import DType, Graph, Node, Tensor


@dataclass(frozen=True, eq=False)
class ConvParameters:
    """Integers of a quantized convolution or matrix product with 32-bit sums, or 64-bit ones of int16.

    output = clamp(zero point + requantize(sum((x - input_zero_point) * w) + bias)), clamped to
    clamp_min..clamp_max; multiplier and shift are int32 arrays with one element per output channel.
    """

    input_zero_point: int
    output_zero_point: int
    multiplier: np.ndarray
    shift: np.ndarray
    clamp_min: int
    clamp_max: int

    @property
    def clamp(self) -> tuple[int, int]:
        return self.clamp_min, self.clamp_max


def conv_parameters(graph: Graph, node: Node) -> ConvParameters:
    """Of a quantized Conv2D, DepthwiseConv2D or TransposeConv2D."""
    _, output = tensors_of(graph, node)
    return product_parameters(graph, node, output.shape[3])


def product_parameters(graph: Graph, node: Node, channels: int) -> ConvParameters:
    """Of sums of products with `channels` output channels; all multipliers are equal when per tensor."""
    (x, weights, *_), output = tensors_of(graph, node)
    multiplier, shift = channel_multipliers(x, weights, output, channels)
    clamp = activation_range(node.operator.activation, output.dtype.bits, output.scale, output.zero_point)
    return ConvParameters(x.zero_point, output.zero_point, multiplier, shift, *clamp)


def conv2d(graph: Graph, node: Node) -> Evaluator:
    operator: Conv2D = node.operator
    (x, weights, *_), _ = tensors_of(graph, node)
    out_channels, kernel_height, kernel_width, group_channels = weights.shape
    groups = x.shape[3] // group_channels
    size = (kernel_height, kernel_width)

    def products(values: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Sums of products in float64; exact for integers, since no partial sum reaches 2**53."""
        patches = _patches(pad_rows_and_columns(values, operator.padding), size, operator)
        n, height, width = patches.shape[:3]
        patches = patches.reshape(n, height, width, kernel_height * kernel_width, groups, group_channels)
        rows = patches.transpose(4, 0, 1, 2, 3, 5).reshape(groups, n * height * width, -1)
        matrices = w.reshape(groups, out_channels // groups, -1).astype(np.float64)
        sums = rows @ matrices.transpose(0, 2, 1)
        return sums.transpose(1, 0, 2).reshape(n, height, width, out_channels)

    return _evaluator(graph, node, products)


def depthwise_conv2d(graph: Graph, node: Node) -> Evaluator:
    operator: DepthwiseConv2D = node.operator
    (x, weights, *_), _ = tensors_of(graph, node)
    _, kernel_height, kernel_width, out_channels = weights.shape
    multiplier = out_channels // x.shape[3]

    def products(values: np.ndarray, w: np.ndarray) -> np.ndarray:
        padded = pad_rows_and_columns(values, operator.padding)
        repeated = np.repeat(padded, multiplier, axis=3) if multiplier > 1 else padded
        windows = _windows(repeated, (kernel_height, kernel_width), operator)
        total = np.zeros(windows.shape[:4], np.float64)
        for row in range(kernel_height):
            for column in range(kernel_width):
                total += windows[:, :, :, :, row, column] * w[0, row, column].astype(np.float64)
        return total

    return _evaluator(graph, node, products)


def transpose_conv2d(graph: Graph, node: Node) -> Evaluator:
    operator: TransposeConv2D = node.operator
    (x, weights, *_), output = tensors_of(graph, node)
    _, kernel_height, kernel_width, _ = weights.shape
    (stride_y, stride_x), (top, left) = operator.stride, (operator.padding.top, operator.padding.left)
    reach = ((x.shape[1] - 1) * stride_y + kernel_height, (x.shape[2] - 1) * stride_x + kernel_width)
    # Large enough for what is cut off before the output and for what the output has after the last product.
    canvas = (max(reach[0], top + output.shape[1]), max(reach[1], left + output.shape[2]))

    def products(values: np.ndarray, w: np.ndarray) -> np.ndarray:
        total = np.zeros((x.shape[0], *canvas, output.shape[3]), np.float64)
        for row in range(kernel_height):
            rows = slice(row, row + (x.shape[1] - 1) * stride_y + 1, stride_y)
            for column in range(kernel_width):
                columns = slice(column, column + (x.shape[2] - 1) * stride_x + 1, stride_x)
                total[:, rows, columns] += values @ w[:, row, column].T.astype(np.float64)
        return total[:, top : top + output.shape[1], left : left + output.shape[2]]

    return _evaluator(graph, node, products)


def _evaluator(graph: Graph, node: Node, products) -> Evaluator:
    """Around sums of products: the offset before, bias, requantization and clamp after."""
    operator = node.operator
    (x, weights, *rest), output = tensors_of(graph, node)
    is_float = require_layer(x, weights, optional(rest, 0), output, graph, node)
    if is_float:
        low, high = activation_range_float(operator.activation)

        def run_float(inputs):
            total = products(inputs[0].astype(np.float64), inputs[1])
            if optional(inputs, 2) is not None:
                total = total + inputs[2]
            return [np.clip(total, low, high).astype(np.float32)]

        return run_float

    parameters = conv_parameters(graph, node)

    def run_integer(inputs):
        values = inputs[0].astype(np.float64) - parameters.input_zero_point
        total = products(values, inputs[1]).astype(np.int64)
        return [finish_layer(total, optional(inputs, 2), parameters, output.dtype)]

    return run_integer


def require_layer(
    x: Tensor, weights: Tensor, bias: Tensor | None, output: Tensor, graph: Graph, node: Node
) -> bool:
    """Whether a layer is float. Raises ModelError unless its types are ones that layers have a meaning for:
    float, int8 activations (32-bit sums), or int16 activations and int8 weights (64-bit sums)."""
    is_float = x.dtype is weights.dtype is output.dtype is DType.F32
    is_int8 = x.dtype is output.dtype is DType.I8 and weights.dtype in WEIGHTS
    is_int16 = x.dtype is output.dtype is DType.I16 and weights.dtype is DType.I8
    if bias is not None:
        is_int8 = is_int8 and bias.dtype is DType.I32
        is_int16 = is_int16 and bias.dtype is DType.I64
    require(is_float or is_int8 or is_int16, graph, node)
    return is_float


def finish_layer(
    total: np.ndarray, bias: np.ndarray | None, parameters: ConvParameters, dtype: DType
) -> np.ndarray:
    """The outputs of a quantized layer from its sums of products (int64, channels last)."""
    p = parameters
    total = total if bias is None else total + bias
    if dtype is DType.I16:
        result = requantize_wide(total, p.multiplier, p.shift, p.clamp)
    else:
        result = requantize(wrap_int32(total), p.multiplier, p.shift, p.output_zero_point, p.clamp)
    return result.astype(dtype.numpy)


def pad_rows_and_columns(values: np.ndarray, padding: Padding, fill: float = 0) -> np.ndarray:
    if not (padding.top or padding.bottom or padding.left or padding.right):
        return values
    widths = ((0, 0), (padding.top, padding.bottom), (padding.left, padding.right), (0, 0))
    return np.pad(values, widths, constant_values=fill)


def _windows(values: np.ndarray, size: tuple[int, int], operator: Conv2D | DepthwiseConv2D) -> np.ndarray:
    """View of shape (N, output rows, output columns, C, kernel rows, kernel columns)."""
    (rows, columns), (stride_y, stride_x) = operator.dilation, operator.stride
    reach = ((size[0] - 1) * rows + 1, (size[1] - 1) * columns + 1)
    windows = sliding_window_view(values, reach, axis=(1, 2))
    return windows[:, ::stride_y, ::stride_x, :, ::rows, ::columns]


def _patches(values: np.ndarray, size: tuple[int, int], operator: Conv2D) -> np.ndarray:
    """im2col, shape (N, output rows, output columns, kernel rows, kernel columns, C)."""
    return _windows(values, size, operator).transpose(0, 1, 2, 4, 5, 3)
