"""Add, Sub, Mul, Minimum, Maximum on broadcast inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import (
    activation_range,
    activation_range_float,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    requantize,
    wrap_int32,
)
from smidgen.graph.operators import Activation, Minimum, Sub
from smidgen.graph.reference.base import QUANTIZED, Evaluator, require, tensors_of
from smidgen.graph.types import DType, Graph, Node


@dataclass(frozen=True)
class AddParameters:
    """Integers of a quantized Add or Sub.

    Each input, less its zero point, is shifted left by left_shift and scaled by its multiplier and shift; the
    sum (difference) is scaled by the output's, offset by its zero point and clamped.
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
    """Integers of a quantized Mul: the product of both inputs, less their zero points, is requantized."""

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
    multiplier, shift = quantize_multiplier(input1.scale * input2.scale / output.scale)
    return MulParameters(
        input1.zero_point,
        input2.zero_point,
        output.zero_point,
        multiplier,
        shift,
        *activation_range(node.operator.activation, output.dtype.bits, output.scale, output.zero_point),
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
    return _float_only(graph, node, np.divide)


def squared_difference(graph: Graph, node: Node) -> Evaluator:
    return _float_only(graph, node, lambda a, b: np.square(a - b))


def power(graph: Graph, node: Node) -> Evaluator:
    return _float_only(graph, node, np.power)


def _float_only(graph: Graph, node: Node, combine) -> Evaluator:
    (input1, input2), output = tensors_of(graph, node)
    require(input1.dtype is input2.dtype is output.dtype is DType.F32, graph, node)
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
