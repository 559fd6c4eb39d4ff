"""LSTM and GRU: int8 x and h, int8 weights, int32 biases, and an int16 c whose scale is a power of two."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from smidgen.compress.quantize.statistics import Histogram
from smidgen.compress.quantize.weights import bias_tensor, round_to, search_scale, usable_scale
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import Gru, Lstm
from smidgen.graph.reference.quantize import quantize_array
from smidgen.graph.reference.recurrent import GATE_BITS

RECURRENT = (Lstm, Gru)
_GATES = {Lstm: 4, Gru: 3}
_CELL_BITS = 15  # of magnitude
# Statistics see c after the last step alone; between the steps it may be this much larger.
_CELL_MARGIN = 4.0


def hidden_names(graph: Graph, node: Node) -> list[str]:
    """All that is h of a recurrent layer, which one quantization serves."""
    h = node.inputs[4 if isinstance(node.operator, Lstm) else 5]
    return [name for name in (h, *node.outputs[:2]) if not graph.tensor(name).is_constant]


def cell_names(graph: Graph, node: Node) -> list[str]:
    """All that is c of a recurrent layer: int16."""
    names = (node.inputs[5], node.outputs[2]) if isinstance(node.operator, Lstm) else ()
    return [name for name in names if not graph.tensor(name).is_constant]


def cell_quantization(
    graph: Graph, histograms: Mapping[str, Histogram], group: list[str]
) -> Quantization | None:
    """That of a group of tensors if one of them is a c, else None."""
    layers = [node for name in group if (node := graph.producer(name)) and name in cell_names(graph, node)]
    if not layers:
        return None
    largest = 0.0
    for node in layers:
        seen = histograms[node.outputs[2]]
        reach = _CELL_MARGIN * max(abs(seen.minimum), abs(seen.maximum)) if seen.total else 0.0
        largest = max(largest, min(reach, node.operator.cell_clip or math.inf))
    exponent = math.ceil(math.log2(largest)) if largest > 0 else 0
    return Quantization.per_tensor(2.0 ** (min(max(exponent, 0), _CELL_BITS) - _CELL_BITS), 0)


def recurrent_layer(graph: Graph, node: Node, x_name: str, tensors: dict[str, Tensor]) -> Node:
    """The layer on integers, its constants put into `tensors`, which hold what it reads and writes.

    An Lstm has one scale per gate, as TensorFlow Lite does, a Gru one per row.
    """
    is_lstm = isinstance(node.operator, Lstm)
    _, weights, recurrent, bias, *more = node.inputs
    h = tensors[node.outputs[0]]
    products = [(weights, bias, tensors[x_name]), (recurrent, None if is_lstm else more[0], h)]
    inputs: list[str | None] = [x_name]
    biases: list[str | None] = []
    for name, bias_name, x in products:
        data = graph.tensor(name).data.astype(np.float64)
        values = np.zeros(len(data)) if bias_name is None else graph.tensor(bias_name).data.astype(np.float64)
        scale = _scales(node, data, values, x.scale)
        integers = round_to(data, scale, 8).astype(np.int8)
        step = Quantization(scale.astype(np.float32), np.zeros(len(scale), np.int32), 0)
        own = Tensor(_own(graph, name, node), data.shape, DType.I8, step, integers)
        tensors[own.name] = own
        inputs.append(own.name)
        biases.append(None if bias_name is None else _own(graph, bias_name, node))
        if bias_name is not None:
            tensors[biases[-1]] = bias_tensor(biases[-1], values, x.scale * scale)
    states = (
        [(more[-2], node.outputs[1]), (more[-1], node.outputs[2])]
        if is_lstm
        else [(more[1], node.outputs[1])]
    )
    initial = [_initial(graph, node, name, tensors[becomes], tensors) for name, becomes in states]
    return replace(node, inputs=(*inputs, *(biases[:1] if is_lstm else biases), *initial))


def _scales(node: Node, rows: np.ndarray, bias: np.ndarray, x_scale: float) -> np.ndarray:
    scale = search_scale(rows, 8)
    if isinstance(node.operator, Lstm):
        gates = np.split(scale, _GATES[Lstm])
        scale = np.concatenate([np.full(len(gate), gate.max()) for gate in gates])
        reach = np.concatenate(
            [np.full(len(gate), np.abs(gate).max()) for gate in np.split(bias, _GATES[Lstm])]
        )
        return usable_scale(scale, reach, x_scale, 2.0**-GATE_BITS)
    return usable_scale(scale, bias, x_scale, 2.0**-GATE_BITS)


def _initial(graph: Graph, node: Node, name: str, like: Tensor, tensors: dict[str, Tensor]) -> str:
    """The name of an h or c that is read first; a constant one gets the quantization of what it becomes."""
    constant = graph.tensor(name)
    if not constant.is_constant:
        return name
    role = "c" if like.dtype is DType.I16 else "h"
    own = replace(like, name=f"{name} as {role} of {node.id}", shape=constant.shape)
    tensors[own.name] = replace(own, data=quantize_array(constant.data, own))
    return own.name


def _own(graph: Graph, name: str, node: Node) -> str:
    return f"{name} of {node.id}" if len(graph.consumers(name)) > 1 else name
