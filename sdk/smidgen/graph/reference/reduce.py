"""Mean, Sum, ReduceMax, ReduceMin, ArgMax, ArgMin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import integer_range, quantize_multiplier, requantize, wrap_int32
from smidgen.graph.operators import ArgMax, ArgMin, Mean, ReduceMax, ReduceMin, Sum
from smidgen.graph.reference.base import QUANTIZED, Evaluator, require, tensors_of
from smidgen.graph.types import DType, Graph, Node, Tensor


@dataclass(frozen=True)
class MeanParameters:
    """Integers of a quantized Mean or Sum.

    output = clamp(requantize(sum(x) - count * input_zero_point)); 1 / count is part of a Mean's multiplier.
    """

    count: int
    input_zero_point: int
    output_zero_point: int
    multiplier: int
    shift: int


def mean_parameters(graph: Graph, node: Node) -> MeanParameters:
    """1 / count enters the multiplier by an integer division that keeps as many bits as fit."""
    (x,), output = tensors_of(graph, node)
    count = math.prod(x.shape[axis] for axis in node.operator.axes)
    multiplier, shift = quantize_multiplier(x.scale / output.scale)
    kept_bits = min(count.bit_length() - 1, 32, 31 + shift)
    return MeanParameters(
        count, x.zero_point, output.zero_point, (multiplier << kept_bits) // count, shift - kept_bits
    )


def sum_parameters(graph: Graph, node: Node) -> MeanParameters:
    """As those of a Mean whose count is not divided by."""
    (x,), output = tensors_of(graph, node)
    count = math.prod(x.shape[axis] for axis in node.operator.axes)
    multiplier, shift = quantize_multiplier(x.scale / output.scale)
    return MeanParameters(count, x.zero_point, output.zero_point, multiplier, shift)


def mean(graph: Graph, node: Node) -> Evaluator:
    operator: Mean = node.operator
    (x,), output = tensors_of(graph, node)
    is_float = x.dtype is output.dtype is DType.F32
    require(is_float or (x.dtype is output.dtype and x.dtype in QUANTIZED), graph, node)
    if is_float:

        def run_float(inputs):
            means = inputs[0].astype(np.float64).mean(axis=operator.axes)
            return [means.astype(np.float32).reshape(output.shape)]

        return run_float

    return _requantized_sum(operator.axes, mean_parameters(graph, node), output)


def _requantized_sum(axes: tuple[int, ...], p: MeanParameters, output: Tensor) -> Evaluator:
    clamp = integer_range(output.dtype.bits)

    def run_integer(inputs):
        sums = inputs[0].sum(axis=axes, dtype=np.int64) - p.count * p.input_zero_point
        result = requantize(wrap_int32(sums), p.multiplier, p.shift, p.output_zero_point, clamp)
        return [result.astype(output.dtype.numpy).reshape(output.shape)]

    return run_integer


def total(graph: Graph, node: Node) -> Evaluator:
    operator: Sum = node.operator
    (x,), output = tensors_of(graph, node)
    require(x.dtype is output.dtype and x.dtype in (DType.F32, DType.I8), graph, node)
    if x.dtype is DType.F32:

        def run_float(inputs):
            sums = inputs[0].astype(np.float64).sum(axis=operator.axes)
            return [sums.astype(np.float32).reshape(output.shape)]

        return run_float
    return _requantized_sum(operator.axes, sum_parameters(graph, node), output)


def extremum(graph: Graph, node: Node) -> Evaluator:
    """Of ReduceMax and ReduceMin: compares the stored values, so input and output share a quantization."""
    operator: ReduceMax | ReduceMin = node.operator
    (x,), output = tensors_of(graph, node)
    require(x.dtype is output.dtype, graph, node)
    choose = np.max if isinstance(operator, ReduceMax) else np.min
    return lambda inputs: [choose(inputs[0], axis=operator.axes).reshape(output.shape)]


def arg_extremum(graph: Graph, node: Node) -> Evaluator:
    """Of ArgMax and ArgMin."""
    operator: ArgMax | ArgMin = node.operator
    _, output = tensors_of(graph, node)
    require(output.dtype is DType.I32, graph, node)
    choose = np.argmax if isinstance(operator, ArgMax) else np.argmin
    return lambda inputs: [choose(inputs[0], axis=operator.axis).astype(np.int32).reshape(output.shape)]
