"""Compare, Logical, LogicalNot, Select, Cast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier
from smidgen.graph.operators import Comparison, Connective
from smidgen.graph.reference.base import Evaluator, require, tensors_of
from smidgen.graph.types import DType, Graph, Node

COMPARE_LEFT_SHIFT = 8
_COMPARISONS = {
    Comparison.EQUAL: np.equal,
    Comparison.NOT_EQUAL: np.not_equal,
    Comparison.LESS: np.less,
    Comparison.LESS_EQUAL: np.less_equal,
    Comparison.GREATER: np.greater,
    Comparison.GREATER_EQUAL: np.greater_equal,
}
_CONNECTIVES = {
    Connective.AND: np.logical_and,
    Connective.OR: np.logical_or,
    Connective.XOR: np.logical_xor,
}


@dataclass(frozen=True)
class CompareParameters:
    """Integers of an int8 Compare: the inputs, less their zero points, in units of 2**-COMPARE_LEFT_SHIFT."""

    input1_zero_point: int
    input1_multiplier: int
    input1_shift: int
    input2_zero_point: int
    input2_multiplier: int
    input2_shift: int


def compare_parameters(graph: Graph, node: Node) -> CompareParameters:
    (a, b), _ = tensors_of(graph, node)
    return CompareParameters(
        a.zero_point, *quantize_multiplier(a.scale), b.zero_point, *quantize_multiplier(b.scale)
    )


def compare(graph: Graph, node: Node) -> Evaluator:
    (a, b), output = tensors_of(graph, node)
    require(a.dtype is b.dtype and output.dtype is DType.BOOL, graph, node)
    require(a.dtype in (DType.F32, DType.I32, DType.BOOL, DType.I8), graph, node)
    function = _COMPARISONS[node.operator.kind]
    if a.dtype is not DType.I8:
        return lambda inputs: [function(inputs[0], inputs[1])]
    p = compare_parameters(graph, node)

    def scaled(x: np.ndarray, zero_point: int, multiplier: int, shift: int) -> np.ndarray:
        shifted = (x.astype(np.int64) - zero_point) << COMPARE_LEFT_SHIFT
        return multiply_by_quantized_multiplier(shifted, multiplier, shift)

    def run_int8(inputs):
        one = scaled(inputs[0], p.input1_zero_point, p.input1_multiplier, p.input1_shift)
        other = scaled(inputs[1], p.input2_zero_point, p.input2_multiplier, p.input2_shift)
        return [function(one, other)]

    return run_int8


def logical(graph: Graph, node: Node) -> Evaluator:
    (a, b), output = tensors_of(graph, node)
    require(a.dtype is b.dtype is output.dtype is DType.BOOL, graph, node)
    function = _CONNECTIVES[node.operator.kind]
    return lambda inputs: [function(inputs[0], inputs[1])]


def logical_not(graph: Graph, node: Node) -> Evaluator:
    (x,), output = tensors_of(graph, node)
    require(x.dtype is output.dtype is DType.BOOL, graph, node)
    return lambda inputs: [np.logical_not(inputs[0])]


def select(graph: Graph, node: Node) -> Evaluator:
    """Chooses among the stored values: a, b and the output share one quantization."""
    (condition, a, b), output = tensors_of(graph, node)
    require(condition.dtype is DType.BOOL and a.dtype is b.dtype is output.dtype, graph, node)
    return lambda inputs: [np.where(inputs[0], inputs[1], inputs[2])]


def cast(graph: Graph, node: Node) -> Evaluator:
    (x,), output = tensors_of(graph, node)
    narrow = (DType.I4, DType.I2)
    require(x.dtype not in narrow and output.dtype not in narrow, graph, node)
    if x.dtype is DType.F32 and output.dtype.is_integer:
        limits = np.iinfo(output.dtype.numpy)
        return lambda inputs: [_truncated(inputs[0], limits.min, limits.max).astype(output.dtype.numpy)]
    return lambda inputs: [inputs[0].astype(output.dtype.numpy)]


def _truncated(x: np.ndarray, low: int, high: int) -> np.ndarray:
    return np.clip(np.trunc(np.nan_to_num(x.astype(np.float64), nan=0.0)), low, high)
