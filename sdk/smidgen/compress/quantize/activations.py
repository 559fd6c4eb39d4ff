"""Which quantization every activation gets, under the restrictions of the TFLite 8-bit specification.

Operators that only move or choose values do not rescale, so their inputs and outputs share one quantization;
some write a fixed one (`graph.scales`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smidgen.compress.quantize.masks import MARGIN, maskable, unmasked
from smidgen.compress.quantize.ranges import choose_range, int8_quantization
from smidgen.compress.quantize.recurrent import RECURRENT, cell_names, cell_quantization, hidden_names
from smidgen.compress.quantize.statistics import Histogram
from smidgen.graph import DType, Graph, Node, Quantization
from smidgen.graph.operators import Add, Relu, Relu6
from smidgen.graph.scales import FIXED_OUTPUT, SAME_SCALE


@dataclass(frozen=True)
class Activations:
    """quantizations: of every float tensor that operators compute or share a scale with, by name;
    cells: those of them that become int16, the c of LSTMs;
    rescaled: outputs of operators with a fixed quantization that must become their group's by a Quantize."""

    quantizations: Mapping[str, Quantization]
    rescaled: frozenset[str]
    cells: frozenset[str]


def choose_activations(graph: Graph, histograms: Mapping[str, Histogram], method: str) -> Activations:
    """One quantization for each group of tensors that must share it, from what was seen of all of them."""
    quantizations: dict[str, Quantization] = {}
    rescaled: set[str] = set()
    cells: set[str] = set()
    histograms = {**histograms, **_constants(graph)}
    for group in scale_groups(graph):
        cell = cell_quantization(graph, histograms, group)
        if cell is not None:
            cells |= set(group)
            quantizations |= dict.fromkeys(group, cell)
            continue
        fixed = {name: _fixed(graph, name) for name in group}
        sources = [name for name in group if _is_source(graph, name)]
        shared = {fixed[name] for name in sources}
        if len(shared) == 1 and None not in shared:
            (only,) = shared
            quantization = Quantization.per_tensor(*only)
        else:
            seen = [_histogram(graph, histograms, name) for name in group if _counts(graph, name)]
            low, high = choose_range(seen, method)
            low -= max(_margin(graph, histograms, name) for name in group)
            quantization = int8_quantization((low, high))
            rescaled |= {name for name in sources if fixed[name] is not None}
        quantizations |= dict.fromkeys(group, quantization)
    for name in histograms.keys() - quantizations.keys():
        if histograms[name].masked:  # a constant that is added to scores
            low, high = choose_range([histograms[name]], "minmax")
            quantizations[name] = int8_quantization((low - _margin(graph, histograms, name), high))
    return Activations(quantizations, frozenset(rescaled), frozenset(cells))


def scale_groups(graph: Graph) -> list[list[str]]:
    """Float tensors that must share a quantization, together; constants only where they must share one."""
    parent: dict[str, str] = {
        name: name
        for name, tensor in graph.tensors.items()
        if tensor.dtype is DType.F32 and not tensor.is_constant
    }

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    def unite(names: list[str]) -> None:
        for name in names:
            parent.setdefault(name, name)
        for name in names[1:]:
            parent[root(name)] = root(names[0])

    for node in graph.nodes:
        if isinstance(node.operator, SAME_SCALE):
            unite(_floats(graph, node))
        if isinstance(node.operator, RECURRENT):
            unite(hidden_names(graph, node))
            unite(cell_names(graph, node))
    for state in graph.states:
        unite([state.tensor, state.next])
    groups: dict[str, list[str]] = {}
    for name in parent:
        groups.setdefault(root(name), []).append(name)
    return list(groups.values())


def _floats(graph: Graph, node: Node) -> list[str]:
    names = [name for name in (*node.inputs, *node.outputs) if name is not None]
    return [name for name in names if graph.tensor(name).dtype is DType.F32]


def _is_source(graph: Graph, name: str) -> bool:
    """Whether the tensor's values come from outside of its group."""
    node = graph.producer(name)
    return node is None or not isinstance(node.operator, SAME_SCALE)


def _fixed(graph: Graph, name: str) -> tuple[float, int] | None:
    node = graph.producer(name)
    return None if node is None else FIXED_OUTPUT.get(type(node.operator))


def _counts(graph: Graph, name: str) -> bool:
    """Whether the tensor's range matters: what only a Relu6 reads may saturate where the Relu6 clamps."""
    consumers = graph.consumers(name)
    clamped = bool(consumers) and all(isinstance(node.operator, Relu6) for node in consumers)
    return not clamped or name in graph.outputs


def _histogram(graph: Graph, histograms: Mapping[str, Histogram], name: str) -> Histogram:
    """What was seen of a tensor: of one that only a Relu reads none below 0."""
    consumers = graph.consumers(name)
    if consumers and all(isinstance(node.operator, Relu) for node in consumers) and name not in graph.outputs:
        return histograms[name].without_negatives()
    return histograms[name]


def _constants(graph: Graph) -> dict[str, Histogram]:
    """The histogram of every float constant."""
    masks, histograms = maskable(graph), {}
    for name, tensor in graph.tensors.items():
        if tensor.data is not None and tensor.dtype is DType.F32:
            counted = unmasked(tensor.data) if name in masks else tensor.data
            histograms[name] = Histogram()
            histograms[name].add(counted)
            histograms[name].masked = tensor.elements - counted.size
    return histograms


def _margin(graph: Graph, histograms: Mapping[str, Histogram], name: str) -> float:
    """How far below its counted values the range of a tensor must reach for its masks: where it is added to
    scores, far enough to push the largest below the least."""
    if not histograms[name].masked:
        return 0.0
    sums = [histograms[node.outputs[0]] for node in graph.consumers(name) if isinstance(node.operator, Add)]
    return MARGIN + max([0.0, *(one.maximum - one.minimum for one in sums if one.total)])
