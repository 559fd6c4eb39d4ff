"""The pass from a float graph to an integer one: rounding to nearest, nothing learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from smidgen.compress.layers import CHANNEL_AXIS, WEIGHTS, bias_of, weight_layers
from smidgen.compress.quantize.activations import Activations, choose_activations
from smidgen.compress.quantize.ranges import METHODS, choose_range, int8_quantization
from smidgen.compress.quantize.recurrent import RECURRENT, recurrent_layer
from smidgen.compress.quantize.statistics import Histogram
from smidgen.compress.quantize.weights import (
    bias_tensor,
    round_to,
    rows_of,
    search_scale,
    usable_scale,
    weight_tensor,
)
from smidgen.compress.requantize import BITS
from smidgen.errors import ModelError, Problem, ProblemList, UsageError
from smidgen.graph import DType, Graph, Node, Quantization, Tensor
from smidgen.graph.operators import Cast, Dequantize, Pad, Quantize
from smidgen.graph.own_constants import own_constants
from smidgen.graph.reference import FAMILIES
from smidgen.graph.reference.quantize import quantize_array
from smidgen.graph.scales import FIXED_OUTPUT


@dataclass(frozen=True)
class Plan:
    """What is decided before anything is rounded: each activation's quantization, each layer's bits."""

    activations: Activations
    bits: Mapping[str, int]


def quantize(
    graph: Graph,
    histograms: Mapping[str, Histogram],
    bits: int | Mapping[str, int] = 8,
    method: str = "minmax",
) -> Graph:
    """The integer graph: int8 activations, weights of the given bits per channel, int32 biases.

    histograms: what `statistics.gather` gave for this graph; bits: one number for all layers that have
    weights, or layers' ids with a number each (8 for the others); method: one of `ranges.METHODS`. Nodes and
    tensors keep their names; inputs and outputs become int8.
    Raises UsageError for an unknown layer, number or method, ModelError when the graph is not float
    throughout or an operator has no integer meaning.
    """
    check_float(graph)
    if method not in METHODS:
        what = f"there is no method '{method}' to choose ranges"
        raise UsageError(Problem(graph.name, what, f"choose one of {', '.join(METHODS)}"))
    plan = Plan(choose_activations(graph, histograms, method), _bits_of(graph, bits))
    cells = plan.activations.cells
    tensors = {
        name: replace(
            tensor,
            dtype=DType.I16 if name in cells else DType.I8,
            quantization=plan.activations.quantizations[name],
        )
        if name in plan.activations.quantizations and not tensor.is_constant
        else tensor
        for name, tensor in graph.tensors.items()
    }
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes += _quantized(graph, node, plan, tensors)
    used = {name for node in nodes for name in (*node.inputs, *node.outputs)} | set(graph.inputs)
    kept = {name: tensor for name, tensor in tensors.items() if name in used}
    states = tuple(
        replace(state, initial=quantize_array(state.initial, tensors[state.tensor])) for state in graph.states
    )
    result = Graph(graph.name, kept, tuple(nodes), graph.inputs, graph.outputs, states)
    _check_meaning(result)
    return result


def check_float(graph: Graph) -> None:
    """Raise ModelError unless the model is float throughout."""
    problems = ProblemList()
    for node in graph.nodes:
        types = [graph.tensor(name).dtype for name in (*node.inputs, *node.outputs) if name]
        floats = [dtype is DType.F32 for dtype in types]
        if isinstance(node.operator, Quantize | Dequantize) or not (any(floats) or DType.BOOL in types):
            where = f"{graph.name}: {node.operator.type_name} '{node.id}'"
            what = "it works on integers already" if not all(floats) else "the model is partly quantized"
            problems.add(where, what, "give the float model from before quantization")
    if len(problems.problems) > 1:
        whole = f"it is quantized already: {len(problems.problems)} operators work on integers"
        raise ModelError(Problem(graph.name, whole, "give the float model from before quantization"))
    problems.stop_if_any(ModelError)


def _bits_of(graph: Graph, bits: int | Mapping[str, int]) -> dict[str, int]:
    layers = [node.id for node in weight_layers(graph)]
    wanted = dict(bits) if isinstance(bits, Mapping) else dict.fromkeys(layers, bits)
    problems = ProblemList()
    for name, number in wanted.items():
        where = f"{graph.name}: bits of '{name}'"
        if name not in layers:
            problems.add(where, "no layer with weights has this name", f"the model has {', '.join(layers)}")
        elif number not in BITS:
            problems.add(
                where, f"weights cannot have {number} bits", f"choose one of {', '.join(map(str, BITS))}"
            )
    problems.stop_if_any(UsageError)
    return {name: wanted.get(name, 8) for name in layers}


def _quantized(graph: Graph, node: Node, plan: Plan, tensors: dict[str, Tensor]) -> list[Node]:
    """The node on integers, its constants put into `tensors`; with a Quantize behind it where needed."""
    if type(node.operator) in CHANNEL_AXIS:
        return [_layer(graph, node, plan.bits[node.id], tensors)]
    if isinstance(node.operator, RECURRENT):
        x = _constant(graph, node, node.inputs[0], plan, tensors)
        return [recurrent_layer(graph, node, x, tensors)]
    operator = node.operator
    if isinstance(operator, Pad) and operator.value is not None:
        y = tensors[node.outputs[0]]
        operator = replace(operator, value=int(quantize_array(np.array(operator.value), y)))
    own = {
        position: replace(tensor, name=_own_name(graph, tensor.name, node))
        for position, tensor in own_constants(graph, node).items()
    }
    tensors |= {tensor.name: tensor for tensor in own.values()}
    inputs = tuple(
        own[position].name if position in own else _constant(graph, node, name, plan, tensors)
        for position, name in enumerate(node.inputs)
    )
    if node.outputs[0] not in plan.activations.rescaled:
        return [replace(node, operator=operator, inputs=inputs)]
    y = tensors[node.outputs[0]]
    fixed = Quantization.per_tensor(*FIXED_OUTPUT[type(operator)])
    before = replace(y, name=f"{y.name}_fixed", quantization=fixed)
    tensors[before.name] = before
    return [
        replace(node, operator=operator, inputs=inputs, outputs=(before.name,)),
        Node(f"{node.id}_rescaled", Quantize(), (before.name,), node.outputs),
    ]


def _constant(
    graph: Graph, node: Node, name: str | None, plan: Plan, tensors: dict[str, Tensor]
) -> str | None:
    """The name of an input; a float constant becomes int8 under a name of its own for this node."""
    if name is None or not graph.tensor(name).is_constant or graph.tensor(name).dtype is not DType.F32:
        return name
    constant = graph.tensor(name)
    quantization = plan.activations.quantizations.get(name)
    if quantization is None:
        histogram = Histogram()
        assert constant.data is not None
        histogram.add(constant.data)
        quantization = int8_quantization(choose_range([histogram], "minmax"))
    shared = len(graph.consumers(name)) > 1
    quantized = replace(
        constant,
        name=f"{name} of {node.id}" if shared else name,
        dtype=DType.I8,
        quantization=quantization,
        data=None,
    )
    tensors[quantized.name] = replace(quantized, data=quantize_array(constant.data, quantized))
    return quantized.name


def _layer(graph: Graph, node: Node, bits: int, tensors: dict[str, Tensor]) -> Node:
    """A layer with weights; it gets a bias where it had none, because learning corrects it."""
    weights, bias = graph.tensor(node.inputs[WEIGHTS]), bias_of(graph, node)
    if weights.data is None or (bias is not None and bias.data is None):
        where = f"{graph.name}: {node.operator.type_name} '{node.id}'"
        fix = "only constant weights and biases can be quantized"
        raise ModelError(Problem(where, "its weights or bias are computed at run time", fix))
    rows = rows_of(node, weights.data)
    values = np.zeros(len(rows)) if bias is None else bias.data.reshape(-1).astype(np.float64)
    x, y = tensors[node.inputs[0]], tensors[node.outputs[0]]
    scale = usable_scale(search_scale(rows, bits), values, x.scale, y.scale)
    names = [_own_name(graph, weights.name, node), f"{node.id}_bias" if bias is None else bias.name]
    names[1] = names[1] if bias is None else _own_name(graph, bias.name, node)
    integers = round_to(rows, scale, bits)
    tensors[names[0]] = replace(weight_tensor(node, weights, integers, scale, bits), name=names[0])
    tensors[names[1]] = bias_tensor(names[1], values, x.scale * scale)
    return replace(node, inputs=(node.inputs[0], *names))


def _own_name(graph: Graph, name: str, node: Node) -> str:
    return f"{name} of {node.id}" if len(graph.consumers(name)) > 1 else name


def _check_meaning(graph: Graph) -> None:
    """Raise ModelError naming every operator that only floats support."""
    problems: list[Problem] = []
    for node in graph.nodes:
        try:
            FAMILIES[type(node.operator)](graph, node)
        except ModelError as error:
            fix = "only float supports it: replace it in the model"
            problems += [Problem(f"{graph.name}: {one.where}", one.what, fix) for one in error.problems]
        x = graph.tensor(node.inputs[0])
        if isinstance(node.operator, Cast) and x.dtype is DType.I8:
            what = (
                f"it makes {graph.tensor(node.outputs[0]).dtype.value} of floats, which int8 only stands for"
            )
            fix = "compare instead, or do it outside of the model"
            problems.append(Problem(f"{graph.name}: {node.operator.type_name} '{node.id}'", what, fix))
    if problems:
        raise ModelError(problems)
