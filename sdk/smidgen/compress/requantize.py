"""Fewer bits for the weights of an int8 model, by rounding them to a coarser grid.

No data and no training: each channel's new scale is the one, among some candidates, whose weights have the
least squared error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from smidgen.compress.layers import BIAS, CHANNEL_AXIS, WEIGHTS, bias_of, weight_layers, with_constants
from smidgen.errors import ModelError, ProblemList, UsageError
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.fixed_point import INT32_MAX, INT32_MIN, integer_range

BITS = {8: DType.I8, 4: DType.I4, 2: DType.I2}

# Of the range that clips no weight. Below a quarter the clipped weights cost more than finer steps gain.
_CLIPS = np.linspace(0.25, 1.0, 16)


def requantize_weights(graph: Graph, bits: int | Mapping[str, int]) -> Graph:
    """The graph with weights of 8, 4 or 2 bits in the layers named, or in all that have weights.

    bits: one number, or node ids with a number each; layers not named stay as they are. Weights keep their
    granularity (one scale per channel, or one for all) and stay symmetric; biases stay int32, at the new
    scale. Weights that are multiples of a coarser step, and so fit the new bits without error, keep their
    real values. Raises UsageError for an unknown node and a number that there is not, ModelError for a layer
    whose weights are no constant integers or have fewer bits already.
    """
    layers = {node.id: node for node in weight_layers(graph)}
    wanted = dict(bits) if isinstance(bits, Mapping) else dict.fromkeys(layers, bits)
    _check_request(graph, wanted, layers)
    _check_weights(graph, wanted, layers)
    for name, number in wanted.items():
        weights = graph.tensor(layers[name].inputs[WEIGHTS])
        if weights.dtype is not BITS[number]:
            graph = _requantize(graph, layers[name], BITS[number])
    return graph


def _check_request(graph: Graph, wanted: Mapping[str, int], layers: Mapping[str, Node]) -> None:
    problems = ProblemList()
    for name, number in wanted.items():
        where = f"{graph.name}: bits of '{name}'"
        if name not in layers:
            known = ", ".join(f"'{layer}'" for layer in layers) or "no layer"
            problems.add(where, "no layer with weights has this name", f"the model has {known}")
        elif isinstance(number, bool) or number not in BITS:
            choices = ", ".join(map(str, BITS))
            problems.add(where, f"weights cannot have {number} bits", f"choose one of {choices}")
    problems.stop_if_any(UsageError)


def _check_weights(graph: Graph, wanted: Mapping[str, int], layers: Mapping[str, Node]) -> None:
    problems = ProblemList()
    for name, number in wanted.items():
        weights = graph.tensor(layers[name].inputs[WEIGHTS])
        where = f"{graph.name}: bits of '{name}' ({layers[name].operator.type_name})"
        if not weights.is_constant:
            problems.add(where, f"its weights '{weights.name}' are computed at run time")
        elif weights.dtype not in BITS.values():
            what = f"its weights '{weights.name}' are {weights.dtype.value}"
            problems.add(where, what, "quantize the model to int8 first")
        elif weights.dtype.bits < number:
            what = f"its weights '{weights.name}' have {weights.dtype.bits} bits already"
            problems.add(where, what, "start from the model that has more")
    problems.stop_if_any(ModelError)


def _requantize(graph: Graph, node: Node, dtype: DType) -> Graph:
    weights, bias = graph.tensor(node.inputs[WEIGHTS]), bias_of(graph, node)
    assert weights.data is not None and weights.quantization is not None
    axis = CHANNEL_AXIS[type(node.operator)]
    scale = weights.quantization.scale
    rows = np.moveaxis(weights.data, axis, 0).reshape(scale.size, -1).astype(np.float64)
    new_scale = (scale * _best_steps(rows, dtype)).astype(np.float32)
    # From the scales as they are stored, so that weights and bias agree.
    ratio = scale.astype(np.float64) / new_scale.astype(np.float64)
    moved = np.moveaxis(weights.data, axis, 0)
    data = np.moveaxis(_round(rows, 1 / ratio[:, None], dtype).reshape(moved.shape), 0, axis)
    constants: dict[int, Tensor] = {
        WEIGHTS: replace(
            weights,
            dtype=dtype,
            data=np.ascontiguousarray(data).astype(dtype.numpy),
            quantization=replace(weights.quantization, scale=new_scale),
        )
    }
    if bias is not None:
        constants[BIAS] = _rescaled(bias, ratio)
    return with_constants(graph, node, constants)


def _best_steps(rows: np.ndarray, dtype: DType) -> np.ndarray:
    """The new step of each row in units of the old one, among those that clip more or less of the row.

    Whole numbers are among them, so that weights that lie on a coarser grid stay on it.
    """
    low, high = integer_range(dtype.bits)
    unclipped = np.maximum(rows.max(axis=1) / high, rows.min(axis=1) / low)
    unclipped = np.where(unclipped > 0, unclipped, 1.0)
    best, least = unclipped.copy(), np.full(len(rows), np.inf)
    whole = np.arange(1, np.ceil(unclipped.max()) + 1)
    for steps in (*(unclipped * clip for clip in _CLIPS), *(np.full(len(rows), n) for n in whole)):
        error = np.square(_round(rows, steps[:, None], dtype) * steps[:, None] - rows).sum(axis=1)
        best, least = np.where(error < least, steps, best), np.minimum(error, least)
    return best


def _round(rows: np.ndarray, steps: np.ndarray, dtype: DType) -> np.ndarray:
    return np.clip(np.rint(rows / steps), *integer_range(dtype.bits))


def _rescaled(bias: Tensor, ratio: np.ndarray) -> Tensor:
    """The bias at the new scales; ratio: old scale / new scale, of each channel or of all."""
    assert bias.data is not None
    data = np.clip(np.rint(bias.data.reshape(-1) * ratio), INT32_MIN, INT32_MAX).astype(np.int32)
    quantization = bias.quantization
    if quantization is not None:
        scale = (quantization.scale / ratio).astype(np.float32)
        axis = 0 if scale.size > 1 else quantization.axis
        zero_point = np.broadcast_to(quantization.zero_point, scale.shape).astype(np.int32)
        quantization = replace(quantization, scale=scale, zero_point=zero_point, axis=axis)
    return replace(bias, data=data.reshape(bias.shape), quantization=quantization)
