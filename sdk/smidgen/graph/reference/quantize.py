"""Quantize (also from one quantization to another) and Dequantize."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.graph.fixed_point import (
    integer_range,
    quantize_multiplier,
    requantize,
    round_half_away,
    wrap_int32,
)
from smidgen.graph.reference.base import Evaluator, require, tensors_of
from smidgen.graph.types import DType, Graph, Node, Tensor

_INTEGERS = (DType.I8, DType.I16, DType.I32)


@dataclass(frozen=True)
class RequantizeParameters:
    """Integers of a Quantize whose input is quantized too."""

    input_zero_point: int
    output_zero_point: int
    multiplier: int
    shift: int
    clamp_min: int
    clamp_max: int


def requantize_parameters(graph: Graph, node: Node) -> RequantizeParameters:
    (x,), output = tensors_of(graph, node)
    multiplier, shift = quantize_multiplier(x.scale / output.scale)
    clamp = integer_range(output.dtype.bits)
    return RequantizeParameters(x.zero_point, output.zero_point, multiplier, shift, *clamp)


def quantize(graph: Graph, node: Node) -> Evaluator:
    (x,), output = tensors_of(graph, node)
    require(output.dtype in _INTEGERS and x.dtype in (DType.F32, *_INTEGERS), graph, node)
    if x.dtype is DType.F32:
        return lambda inputs: [quantize_array(inputs[0], output)]
    p = requantize_parameters(graph, node)

    def run(inputs):
        centred = wrap_int32(inputs[0].astype(np.int64) - p.input_zero_point)
        clamp = (p.clamp_min, p.clamp_max)
        result = requantize(centred, p.multiplier, p.shift, p.output_zero_point, clamp)
        return [result.astype(output.dtype.numpy)]

    return run


def dequantize(graph: Graph, node: Node) -> Evaluator:
    (x,), output = tensors_of(graph, node)
    require(x.dtype in _INTEGERS and output.dtype is DType.F32, graph, node)
    return lambda inputs: [dequantize_array(inputs[0], x)]


def quantize_array(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Real values in the per-tensor quantization of `tensor`: divided by the scale in float32, rounded to
    nearest with ties away from zero, saturated. Not a number becomes the zero point. Numbers that stand for
    themselves (indices, conditions) have no quantization and stay."""
    if tensor.quantization is None:
        return values
    low, high = integer_range(tensor.dtype.bits)
    quotients = round_half_away(np.asarray(values, np.float32) / np.float32(tensor.scale))
    integers = np.nan_to_num(quotients.astype(np.float64), nan=0.0) + tensor.zero_point
    return np.clip(integers, low, high).astype(tensor.dtype.numpy)


def dequantize_array(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    """The float32 values that integers stand for in the per-tensor quantization of `tensor`; without one they
    stay what they are."""
    if tensor.quantization is None:
        return values
    centred = np.asarray(values).astype(np.int64) - tensor.zero_point
    return (tensor.scale * centred).astype(np.float32)
