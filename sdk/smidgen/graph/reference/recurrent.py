"""Lstm and Gru."""

from __future__ import annotations

import numpy as np

from smidgen.graph.operators import Gru, Lstm
from smidgen.graph.reference.base import Evaluator, require
from smidgen.graph.types import DType, Graph, Node


def _logistic(x: np.ndarray) -> np.ndarray:
    """Half of 1 + tanh(x / 2), which unlike 1 / (1 + exp(-x)) overflows nowhere."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _all_float(graph: Graph, node: Node) -> bool:
    tensors = [*graph.input_tensors(node), *graph.output_tensors(node)]
    return all(tensor is None or tensor.dtype is DType.F32 for tensor in tensors)


def _wide(inputs: list[np.ndarray | None]) -> list[np.ndarray | float]:
    """In float64; 0 where there is none."""
    return [0.0 if array is None else array.astype(np.float64) for array in inputs]


def lstm(graph: Graph, node: Node) -> Evaluator:
    operator: Lstm = node.operator
    require(_all_float(graph, node), graph, node)

    def run(inputs):
        x, weights, recurrent, bias, h, c = _wide(inputs)
        steps = []
        for products in np.moveaxis(x @ weights.T + bias, 1, 0):
            i, f, g, o = np.split(products + h @ recurrent.T, 4, axis=-1)
            c = _logistic(f) * c + _logistic(i) * np.tanh(g)
            if operator.cell_clip:
                c = np.clip(c, -operator.cell_clip, operator.cell_clip)
            h = _logistic(o) * np.tanh(c)
            steps.append(h)
        return [array.astype(np.float32) for array in (np.stack(steps, axis=1), h, c)]

    return run


def gru(graph: Graph, node: Node) -> Evaluator:
    operator: Gru = node.operator
    require(_all_float(graph, node), graph, node)

    def run(inputs):
        x, weights, recurrent, bias, recurrent_bias, h = _wide(inputs)
        recurrent_bias = np.broadcast_to(recurrent_bias, weights.shape[:1])
        units = h.shape[-1]
        steps = []
        for products in np.moveaxis(x @ weights.T + bias, 1, 0):
            gates = products[:, : 2 * units] + h @ recurrent[: 2 * units].T + recurrent_bias[: 2 * units]
            z, r = np.split(_logistic(gates), 2, axis=-1)
            last, offset = recurrent[2 * units :].T, recurrent_bias[2 * units :]
            new = r * (h @ last + offset) if operator.reset_after else (r * h) @ last + offset
            h = (1 - z) * np.tanh(products[:, 2 * units :] + new) + z * h
            steps.append(h)
        return [array.astype(np.float32) for array in (np.stack(steps, axis=1), h)]

    return run
