"""A kernel for every node of a lowered graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from smidgen.compile.kernels import PREDICTED, willing
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.errors import ModelError, ProblemList
from smidgen.graph import DType, Graph, Node, Tensor

Selection = list[tuple[Node, KernelSpec, Lowered]]
Choice = tuple[KernelSpec, Lowered]

_FLOAT_NODES_SHOWN = 3


class Selector:
    """Chooses among kernels, and remembers what there is to choose from for nodes that are alike.

    specs: of the target, in order of preference; optimize: "speed" or "size".
    """

    def __init__(self, specs: Sequence[KernelSpec], optimize: str = "speed") -> None:
        self.specs, self.optimize = specs, optimize
        self._known: dict[Any, tuple[Graph, Node, list[Choice]]] = {}  # graphs, so that no id is used again

    def on(self, kernel_set: str, graph: Graph, node: Node) -> Choice | None:
        """How a node that was selected would run with a kernel set, None where it cannot."""
        like, alike, choices = self._known[_likeness(graph, node)]
        of_set = [choice for choice in choices if choice[0].kernel_set == kernel_set]
        return _renamed(alike, _best(like, alike, of_set, None), node) if of_set else None

    def select(
        self, graph: Graph, without: Collection[str] = (), room: Mapping[str, int] | None = None
    ) -> Selection:
        """A kernel for each node but those whose ids are in `without`, and how the node runs on it.

        It is the cheapest of the kernel set that comes first among those that take the node and of other sets
        whose cycles are predicted as well, or the first of the set where the cost is not known. room: bytes
        that the node of this id may need, if memory matters; the kernel that needs the least is taken where
        all of them need more, or where there is no entry.

        Raises ModelError naming every node that no kernel takes, with each kernel's reason. Nodes that
        compute in float are one problem together: the model was not quantized.
        """
        problems = ProblemList()
        in_float: list[Node] = []
        chosen: Selection = []
        for node in graph.nodes:
            if node.id in without:
                continue
            key = _likeness(graph, node)
            if key not in self._known:
                able, reasons = willing(graph, node, self.specs)
                if able:
                    choices = [(spec, spec.lower(graph, node, self.optimize)) for spec in _comparable(able)]
                    self._known[key] = graph, node, choices
                elif all(tensor.dtype is DType.F32 for tensor in graph.output_tensors(node)):
                    in_float.append(node)
                else:
                    where = f"{graph.name}: operator '{node.id}' ({node.operator.type_name})"
                    listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
                    problems.add(where, listed or "no kernel of this target computes this operator")
            if key in self._known:
                like, alike, choices = self._known[key]
                choice = _best(like, alike, choices, None if room is None else room.get(node.id, 0))
                chosen.append((node, *_renamed(alike, choice, node)))
        if in_float:
            _add_float(problems, graph, in_float)
        problems.stop_if_any(ModelError)
        return chosen


def _comparable(able: Sequence[KernelSpec]) -> list[KernelSpec]:
    """Those of the kernel set that comes first, and of others where costs are known of both."""
    first = able[0].kernel_set
    sets = PREDICTED if first in PREDICTED else (first,)
    return [spec for spec in able if spec.kernel_set in sets]


def _best(graph: Graph, node: Node, choices: Sequence[Choice], room: int | None) -> Choice:
    """The cheapest of kernels that need no more than `room` bytes, or else the one that needs the least."""

    def rank(choice: Choice) -> tuple[int, float]:
        lowered = choice[1]
        excess = 0 if room is None else max(_memory(graph, node, lowered) - room, 0)
        return excess, lowered.cost.cycles if lowered.cost else float("inf")

    return min(choices, key=rank)


def _likeness(graph: Graph, node: Node) -> Any:
    """What the choice of a kernel may depend on, equal for nodes that run in the same way."""

    def of(tensor: Tensor | None) -> Any:
        if tensor is None:
            return None
        return tensor.shape, tensor.dtype, id(tensor.quantization), id(tensor.data)

    same = tuple(node.inputs.index(name) for name in node.inputs)
    inputs, outputs = map(of, graph.input_tensors(node)), map(of, graph.output_tensors(node))
    return node.operator, same, tuple(inputs), tuple(outputs)


def _renamed(old: Node, choice: Choice, new: Node) -> Choice:
    """A choice for one node as that of another which is like it."""
    spec, lowered = choice
    names = dict(zip(old.inputs, new.inputs, strict=True))
    return spec, replace(
        lowered,
        reads=tuple(names[name] for name in lowered.reads),
        constants={names[name]: blob for name, blob in lowered.constants.items()},
    )


def _memory(graph: Graph, node: Node, lowered: Lowered) -> int:
    """The fewest bytes that a call needs by itself, if what it reads is not needed any more."""
    reads = [
        graph.tensor(name).elements * graph.tensor(name).dtype.bits // 8
        for name in dict.fromkeys(lowered.reads)
        if name not in lowered.constants
    ]
    writes = sum(tensor.elements * tensor.dtype.bits // 8 for tensor in graph.output_tensors(node))
    largest = max(reads, default=0)
    shared = [largest + writes]
    if lowered.in_place:
        shared.append(max(largest, writes))
    if lowered.overlap is not None:
        shared.append(max(writes, largest + max(-lowered.overlap, 0)))
    return sum(reads) - largest + min(shared) + lowered.scratch_bytes


def _add_float(problems: ProblemList, graph: Graph, nodes: Sequence[Node]) -> None:
    names = [f"'{node.id}'" for node in nodes]
    shown = ", ".join(names[:_FLOAT_NODES_SHOWN])
    more = f" and {len(names) - _FLOAT_NODES_SHOWN} more" if len(names) > _FLOAT_NODES_SHOWN else ""
    problems.add(
        graph.name,
        f"{len(names)} of its {len(graph.nodes)} operators compute in float: {shown}{more}",
        "quantize all of the model to int8: with `smidgen compress`, or with TFLiteConverter, a "
        "representative_dataset and TFLITE_BUILTINS_INT8",
    )
