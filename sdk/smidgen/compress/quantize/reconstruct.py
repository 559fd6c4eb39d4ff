"""Reconstruction: one layer after the other is made to give the float model's outputs back.

Each layer is learned on what the layers before it, already quantized, really give it, so it also makes up for
their errors; its bias takes what is left on average (bias correction).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from smidgen.compress.batches import Sample, Track, batch_size, evaluators, stacked, untracked
from smidgen.compress.layers import BIAS, CHANNEL_AXIS, WEIGHTS, bias_of, with_constants
from smidgen.compress.quantize.moments import Moments, empty_moments, rows_and_outputs
from smidgen.compress.quantize.rounding import Problem
from smidgen.compress.quantize.weights import bias_tensor, rows_of, usable_scale, weight_tensor
from smidgen.graph import Graph, Node
from smidgen.graph.fixed_point import activation_range_float
from smidgen.graph.operators import Activation
from smidgen.graph.reference.quantize import dequantize_array, quantize_array

_SEED = 1
Values = dict[str, np.ndarray]
Improve = Callable[[Graph, Graph, Node, Moments], Graph]


def correct_biases(
    teacher: Graph, student: Graph, samples: Sequence[Sample], track: Track = untracked
) -> Graph:
    """The integer graph with biases that give each channel's mean output back. Weights stay."""
    return walk(teacher, student, samples, _correct_bias, track)


def reconstruct(teacher: Graph, student: Graph, samples: Sequence[Sample], track: Track = untracked) -> Graph:
    """The integer graph with weights below 8 bits, their scales and all biases learned.

    teacher: the float graph; student: what `quantize` made of it; samples: float inputs to learn from.
    """
    return walk(teacher, student, samples, learn, track)


def _correct_bias(teacher: Graph, student: Graph, node: Node, moments: Moments) -> Graph:
    weights = student.tensor(node.inputs[WEIGHTS])
    assert weights.data is not None and weights.quantization is not None
    real = rows_of(node, weights.data) * weights.quantization.scale.astype(np.float64)[:, None]
    return _with_bias(student, node, moments, real)


def learn(teacher: Graph, student: Graph, node: Node, moments: Moments) -> Graph:
    """The student with the best weights and bias of one layer, given its inputs and outputs."""
    weights, bits = student.tensor(node.inputs[WEIGHTS]), student.tensor(node.inputs[WEIGHTS]).dtype.bits
    if bits == 8:
        return _correct_bias(teacher, student, node, moments)
    original = next(one for one in teacher.nodes if one.id == node.id)
    data = teacher.tensor(original.inputs[WEIGHTS]).data
    assert data is not None
    groups, inputs, outputs = moments.xz.shape
    rows = rows_of(node, data)
    x, y = student.tensor(node.inputs[0]), student.tensor(node.outputs[0])
    bias = bias_of(student, node)
    assert bias is not None and bias.data is not None and bias.quantization is not None
    floor = usable_scale(np.zeros(len(rows)) + 1e-30, bias.data * bias.quantization.scale, x.scale, y.scale)
    problem = Problem(*moments.covariances(), rows.reshape(groups, outputs, inputs),
                      floor.reshape(groups, outputs), bits)  # fmt: skip
    rounded = problem.solve()
    scale = rounded.scale.reshape(-1)
    constant = weight_tensor(node, weights, rounded.integers.reshape(rows.shape), scale, bits)
    student = with_constants(student, node, {WEIGHTS: constant})
    return _with_bias(student, node, moments, rounded.weights.reshape(rows.shape))


def _with_bias(student: Graph, node: Node, moments: Moments, real: np.ndarray) -> Graph:
    """The bias with which the mean output is the float model's; real: the weights' values, by channel."""
    groups, inputs, outputs = moments.xz.shape
    means = np.einsum("goi,gi->go", real.reshape(groups, outputs, inputs), moments.x_mean)
    values = (moments.z_mean - means).reshape(-1)
    weights, bias = student.tensor(node.inputs[WEIGHTS]), bias_of(student, node)
    assert weights.quantization is not None and bias is not None
    scale = student.tensor(node.inputs[0]).scale * weights.quantization.scale.astype(np.float64)
    return with_constants(student, node, {BIAS: bias_tensor(bias.name, values, scale)})


def walk(
    teacher: Graph,
    student: Graph,
    samples: Sequence[Sample],
    improve: Improve,
    track: Track = untracked,
    text: str = "reconstructing",
) -> Graph:
    """Run both graphs node by node over all samples; each layer of the student is improved before it runs."""
    originals = {node.id: node for node in teacher.nodes}
    size = min(batch_size(teacher), batch_size(student))
    batches = [stacked(samples[start : start + size]) for start in range(0, len(samples), size)]
    inputs = [dict(zip(teacher.inputs, batch, strict=True)) for batch in batches]
    floats = [batch | {state.tensor: state.initial for state in teacher.states} for batch in inputs]
    integers = [
        {name: quantize_array(array, student.tensor(name)) for name, array in batch.items()}
        | {state.tensor: state.initial for state in student.states}
        for batch in inputs
    ]
    sizes = {min(size, len(samples)), len(samples) % size or size}
    last_use = {name: index for index, node in enumerate(student.nodes) for name in node.inputs}
    rng = np.random.default_rng(_SEED)
    for index in track(range(len(student.nodes)), text):
        node, original = student.nodes[index], originals.get(student.nodes[index].id)
        if original is not None and type(node.operator) in CHANNEL_AXIS:
            _evaluate(teacher, _linear(original), floats, sizes)
            moments = _gather(student, node, floats, integers, rng)
            low, high = activation_range_float(original.operator.activation)
            for values in floats:
                np.clip(values[node.outputs[0]], low, high, out=values[node.outputs[0]])
            student = improve(teacher, student, node, moments)
            node = student.nodes[index]
        elif original is not None:
            _evaluate(teacher, original, floats, sizes)
        _evaluate(student, node, integers, sizes)
        for name in (name for name in node.inputs if last_use[name] == index):
            for values in (*floats, *integers):
                values.pop(name, None)
    return student


def _linear(node: Node) -> Node:
    """The layer without its activation."""
    return replace(node, operator=replace(node.operator, activation=Activation.NONE))


def _gather(
    student: Graph, node: Node, floats: list[Values], integers: list[Values], rng: np.random.Generator
) -> Moments:
    moments, x = empty_moments(student, node), student.tensor(node.inputs[0])
    for targets, values in zip(floats, integers, strict=True):
        real = dequantize_array(values[x.name], x)
        moments.add(*rows_and_outputs(student, node, real, targets[node.outputs[0]], rng))
    return moments


def _evaluate(graph: Graph, node: Node, batches: list[Values], sizes: set[int]) -> None:
    """Run one node on every batch and keep its outputs."""
    prepared = evaluators(graph, node, sizes)
    before: Values = {}
    for values in batches:
        for state in graph.states:  # of the sample before, if this node writes it
            if state.tensor in node.inputs and state.next in before:
                values[state.tensor] = before[state.next]
        before = values
        inputs = [_value(graph, name, values) for name in node.inputs]
        size = len(values[next(name for name in node.inputs if name in values)])
        values.update(zip(node.outputs, prepared[size](inputs), strict=True))


def _value(graph: Graph, name: str | None, values: Values) -> np.ndarray | None:
    if name is None:
        return None
    constant = graph.tensor(name).data
    return values[name] if constant is None else constant
