"""From a lowered graph to an unplanned schedule: a kernel for every node, buffers with their lifetimes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.lower.views import Views, find_views
from smidgen.compile.schedule import Blob, Buffer, KernelCall, Port, Role, Schedule, StateSlot
from smidgen.compile.select import Selector
from smidgen.graph import Graph, Node
from smidgen.graph.packing import storage_bytes
from smidgen.graph.reference.base import NARROW_WEIGHTS


def assemble(graph: Graph, selector: Selector, room: Mapping[str, int] | None = None) -> Schedule:
    """The unplanned schedule of a lowered graph: kernel calls in the graph's order, buffers, constants.

    room: see `Selector.select`.
    """
    blobs = _Blobs()
    views = find_views(graph)
    names = _buffer_names(graph, views)
    calls: list[KernelCall] = []
    scratch: list[Buffer] = []
    for node, spec, lowered in selector.select(graph, views.nodes, room):
        index = len(calls)
        call = _call(graph, node, spec, lowered, blobs, names)
        if lowered.scratch_bytes:
            buffer = Buffer(f"{node.id}.scratch", lowered.scratch_bytes, Role.SCRATCH, index, index)
            scratch.append(buffer)
            call = replace(call, scratch=buffer.name)
        calls.append(call)
    states = tuple(
        StateSlot(
            buffer=state.tensor,
            next_buffer=names[state.next],
            initial=blobs.add(Blob(f"{state.tensor}.initial", _initial(state.initial), "constant")),
        )
        for state in graph.states
    )
    buffers = {buffer.name: buffer for buffer in (*_tensor_buffers(graph, calls, views, names), *scratch)}
    return Schedule(
        name=graph.name,
        calls=tuple(calls),
        buffers=buffers,
        blobs=blobs.by_name,
        inputs=_ports(graph, graph.inputs, names),
        outputs=_ports(graph, graph.outputs, names),
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


def _call(
    graph: Graph,
    node: Node,
    spec: KernelSpec,
    lowered: Lowered,
    blobs: _Blobs,
    names: Mapping[str, str],
) -> KernelCall:
    def read(name: str) -> str:
        if name not in lowered.constants:
            return names[name]
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


def _ports(graph: Graph, tensors: Iterable[str], names: Mapping[str, str]) -> tuple[Port, ...]:
    listed = [graph.tensor(name) for name in tensors]
    return tuple(Port(t.name, names[t.name], t.shape, t.dtype, t.quantization) for t in listed)


def _buffer_names(graph: Graph, views: Views) -> dict[str, str]:
    """For every tensor that is not a constant the buffer that holds just its bytes.

    Tensors that are the same bytes share one, which is named for the one that a kernel writes, or else for
    the first.
    """
    written = {name for node in graph.nodes if node.id not in views.nodes for name in node.outputs}
    tensors = sorted(views.places, key=lambda name: name not in written)
    first: dict[tuple[str, int, int], str] = {}
    names = {}
    for name in tensors:
        place, size = views.places[name], _size(graph, name)
        whole = place.offset == 0 and size == _size(graph, place.root)
        names[name] = first.setdefault((place.root, place.offset, size), place.root if whole else name)
    return names


def _size(graph: Graph, name: str) -> int:
    tensor = graph.tensor(name)
    return storage_bytes(tensor.dtype, tensor.elements)


def _tensor_buffers(
    graph: Graph, calls: Sequence[KernelCall], views: Views, names: Mapping[str, str]
) -> list[Buffer]:
    """One buffer for every tensor that is not a constant, but one for those that are the same bytes."""
    end = max(len(calls) - 1, 0)
    states = {state.tensor for state in graph.states}
    kept = {*graph.outputs, *states, *(state.next for state in graph.states)}
    aliases: dict[str, list[str]] = {}
    for tensor in (name for name in graph.tensors if name in names):
        aliases.setdefault(names[tensor], []).append(tensor)
    touched: dict[str, list[int]] = {name: [] for name in aliases}  # by the calls with these numbers
    for index, call in enumerate(calls):
        for name in (*call.reads, *call.writes):
            place = views.places.get(name)
            for buffer in () if place is None else {name, place.root}:
                touched[buffer].append(index)

    buffers = []
    for name, tensors in aliases.items():
        root = views.places[name].root
        is_input, is_state = root in graph.inputs, root in states
        first = 0 if is_input or is_state else min(touched[name], default=0)  # those are there from the start
        last = end if kept.intersection(tensors) else max(touched[name], default=first)
        role = Role.INTERMEDIATE
        if is_state:
            role = Role.STATE
        elif is_input:
            role = Role.INPUT
        elif set(graph.outputs).intersection(tensors):
            role = Role.OUTPUT
        buffer = Buffer(name, _size(graph, name), role, first, last, tuple(tensors), graph.tensor(name).dtype)
        if name != root:
            buffer = replace(buffer, within=root, start=views.places[name].offset)
        buffers.append(buffer)
    return buffers
