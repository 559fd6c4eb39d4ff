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
    saturating_rounding_doubling_high_multiply_int16,
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
from smidgen.graph.reference.activation_int16 import softmax16_parameters, softmax_int16
from smidgen.graph.reference.base import Evaluator, erf, require, tensors_of
from smidgen.graph.types import DType, Graph, Node, Tensor

SOFTMAX_INTEGER_BITS = 5  # of the scaled difference to the row's maximum
SOFTMAX_SUM_INTEGER_BITS = 12
_SIGMOID_INTEGER_BITS = 4
_INT8_RANGE = integer_range(8)
_INT16_RANGE = integer_range(16)
_HARD_SWISH_SHIFT = 7  # bits by which inputs are scaled up


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


@dataclass(frozen=True)
class HardSwishParameters:
    """16-bit multipliers of an int8 HardSwish, on inputs scaled up by 2**7.

    The gate clip(x + 3, 0, 6) / 6 comes from x / 3 in Q0.15; the product with x is shifted right by -shift.
    """

    input_zero_point: int
    output_zero_point: int
    gate_multiplier: int
    gate_shift: int
    multiplier: int
    shift: int


@dataclass(frozen=True)
class PreluParameters:
    """Integers of an int8 Prelu: values from 0 up are rescaled, others multiplied by alpha and rescaled."""

    input_zero_point: int
    alpha_zero_point: int
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


def hard_swish_parameters(graph: Graph, node: Node) -> HardSwishParameters:
    """The quotients are of float32 values, as in TensorFlow Lite Micro."""
    (x,), output = tensors_of(graph, node)
    unit = np.float32(x.scale) * np.float32(1 / (1 << _HARD_SWISH_SHIFT))
    gate_multiplier, gate_shift = quantize_multiplier(float(unit / np.float32(3 / 32768)))
    multiplier, shift = quantize_multiplier(float(unit / np.float32(output.scale)))
    return HardSwishParameters(
        x.zero_point, output.zero_point, _to_int16(gate_multiplier), gate_shift, _to_int16(multiplier), shift
    )


def _to_int16(multiplier: int) -> int:
    return min((multiplier + (1 << 15)) >> 16, _INT16_RANGE[1])


def prelu_parameters(graph: Graph, node: Node) -> PreluParameters:
    (x, alpha), output = tensors_of(graph, node)
    positive = quantize_multiplier(x.scale / output.scale)
    negative = quantize_multiplier(x.scale * alpha.scale / output.scale)
    return PreluParameters(x.zero_point, alpha.zero_point, output.zero_point, *positive, *negative)


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


def _hard_swish_int8(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    p = hard_swish_parameters(graph, node)
    multiply = saturating_rounding_doubling_high_multiply_int16
    centred = (x - p.input_zero_point) << _HARD_SWISH_SHIFT
    gate = np.clip(centred << max(p.gate_shift - 1, 0), *_INT16_RANGE)
    gate = multiply(gate, p.gate_multiplier)
    gate = np.clip(gate << (p.gate_shift > 0), *_INT16_RANGE)
    gate = rounding_divide_by_power_of_two(gate, max(-p.gate_shift, 0))
    gate = (gate + (1 << 15)) >> 1  # from [-1, 1] to [0, 1], in Q0.15
    product = gate * multiply(centred, p.multiplier)
    truncated = np.sign(product) * (np.abs(product) >> 15)
    result = rounding_divide_by_power_of_two(truncated, -p.shift) + p.output_zero_point
    return np.clip(result, *_INT8_RANGE)


INTEGER_FUNCTIONS = {
    Logistic: _logistic_int8,
    Tanh: _tanh_int8,
    Relu: _relu_int8,
    Relu6: _relu6_int8,
    LeakyRelu: _leaky_relu_int8,
    HardSwish: _hard_swish_int8,
}
# Each takes and gives float64.
FLOAT_FUNCTIONS = {
    Logistic: lambda operator, x: _logistic_float(x),
    Tanh: lambda operator, x: np.tanh(x),
    Relu: lambda operator, x: np.maximum(x, 0),
    Relu6: lambda operator, x: np.clip(x, 0, 6),
    LeakyRelu: lambda operator, x: np.where(x > 0, x, np.float32(operator.alpha).astype(float) * x),
    Elu: lambda operator, x: np.where(x >= 0, x, operator.alpha * np.expm1(np.minimum(x, 0))),
    Gelu: lambda operator, x: _gelu_float(operator, x),
    Silu: lambda operator, x: x * _logistic_float(x),
    HardSwish: lambda operator, x: x * np.clip(x + 3, 0, 6) / 6,
    HardSigmoid: lambda operator, x: np.clip(operator.alpha * x + operator.beta, 0, 1),
    Clip: lambda operator, x: np.clip(x, operator.minimum, operator.maximum),
    Softplus: lambda operator, x: np.logaddexp(0, x),
    Softsign: lambda operator, x: x / (1 + np.abs(x)),
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
    require(x.dtype is alpha.dtype is output.dtype and x.dtype in (DType.F32, DType.I8), graph, node)
    if x.dtype is DType.F32:
        return lambda inputs: [np.where(inputs[0] >= 0, inputs[0], inputs[0] * inputs[1])]
    p = prelu_parameters(graph, node)

    def run_int8(inputs):
        centred = inputs[0].astype(np.int64) - p.input_zero_point
        product = centred * (inputs[1].astype(np.int64) - p.alpha_zero_point)
        to = (p.output_zero_point, _INT8_RANGE)
        positive = requantize(centred, p.positive_multiplier, p.positive_shift, *to)
        negative = requantize(product, p.negative_multiplier, p.negative_shift, *to)
        return [np.where(centred >= 0, positive, negative).astype(np.int8)]

    return run_int8


def softmax(graph: Graph, node: Node) -> Evaluator:
    operator: Softmax = node.operator
    (x,), output = tensors_of(graph, node)
    if x.dtype is output.dtype is DType.F32:
        return lambda inputs: [_softmax_float(inputs[0], operator.beta)]
    if x.dtype is output.dtype is DType.I16:
        wide = softmax16_parameters(graph, node)
        return lambda inputs: [softmax_int16(wide, inputs[0])]
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
