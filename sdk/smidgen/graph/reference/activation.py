"""Softmax, Logistic, Tanh, Relu, Relu6, LeakyRelu.

Except for Softmax these are functions of one int8 value, and their integer meaning is a table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import (
    INT32_MAX,
    activation_range,
    exp_on_negative_values,
    input_radius,
    integer_range,
    logistic,
    multiply_by_quantized_multiplier,
    one_over_one_plus,
    quantize_multiplier,
    requantize,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_multiply,
    tanh,
    wrap_int32,
)
from smidgen.graph.operators import (
    Activation,
    Clip,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Logistic,
    Relu,
    Relu6,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from smidgen.graph.reference.base import Evaluator, erf, require, tensors_of
from smidgen.graph.types import DType, Graph, Node, Tensor

SOFTMAX_INTEGER_BITS = 5  # of the scaled difference to the row's maximum
SOFTMAX_SUM_INTEGER_BITS = 12
_SIGMOID_INTEGER_BITS = 4
_INT8_RANGE = integer_range(8)


@dataclass(frozen=True)
class SoftmaxParameters:
    """Integers of an int8 Softmax.

    A difference d to the row's maximum, d >= diff_min, becomes Q5.26 by
    saturating_rounding_doubling_high_multiply(d << left_shift, multiplier); below diff_min it counts as
    zero.
    """

    multiplier: int
    left_shift: int
    diff_min: int


@dataclass(frozen=True)
class SigmoidParameters:
    """Integers of an int8 Logistic or Tanh: inputs from zero_point - radius down (up) saturate."""

    input_zero_point: int
    multiplier: int
    left_shift: int
    radius: int


@dataclass(frozen=True)
class ReluParameters:
    """Integers of an int8 Relu: requantize to the output's scale, then clamp."""

    input_zero_point: int
    output_zero_point: int
    multiplier: int
    shift: int
    clamp_min: int
    clamp_max: int


@dataclass(frozen=True)
class LeakyReluParameters:
    """Integers of an int8 LeakyRelu: one multiplier for values from zero up, one for those below."""

    input_zero_point: int
    output_zero_point: int
    positive_multiplier: int
    positive_shift: int
    negative_multiplier: int
    negative_shift: int


def softmax_parameters(graph: Graph, node: Node) -> SoftmaxParameters:
    (x,), _ = tensors_of(graph, node)
    beta = float(np.float32(node.operator.beta))
    real = min(beta * x.scale * (1 << (31 - SOFTMAX_INTEGER_BITS)), float(INT32_MAX))
    multiplier, left_shift = quantize_multiplier(real)
    return SoftmaxParameters(multiplier, left_shift, -input_radius(SOFTMAX_INTEGER_BITS, left_shift))


def sigmoid_parameters(graph: Graph, node: Node) -> SigmoidParameters:
    """Of an int8 Logistic or Tanh."""
    (x,), _ = tensors_of(graph, node)
    multiplier, left_shift = quantize_multiplier(x.scale * (1 << (31 - _SIGMOID_INTEGER_BITS)))
    radius = input_radius(_SIGMOID_INTEGER_BITS, left_shift)
    return SigmoidParameters(x.zero_point, multiplier, left_shift, radius)


def relu_parameters(graph: Graph, node: Node) -> ReluParameters:
    (x,), output = tensors_of(graph, node)
    multiplier, shift = quantize_multiplier(x.scale / output.scale)
    clamp = activation_range(Activation.RELU, output.dtype.bits, output.scale, output.zero_point)
    return ReluParameters(x.zero_point, output.zero_point, multiplier, shift, *clamp)


def leaky_relu_parameters(graph: Graph, node: Node) -> LeakyReluParameters:
    (x,), output = tensors_of(graph, node)
    alpha = float(np.float32(node.operator.alpha))
    positive = quantize_multiplier(x.scale / output.scale)
    negative = quantize_multiplier(x.scale * alpha / output.scale)
    return LeakyReluParameters(x.zero_point, output.zero_point, *positive, *negative)


def unary_table(graph: Graph, node: Node) -> np.ndarray:
    """The whole function of an int8 Logistic, Tanh, Relu, Relu6 or LeakyRelu: 256 int8 values.

    Entry i is the output for the input whose byte is i, so C reads table[(uint8_t)x]: inputs 0 to 127, then
    -128 to -1.
    """
    inputs = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)
    return _INTEGER_FUNCTIONS[type(node.operator)](graph, node, inputs).astype(np.int8)


def unary(graph: Graph, node: Node) -> Evaluator:
    (x,), output = tensors_of(graph, node)
    if x.dtype is output.dtype is DType.F32:
        function = _FLOAT_FUNCTIONS[type(node.operator)]
        return lambda inputs: [function(node.operator, inputs[0]).astype(np.float32)]
    require(x.dtype is output.dtype is DType.I8 and type(node.operator) in _INTEGER_FUNCTIONS, graph, node)
    table = unary_table(graph, node)
    return lambda inputs: [table[inputs[0].view(np.uint8)]]


def _logistic_int8(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    """The output's scale is 1/256 and its zero point -128."""
    p = sigmoid_parameters(graph, node)
    return _sigmoid_int8(p, x, logistic, 31 - 8, -128)


def _tanh_int8(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    """The output's scale is 1/128 and its zero point 0."""
    p = sigmoid_parameters(graph, node)
    return _sigmoid_int8(p, x, tanh, 31 - 7, 0)


def _sigmoid_int8(p: SigmoidParameters, x: np.ndarray, function, right_shift: int, zero_point: int):
    centred = x - p.input_zero_point
    inside = np.abs(centred) < p.radius
    raw = multiply_by_quantized_multiplier(np.where(inside, centred, 0), p.multiplier, p.left_shift)
    scaled = rounding_divide_by_power_of_two(function(raw, _SIGMOID_INTEGER_BITS), right_shift)
    # In this order: where the radius is 0, an input at the zero point counts as below it.
    saturated = np.where(centred <= -p.radius, *_INT8_RANGE)
    return np.where(inside, np.clip(scaled + zero_point, *_INT8_RANGE), saturated)


def _relu_int8(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    p = relu_parameters(graph, node)
    clamp = (p.clamp_min, p.clamp_max)
    return requantize(x - p.input_zero_point, p.multiplier, p.shift, p.output_zero_point, clamp)


def relu6_clamp(x: Tensor) -> tuple[int, int]:
    """(min, max) of an int8 Relu6 on x: it does not rescale, so input and output share a quantization."""
    return x.zero_point, activation_range(Activation.RELU6, x.dtype.bits, x.scale, x.zero_point)[1]


def _relu6_int8(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    (tensor,), _ = tensors_of(graph, node)
    return np.clip(x, *relu6_clamp(tensor))


def _leaky_relu_int8(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    p = leaky_relu_parameters(graph, node)
    centred = x - p.input_zero_point
    positive = requantize(centred, p.positive_multiplier, p.positive_shift, p.output_zero_point, _INT8_RANGE)
    negative = requantize(centred, p.negative_multiplier, p.negative_shift, p.output_zero_point, _INT8_RANGE)
    return np.where(centred >= 0, positive, negative)


_INTEGER_FUNCTIONS = {
    Logistic: _logistic_int8,
    Tanh: _tanh_int8,
    Relu: _relu_int8,
    Relu6: _relu6_int8,
    LeakyRelu: _leaky_relu_int8,
}
_FLOAT_FUNCTIONS = {
    Logistic: lambda operator, x: _logistic_float(x.astype(np.float64)),
    Tanh: lambda operator, x: np.tanh(x.astype(np.float64)),
    Relu: lambda operator, x: np.maximum(x, 0),
    Relu6: lambda operator, x: np.clip(x, 0, 6),
    LeakyRelu: lambda operator, x: np.where(x > 0, x, np.float32(operator.alpha) * x),
    Elu: lambda operator, x: np.where(x >= 0, x, operator.alpha * np.expm1(np.minimum(x, 0))),
    Gelu: lambda operator, x: _gelu_float(operator, x.astype(np.float64)),
    Silu: lambda operator, x: x * _logistic_float(x.astype(np.float64)),
    HardSwish: lambda operator, x: x * np.clip(x.astype(np.float64) + 3, 0, 6) / 6,
    HardSigmoid: lambda operator, x: np.clip(operator.alpha * x.astype(np.float64) + operator.beta, 0, 1),
    Clip: lambda operator, x: np.clip(x, operator.minimum, operator.maximum),
    Softplus: lambda operator, x: np.logaddexp(0, x.astype(np.float64)),
    Softsign: lambda operator, x: x / (1 + np.abs(x.astype(np.float64))),
}


def _logistic_float(x: np.ndarray) -> np.ndarray:
    """Half of 1 + tanh(x / 2), which unlike 1 / (1 + exp(-x)) overflows nowhere."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _gelu_float(operator: Gelu, x: np.ndarray) -> np.ndarray:
    if operator.approximate:
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def prelu(graph: Graph, node: Node) -> Evaluator:
    (x, alpha), output = tensors_of(graph, node)
    require(x.dtype is alpha.dtype is output.dtype is DType.F32, graph, node)
    return lambda inputs: [np.where(inputs[0] >= 0, inputs[0], inputs[0] * inputs[1])]


def softmax(graph: Graph, node: Node) -> Evaluator:
    operator: Softmax = node.operator
    (x,), output = tensors_of(graph, node)
    if x.dtype is output.dtype is DType.F32:
        return lambda inputs: [_softmax_float(inputs[0], operator.beta)]
    require(x.dtype is DType.I8 and output.dtype in (DType.I8, DType.I16), graph, node)
    parameters = softmax_parameters(graph, node)
    return lambda inputs: [softmax_integer(parameters, inputs[0], output.dtype)]


def _softmax_float(x: np.ndarray, beta: float) -> np.ndarray:
    powers = np.exp((x - x.max(axis=-1, keepdims=True)).astype(np.float64) * beta)
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def softmax_integer(parameters: SoftmaxParameters, x: np.ndarray, dtype: DType) -> np.ndarray:
    """Softmax of int8 rows into int8 (scale 1/256, zero point -128) or int16 (1/65536, -32768)."""
    differences = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    counts = differences >= parameters.diff_min
    scaled = saturating_rounding_doubling_high_multiply(
        wrap_int32(np.where(counts, differences, 0) << parameters.left_shift), parameters.multiplier
    )
    powers = exp_on_negative_values(scaled, SOFTMAX_INTEGER_BITS)
    terms = rounding_divide_by_power_of_two(powers, SOFTMAX_SUM_INTEGER_BITS)
    sums = wrap_int32(np.where(counts, terms, 0).sum(axis=-1, keepdims=True))
    # Normalise the sum to 1.f * 2**bits_over_unit; frexp is exact on 32-bit integers.
    leading_zeros = 32 - np.frexp((sums % (1 << 32)).astype(np.float64))[1].astype(np.int64)
    fraction = wrap_int32((sums << leading_zeros) - (1 << 31))
    shifted_scale = one_over_one_plus(fraction)
    bits_over_unit = SOFTMAX_SUM_INTEGER_BITS - leading_zeros
    quotients = rounding_divide_by_power_of_two(
        saturating_rounding_doubling_high_multiply(powers, shifted_scale), bits_over_unit + 31 - dtype.bits
    )
    low, high = integer_range(dtype.bits)
    return np.where(counts, np.clip(quotients + low, low, high), low).astype(dtype.numpy)
