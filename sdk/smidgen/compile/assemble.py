"""From a lowered graph to an unplanned schedule: a kernel for every node, buffers with their lifetimes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from smidgen.compile.kernels import willing
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.lower.materialize import root
from smidgen.compile.schedule import Blob, Buffer, KernelCall, Port, Role, Schedule, StateSlot
from smidgen.errors import ModelError, ProblemList
from smidgen.graph import DType, Graph, Node
from smidgen.graph.operators import Reshape
from smidgen.graph.packing import storage_bytes
from smidgen.graph.reference.base import NARROW_WEIGHTS

Selection = list[tuple[Node, KernelSpec, Lowered]]

_FLOAT_NODES_SHOWN = 3


def select(graph: Graph, specs: Sequence[KernelSpec], optimize: str) -> Selection:
    """A kernel of `specs` for each node, and how the node runs on it; a Reshape needs none.

    It is the cheapest of the kernel set that comes first among those that take the node, or the first of the
    set where the cost is not known.

    Raises ModelError naming every node that no kernel takes, with each kernel's reason. Nodes that compute in
    float are one problem together: the model was not quantized.
    """
    problems = ProblemList()
    in_float: list[Node] = []
    chosen: Selection = []
    for node in graph.nodes:
        if isinstance(node.operator, Reshape):
            continue
        able, reasons = willing(graph, node, specs)
        if able:
            chosen.append((node, *_cheapest(graph, node, able, optimize)))
        elif all(tensor.dtype is DType.F32 for tensor in graph.output_tensors(node)):
            in_float.append(node)
        else:
            where = f"{graph.name}: operator '{node.id}' ({node.operator.type_name})"
            listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
            problems.add(where, listed or "no kernel of this target computes this operator")
    if in_float:
        names = [f"'{node.id}'" for node in in_float]
        shown = ", ".join(names[:_FLOAT_NODES_SHOWN])
        more = f" and {len(names) - _FLOAT_NODES_SHOWN} more" if len(names) > _FLOAT_NODES_SHOWN else ""
        problems.add(
            graph.name,
            f"{len(names)} of its {len(graph.nodes)} operators compute in float: {shown}{more}",
            "quantize all of the model to int8 (TFLiteConverter with a representative_dataset and "
            "TFLITE_BUILTINS_INT8) and try again",
        )
    problems.stop_if_any(ModelError)
    return chosen


def _cheapest(
    graph: Graph, node: Node, able: Sequence[KernelSpec], optimize: str
) -> tuple[KernelSpec, Lowered]:
    """Of kernels that take the node, in order of preference."""
    first_set = [spec for spec in able if spec.kernel_set == able[0].kernel_set]
    choices = [(spec, spec.lower(graph, node, optimize)) for spec in first_set]
    priced = [(lowered.cost.cycles, index) for index, (_, lowered) in enumerate(choices) if lowered.cost]
    return choices[min(priced)[1] if priced else 0]


def assemble(graph: Graph, specs: Sequence[KernelSpec], optimize: str) -> Schedule:
    """The unplanned schedule of a lowered graph: kernel calls in the graph's order, buffers, constants."""
    blobs = _Blobs()
    calls: list[KernelCall] = []
    scratch: list[Buffer] = []
    for node, spec, lowered in select(graph, specs, optimize):
        index = len(calls)
        call = _call(graph, node, spec, lowered, blobs)
        if lowered.scratch_bytes:
            buffer = Buffer(f"{node.id}.scratch", lowered.scratch_bytes, Role.SCRATCH, index, index)
            scratch.append(buffer)
            call = replace(call, scratch=buffer.name)
        calls.append(call)
    states = tuple(
        StateSlot(
            buffer=state.tensor,
            next_buffer=root(graph, state.next),
            initial=blobs.add(Blob(f"{state.tensor}.initial", _initial(state.initial), "constant")),
        )
        for state in graph.states
    )
    buffers = {buffer.name: buffer for buffer in (*_tensor_buffers(graph, calls), *scratch)}
    return Schedule(
        name=graph.name,
        calls=tuple(calls),
        buffers=buffers,
        blobs=blobs.by_name,
        inputs=_ports(graph, graph.inputs),
        outputs=_ports(graph, graph.outputs),
        states=states,
    )


def _initial(value: np.ndarray) -> np.ndarray:
    """The bytes of a state's initial value, as signed bytes."""
    return np.ascontiguousarray(value).reshape(-1).view(np.int8)


class _Blobs:
    """The schedule's constants; two with the same bytes and use are stored once."""

    def __init__(self) -> None:
        self.by_name: dict[str, Blob] = {}
        self._by_content: dict[tuple[str, str, bytes], str] = {}

    def add(self, blob: Blob) -> str:
        """Store the blob unless an equal one is there; the name it is stored under."""
        key = (blob.what, str(blob.data.dtype), blob.data.tobytes())
        name = self._by_content.setdefault(key, blob.name)
        if name == blob.name:
            self.by_name[name] = blob
        return name


def _call(graph: Graph, node: Node, spec: KernelSpec, lowered: Lowered, blobs: _Blobs) -> KernelCall:
    def read(name: str) -> str:
        if name not in lowered.constants:
            return root(graph, name)
        return blobs.add(replace(lowered.constants[name], name=name))

    return KernelCall(
        id=node.id,
        type_name=node.operator.type_name,
        kernel_set=spec.kernel_set,
        family=spec.family,
        symbol=lowered.symbol,
        shape_type=lowered.shape_type,
        shape=lowered.shape,
        reads=tuple(read(name) for name in lowered.reads),
        blobs=tuple(blobs.add(replace(blob, name=f"{node.id}.{blob.name}")) for blob in lowered.blobs),
        writes=node.outputs,
        scratch=None,
        nodes=(node.id,),
        macs=lowered.macs,
        specialise=lowered.specialise,
        cost=lowered.cost,
        detail=_detail(graph, node),
        overlap=lowered.overlap,
        in_place=lowered.in_place,
    )


def _detail(graph: Graph, node: Node) -> str:
    """Shapes and types of what a node reads and writes, and that of narrow weights, for people."""

    def text(names: Iterable[str | None]) -> str:
        tensors = [graph.tensor(name) for name in names if name is not None]
        return ", ".join(
            f"{'x'.join(map(str, tensor.shape)) or 'scalar'} {tensor.dtype.value}"
            for tensor in tensors
            if not tensor.is_constant
        )

    constants = [tensor for tensor in graph.input_tensors(node) if tensor is not None and tensor.is_constant]
    narrow = [f", {tensor.dtype.value} weights" for tensor in constants if tensor.dtype in NARROW_WEIGHTS]
    return f"{text(node.inputs) or 'constants'} -> {text(node.outputs)}{''.join(narrow)}"


def _ports(graph: Graph, names: Iterable[str]) -> tuple[Port, ...]:
    tensors = [graph.tensor(name) for name in names]
    return tuple(Port(t.name, root(graph, t.name), t.shape, t.dtype, t.quantization) for t in tensors)


def _tensor_buffers(graph: Graph, calls: Sequence[KernelCall]) -> list[Buffer]:
    """One buffer per tensor that is not a constant; tensors that are Reshapes of each other share one."""
    end = max(len(calls) - 1, 0)
    written = {name: index for index, call in enumerate(calls) for name in call.writes}
    read = {name: index for index, call in enumerate(calls) for name in call.reads}
    state_tensors = {state.tensor for state in graph.states}
    kept = {root(graph, name) for name in graph.outputs} | {root(graph, state.next) for state in graph.states}
    aliases: dict[str, list[str]] = {}
    for name, tensor in graph.tensors.items():
        is_defined = name in graph.inputs or name in state_tensors or graph.producer(name) is not None
        if is_defined and not tensor.is_constant:
            aliases.setdefault(root(graph, name), []).append(name)

    buffers = []
    for name, tensors in aliases.items():
        first = written.get(name, 0)  # inputs and states are there from the start
        last = max(first, read.get(name, first))
        role = Role.INTERMEDIATE
        if name in kept or name in state_tensors:
            last = end
        if name in state_tensors:
            role = Role.STATE
        elif name in graph.inputs:
            role = Role.INPUT
        elif any(tensor in graph.outputs for tensor in tensors):
            role = Role.OUTPUT
        tensor = graph.tensor(name)
        size = storage_bytes(tensor.dtype, tensor.elements)
        buffers.append(Buffer(name, size, role, first, last, tuple(tensors), tensor.dtype))
    return buffers
