"""Constants that are not quantized to int8 like an operand: those of normalizations and powers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import InstanceNorm, LayerNorm, Pow, RmsNorm
from smidgen.graph.reference.base import optional
from smidgen.graph.reference.norm import accumulator_scale, reduced_axes

_GAMMA, _BETA = 1, 2
_LARGEST_GAMMA = (1 << 15) - 1
_LARGEST_BETA = 1 << 29  # with gamma's product, at most 2^30, it stays in 31 bits


def own_constants(graph: Graph, node: Node) -> dict[int, Tensor]:
    """The quantized constants of a float node by their position, if it has any of these."""
    if isinstance(node.operator, LayerNorm | RmsNorm | InstanceNorm):
        return _norm_constants(graph, node)
    if isinstance(node.operator, Pow):
        constants = {position: graph.tensor(name) for position, name in enumerate(node.inputs)}
        return {position: _exact(one) for position, one in constants.items() if _is_number(one)}
    return {}


def _norm_constants(graph: Graph, node: Node) -> dict[int, Tensor]:
    """gamma as int16, beta as int32 in the step that gamma's gives it.

    Where beta would not fit, gamma's step is wider than its values need.
    """
    gamma, beta = (_constant(graph, node, position) for position in (_GAMMA, _BETA))
    if gamma is None and beta is None:
        return {}
    shape = graph.tensor(node.inputs[0]).shape
    count = math.prod(shape[axis] for axis in reduced_axes(graph, node))
    if gamma is None:
        size = beta.shape
        gamma = Tensor(f"{node.id}_gamma", size, DType.F32, None, np.ones(size, np.float32))
    scale = _largest(gamma) / _LARGEST_GAMMA
    if beta is not None:
        scale = max(scale, _largest(beta) / _LARGEST_BETA / accumulator_scale(count, 1.0))
    quantized = {_GAMMA: _rounded(gamma, DType.I16, float(np.float32(scale)) or 1.0)}
    if beta is not None:
        step = accumulator_scale(count, quantized[_GAMMA].scale)
        quantized[_BETA] = _rounded(beta, DType.I32, step)
    return quantized


def _constant(graph: Graph, node: Node, position: int) -> Tensor | None:
    name = optional(node.inputs, position)
    tensor = None if name is None else graph.tensor(name)
    return tensor if tensor is not None and tensor.is_constant else None


def _largest(tensor: Tensor) -> float:
    return float(np.abs(tensor.data).max(initial=0.0))


def _rounded(tensor: Tensor, dtype: DType, scale: float) -> Tensor:
    limits = np.iinfo(dtype.numpy)
    integers = np.clip(np.rint(tensor.data.astype(np.float64) / scale), limits.min, limits.max)
    quantization = Quantization.per_tensor(scale, 0)
    return replace(tensor, dtype=dtype, quantization=quantization, data=integers.astype(dtype.numpy))


def _is_number(tensor: Tensor) -> bool:
    return tensor.is_constant and tensor.elements == 1 and tensor.dtype is DType.F32


def _exact(tensor: Tensor) -> Tensor:
    """One number as a scale of its own magnitude: an exponent must not be off by a little."""
    value = float(tensor.data.reshape(-1)[0])
    quantization = Quantization.per_tensor(abs(value) or 1.0, 0)
    data = np.sign(tensor.data).astype(np.int8)
    return replace(tensor, dtype=DType.I8, quantization=quantization, data=data)
