"""Add, Sub, Mul, Div, SquaredDifference, Pow, Minimum, Maximum on broadcast inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import (
    activation_range,
    activation_range_float,
    integer_range,
    multiply_by_quantized_multiplier,
    one_over_one_plus,
    quantize_multiplier,
    requantize,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_multiply,
    wrap_int32,
)
from smidgen.graph.operators import Activation, Minimum, Sub
from smidgen.graph.reference.base import QUANTIZED, Evaluator, require, tabulated, tensors_of
from smidgen.graph.reference.quantize import dequantize_array
from smidgen.graph.types import DType, Graph, Node

_BEYOND_INT8 = 512  # added to any zero point it lies outside of int8


@dataclass(frozen=True)
class AddParameters:
    """Integers of a quantized Add, Sub or SquaredDifference.

    Each input, less its zero point, is shifted left by left_shift and scaled by its multiplier and shift; the
    sum (difference, squared difference) is scaled by the output's, offset by its zero point and clamped.
    """

    left_shift: int
    input1_zero_point: int
    input1_multiplier: int
    input1_shift: int
    input2_zero_point: int
    input2_multiplier: int
    input2_shift: int
    output_zero_point: int
    output_multiplier: int
    output_shift: int
    clamp_min: int
    clamp_max: int


@dataclass(frozen=True)
class MulParameters:
    """Integers of a quantized Mul (Div): the product (quotient) of both inputs, less their zero points, is
    requantized."""

    input1_zero_point: int
    input2_zero_point: int
    output_zero_point: int
    multiplier: int
    shift: int
    clamp_min: int
    clamp_max: int


def add_parameters(graph: Graph, node: Node) -> AddParameters:
    """Of an int8 or int16 Add or Sub."""
    (input1, input2), output = tensors_of(graph, node)
    left_shift = 20 if output.dtype is DType.I8 else 15
    twice_larger_scale = 2 * max(input1.scale, input2.scale)
    multiplier1, shift1 = quantize_multiplier(input1.scale / twice_larger_scale)
    multiplier2, shift2 = quantize_multiplier(input2.scale / twice_larger_scale)
    multiplier, shift = quantize_multiplier(twice_larger_scale / ((1 << left_shift) * output.scale))
    return AddParameters(
        left_shift,
        input1.zero_point,
        multiplier1,
        shift1,
        input2.zero_point,
        multiplier2,
        shift2,
        output.zero_point,
        multiplier,
        shift,
        *activation_range(node.operator.activation, output.dtype.bits, output.scale, output.zero_point),
    )


def mul_parameters(graph: Graph, node: Node) -> MulParameters:
    """Of an int8 or int16 Mul."""
    (input1, input2), output = tensors_of(graph, node)
    return _mul_parameters(graph, node, input1.scale * input2.scale / output.scale)


def div_parameters(graph: Graph, node: Node) -> MulParameters:
    """Of an int8 Div. The product of scales is one of floats in TensorFlow Lite Micro."""
    (input1, input2), output = tensors_of(graph, node)
    return _mul_parameters(
        graph, node, input1.scale / float(np.float32(input2.scale) * np.float32(output.scale))
    )


def _mul_parameters(graph: Graph, node: Node, real_multiplier: float) -> MulParameters:
    (input1, input2), output = tensors_of(graph, node)
    multiplier, shift = quantize_multiplier(real_multiplier)
    return MulParameters(
        input1.zero_point,
        input2.zero_point,
        output.zero_point,
        multiplier,
        shift,
        *activation_range(node.operator.activation, output.dtype.bits, output.scale, output.zero_point),
    )


def squared_difference_parameters(graph: Graph, node: Node) -> AddParameters:
    """Of an int8 SquaredDifference."""
    (input1, input2), output = tensors_of(graph, node)
    left_shift = 7
    twice_larger_scale = 2 * max(input1.scale, input2.scale)
    real = twice_larger_scale**2 / float(np.float32(1 << 2 * left_shift) * np.float32(output.scale))
    return AddParameters(
        left_shift,
        input1.zero_point,
        *quantize_multiplier(input1.scale / twice_larger_scale),
        input2.zero_point,
        *quantize_multiplier(input2.scale / twice_larger_scale),
        output.zero_point,
        *quantize_multiplier(real),
        *integer_range(output.dtype.bits),
    )


def add_or_sub(graph: Graph, node: Node) -> Evaluator:
    kind = _kind(graph, node)
    combine = np.subtract if isinstance(node.operator, Sub) else np.add
    if kind is not None:
        return _unquantized(node, kind, combine)
    _, output = tensors_of(graph, node)
    p = add_parameters(graph, node)

    def scaled(x: np.ndarray, zero_point: int, multiplier: int, shift: int) -> np.ndarray:
        shifted = (x.astype(np.int64) - zero_point) << p.left_shift
        return multiply_by_quantized_multiplier(shifted, multiplier, shift)

    def run(inputs):
        scaled1 = scaled(inputs[0], p.input1_zero_point, p.input1_multiplier, p.input1_shift)
        scaled2 = scaled(inputs[1], p.input2_zero_point, p.input2_multiplier, p.input2_shift)
        total = combine(scaled1, scaled2)
        clamp = (p.clamp_min, p.clamp_max)
        result = requantize(total, p.output_multiplier, p.output_shift, p.output_zero_point, clamp)
        return [result.astype(output.dtype.numpy)]

    return run


def mul(graph: Graph, node: Node) -> Evaluator:
    kind = _kind(graph, node)
    if kind is not None:
        return _unquantized(node, kind, np.multiply)
    _, output = tensors_of(graph, node)
    p = mul_parameters(graph, node)

    def run(inputs):
        centred1 = inputs[0].astype(np.int64) - p.input1_zero_point
        centred2 = inputs[1].astype(np.int64) - p.input2_zero_point
        clamp = (p.clamp_min, p.clamp_max)
        result = requantize(centred1 * centred2, p.multiplier, p.shift, p.output_zero_point, clamp)
        return [result.astype(output.dtype.numpy)]

    return run


def minimum_or_maximum(graph: Graph, node: Node) -> Evaluator:
    """Compares the stored values: inputs and output share one quantization."""
    (input1, input2), output = tensors_of(graph, node)
    require(input1.dtype is input2.dtype is output.dtype, graph, node)
    choose = np.minimum if isinstance(node.operator, Minimum) else np.maximum
    return lambda inputs: [choose(inputs[0], inputs[1])]


def div(graph: Graph, node: Node) -> Evaluator:
    """On int8 the dividend times the divisor's reciprocal in Q0.31; x / 0 saturates by the sign of x, and
    0 / 0 is the zero point."""
    if _is_float(graph, node):
        return _in_float(node, np.divide)
    p = div_parameters(graph, node)

    def run(inputs):
        dividend = inputs[0].astype(np.int64) - p.input1_zero_point
        divisor = inputs[1].astype(np.int64) - p.input2_zero_point
        reciprocals, bits = _reciprocals(np.where(divisor == 0, 1, np.abs(divisor)))
        # All bits of the dividend but its sign take part: it is shifted left before the product.
        headroom = 31 - np.frexp(np.where(dividend < 0, ~dividend, dividend).astype(np.float64))[1]
        scaled = saturating_rounding_doubling_high_multiply(
            dividend << headroom, np.sign(divisor) * reciprocals
        )
        quotient = saturating_rounding_doubling_high_multiply(scaled, p.multiplier)
        # TensorFlow Lite Micro shifts what is far below a step by 31 bits and more, where C has no meaning.
        shift = np.clip(bits + headroom - p.shift, 0, 32)
        result = rounding_divide_by_power_of_two(quotient, shift) + p.output_zero_point
        result = np.where(divisor == 0, np.sign(dividend) * _BEYOND_INT8 + p.output_zero_point, result)
        return [np.clip(result, p.clamp_min, p.clamp_max).astype(np.int8)]

    return run


def _reciprocals(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(r, b): 1 / x is r / 2**31 / 2**b, for integers x from 1 to 2**31 - 1."""
    bits = np.frexp(x.astype(np.float64))[1].astype(np.int64) - 1
    return one_over_one_plus((x << (31 - bits)) - (1 << 31)), bits


def squared_difference(graph: Graph, node: Node) -> Evaluator:
    if _is_float(graph, node):
        return _in_float(node, lambda a, b: np.square(a - b))
    p = squared_difference_parameters(graph, node)

    def scaled(x: np.ndarray, zero_point: int, multiplier: int, shift: int) -> np.ndarray:
        shifted = (x.astype(np.int64) - zero_point) << p.left_shift
        return multiply_by_quantized_multiplier(shifted, multiplier, shift)

    def run(inputs):
        scaled1 = scaled(inputs[0], p.input1_zero_point, p.input1_multiplier, p.input1_shift)
        scaled2 = scaled(inputs[1], p.input2_zero_point, p.input2_multiplier, p.input2_shift)
        square = np.square(scaled1 - scaled2)
        clamp = (p.clamp_min, p.clamp_max)
        result = requantize(square, p.output_multiplier, p.output_shift, p.output_zero_point, clamp)
        return [result.astype(np.int8)]

    return run


def power(graph: Graph, node: Node) -> Evaluator:
    """On int8 one of the inputs is one constant, so that the node is a function of the other."""
    if _is_float(graph, node):
        return _in_float(node, np.power)
    at = variable_of_power(graph, node)
    require(at is not None, graph, node)
    table = power_table(graph, node)
    shape = graph.tensor(node.outputs[0]).shape
    return lambda inputs: [table[inputs[at].view(np.uint8)].reshape(shape)]


def variable_of_power(graph: Graph, node: Node) -> int | None:
    """Which input an int8 Pow is a function of, because the other is one constant; None where neither is."""
    constants = [tensor.is_constant and tensor.elements == 1 for tensor in graph.input_tensors(node)]
    return constants.index(True) ^ 1 if any(constants) else None


def power_table(graph: Graph, node: Node) -> np.ndarray:
    """The 256 int8 values of a Pow with one constant, by the other input's byte."""
    at = variable_of_power(graph, node)
    tensors, output = tensors_of(graph, node)
    constant = tensors[1 - at]
    value = float(dequantize_array(constant.data.reshape(-1), constant)[0])
    function = (lambda x: np.power(x, value)) if at == 0 else (lambda x: np.power(value, x))
    return tabulated(function, tensors[at], output)


def _is_float(graph: Graph, node: Node) -> bool:
    (input1, input2), output = tensors_of(graph, node)
    dtype = output.dtype
    require(input1.dtype is input2.dtype is dtype and dtype in (DType.F32, DType.I8), graph, node)
    return dtype is DType.F32


def _in_float(node: Node, combine) -> Evaluator:
    low, high = activation_range_float(getattr(node.operator, "activation", Activation.NONE))

    def run(inputs):
        with np.errstate(all="ignore"):  # infinities and what is not a number are results like others
            return [np.clip(combine(inputs[0], inputs[1]), low, high).astype(np.float32)]

    return run


def _kind(graph: Graph, node: Node) -> DType | None:
    """F32 or I32 when the node works on plain numbers, None when it works on quantized ones."""
    (input1, input2), output = tensors_of(graph, node)
    dtype = output.dtype
    require(input1.dtype is input2.dtype is dtype, graph, node)
    require(dtype in (DType.F32, DType.I32, *QUANTIZED), graph, node)
    return None if dtype in QUANTIZED else dtype


def _unquantized(node: Node, dtype: DType, combine) -> Evaluator:
    activation: Activation = node.operator.activation
    low, high = activation_range_float(activation)
    if dtype is DType.F32:
        return lambda inputs: [np.clip(combine(inputs[0], inputs[1]), low, high).astype(np.float32)]

    def run_int32(inputs):
        exact = combine(inputs[0].astype(np.int64), inputs[1].astype(np.int64))
        return [np.clip(wrap_int32(exact), low, high).astype(np.int32)]

    return run_int32
