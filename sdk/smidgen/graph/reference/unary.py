"""Abs, Neg, Exp, Sqrt and other mathematical functions of one value; `table` makes evaluators of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from smidgen.graph import operators
from smidgen.graph.fixed_point import (
    integer_range,
    inverse_square_root_multipliers,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from smidgen.graph.operators import Operator
from smidgen.graph.reference.base import erf, tensors_of
from smidgen.graph.types import Graph, Node

_INT8_RANGE = integer_range(8)
_RSQRT_SHIFT = 20  # fraction bits of an inverse square root

# Each takes and gives float64.
FLOAT_FUNCTIONS: dict[type[Operator], Callable[..., np.ndarray]] = {
    operators.Abs: lambda operator, x: np.abs(x),
    operators.Neg: lambda operator, x: -x,
    operators.Sign: lambda operator, x: np.sign(x),
    operators.Exp: lambda operator, x: np.exp(x),
    operators.Log: lambda operator, x: np.log(x),
    operators.Sqrt: lambda operator, x: np.sqrt(x),
    operators.Rsqrt: lambda operator, x: 1 / np.sqrt(x),
    operators.Square: lambda operator, x: x * x,
    operators.Reciprocal: lambda operator, x: 1 / x,
    operators.Erf: lambda operator, x: erf(x),
    operators.Sin: lambda operator, x: np.sin(x),
    operators.Cos: lambda operator, x: np.cos(x),
    operators.Floor: lambda operator, x: np.floor(x),
    operators.Ceil: lambda operator, x: np.ceil(x),
    operators.Round: lambda operator, x: np.rint(x),
}


@dataclass(frozen=True)
class RescaleParameters:
    """Integers of an int8 Abs or Rsqrt: its value on the centred input is requantized."""

    input_zero_point: int
    output_zero_point: int
    multiplier: int
    shift: int


def abs_parameters(graph: Graph, node: Node) -> RescaleParameters:
    (x,), output = tensors_of(graph, node)
    # The quotient is one of floats in TensorFlow Lite Micro.
    multiplier, shift = quantize_multiplier(float(np.float32(x.scale) / np.float32(output.scale)))
    return RescaleParameters(x.zero_point, output.zero_point, multiplier, shift)


def rsqrt_parameters(graph: Graph, node: Node) -> RescaleParameters:
    (x,), output = tensors_of(graph, node)
    real = 1 / float(np.sqrt(np.float32(x.scale)) * np.float32(output.scale))
    return RescaleParameters(x.zero_point, output.zero_point, *quantize_multiplier(real))


def _abs_int8(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    p = abs_parameters(graph, node)
    scaled = multiply_by_quantized_multiplier(np.abs(x - p.input_zero_point), p.multiplier, p.shift)
    return np.clip(scaled + p.output_zero_point, *_INT8_RANGE)


def _rsqrt_int8(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    """Inputs of zero and below give the largest output."""
    p = rsqrt_parameters(graph, node)
    centred = x - p.input_zero_point
    multipliers, shifts = inverse_square_root_multipliers(np.maximum(centred, 1))
    roots = multiply_by_quantized_multiplier(1, multipliers, shifts + _RSQRT_SHIFT)
    scaled = multiply_by_quantized_multiplier(roots, p.multiplier, p.shift - _RSQRT_SHIFT)
    return np.where(centred > 0, np.clip(scaled + p.output_zero_point, *_INT8_RANGE), _INT8_RANGE[1])


INTEGER_FUNCTIONS = {operators.Abs: _abs_int8, operators.Rsqrt: _rsqrt_int8}
