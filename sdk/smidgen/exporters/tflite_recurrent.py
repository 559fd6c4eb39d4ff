"""How TensorFlow Lite writes an LSTM that keeps its state between runs.

Its UNIDIRECTIONAL_SEQUENCE_LSTM has eight matrices of weights with one scale each, and h and c as variable
tensors that it changes in place. Other recurrent layers are custom operators (`tflite_forms.OWN`).
"""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np

from smidgen.graph import DType, Graph, Node, Quantization, State, Tensor
from smidgen.graph.operators import Gru, Lstm
from smidgen.graph.reference.recurrent import GATE_BITS

LSTM, LSTM_TABLE = "UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions"
_GATES = ("input", "forget", "cell", "output")


def refuse_state(graph: Graph, state: State) -> str | None:
    """Why the format cannot hold a state, or None when it can: only what one recurrent layer reads and writes
    is a variable tensor, and it starts from zero."""
    readers, writer = graph.consumers(state.tensor), graph.producer(state.next)
    if readers != [writer] or not isinstance(writer.operator, Lstm | Gru) or state.tensor in graph.outputs:
        return "is not that of one recurrent layer, which TensorFlow Lite's variable tensors alone can hold"
    if (state.tensor, state.next) not in _own_states(writer):
        return "becomes another state of its layer, which TensorFlow Lite cannot say"
    tensor = graph.tensor(state.tensor)
    zero = 0 if tensor.dtype is DType.F32 else tensor.zero_point
    return None if (state.initial == zero).all() else "does not start from zero"


def _own_states(node: Node) -> list[tuple[str | None, str]]:
    """What a layer reads as state, each with what it becomes."""
    count = len(node.outputs) - 1
    return list(zip(node.inputs[-count:], node.outputs[1:], strict=True))


def is_builtin_lstm(graph: Graph, node: Node) -> bool:
    """Whether TensorFlow Lite's operator means what the node does."""
    kept = {(state.tensor, state.next) for state in graph.states}
    unread = all(name not in graph.outputs and not graph.consumers(name) for name in node.outputs[1:])
    one_scale = all(
        np.ptp(scales) == 0
        for name in node.inputs[1:3]
        if (step := graph.tensor(name).quantization) is not None
        for scales in np.split(np.broadcast_to(step.scale, graph.tensor(name).shape[:1]), len(_GATES))
    )
    return kept >= set(_own_states(node)) and unread and one_scale


def builtin_lstm_names(node: Node) -> tuple[str, str, str, str]:
    """x, h, c, y."""
    return node.inputs[0], node.inputs[4], node.inputs[5], node.outputs[0]


def lstm_fields(node: Node) -> dict[str, Any]:
    """The options of the operator."""
    tanh = schema.ActivationFunctionType.TANH
    return {"fusedActivationFunction": tanh, "cellClip": node.operator.cell_clip}


def gate_constants(graph: Graph, node: Node) -> list[list[Tensor | None]]:
    """Weights, recurrent weights and biases, each by gate."""
    return [_by_gate(node, graph.tensor(name) if name else None) for name in node.inputs[1:4]]


def _by_gate(node: Node, constant: Tensor | None) -> list[Tensor | None]:
    if constant is None:
        return [None] * len(_GATES)
    gates = []
    for number, data in enumerate(np.split(constant.data, len(_GATES))):
        step = constant.quantization
        if step is not None:
            scales = np.split(np.broadcast_to(step.scale, constant.shape[:1]), len(_GATES))
            step = Quantization.per_tensor(float(scales[number][0]), 0)
        name = f"{constant.name}/{_GATES[number]}"
        gates.append(Tensor(name, data.shape, constant.dtype, step, data))
    return gates


def gate_tensors(graph: Graph, node: Node) -> list[Tensor]:
    """What LiteRT takes the quantization of gates and of h before a projection from."""
    y = graph.tensor(node.outputs[0])
    step = Quantization.per_tensor(2.0**-GATE_BITS, 0)
    gates = [Tensor(f"{node.id}/{gate}", (0,), DType.I16, step) for gate in _GATES]
    return [*gates, Tensor(f"{node.id}/hidden", (0,), DType.I8, y.quantization)]
