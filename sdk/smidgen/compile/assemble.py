"""From a lowered graph to an unplanned schedule: a kernel for every node, buffers with their lifetimes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from smidgen.compile.kernels.npu import NPU
from smidgen.compile.kernels.npu.joining import Choice, Joined, join
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.lower.views import Views, find_views
from smidgen.compile.schedule import Blob, Buffer, KernelCall, Port, Role, Schedule, StateSlot
from smidgen.compile.select import Selector
from smidgen.graph import Graph, Node
from smidgen.graph.packing import storage_bytes
from smidgen.graph.reference.base import NARROW_WEIGHTS


def assemble(
    graph: Graph, selector: Selector, room: Mapping[str, int] | None = None, joins: bool = False
) -> Schedule:
    """The unplanned schedule of a lowered graph: kernel calls in the graph's order, buffers, constants.

    room: see `Selector.select`; joins: whether nodes that follow each other on the neural engine become one
    call where that is faster.
    """
    blobs = _Blobs()
    views = find_views(graph)
    names = _buffer_names(graph, views)
    calls: list[KernelCall] = []
    scratch: list[Buffer] = []
    selection = [
        Joined((node,), spec, lowered) for node, spec, lowered in selector.select(graph, views.nodes, room)
    ]
    if joins:
        selection = _join(graph, selector, selection, views, names)
    for nodes, spec, lowered in ((one.nodes, one.spec, one.lowered) for one in selection):
        index = len(calls)
        call = _call(graph, nodes, spec, lowered, blobs, names)
        if lowered.scratch_bytes:
            buffer = Buffer(f"{nodes[-1].id}.scratch", lowered.scratch_bytes, Role.SCRATCH, index, index)
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


def _join(
    graph: Graph, selector: Selector, selection: Sequence[Joined], views: Views, names: Mapping[str, str]
) -> list[Joined]:
    """The same with nodes joined."""
    outside = {
        *graph.outputs,
        *(state.tensor for state in graph.states),
        *(state.next for state in graph.states),
    }
    shared = {names[tensor] for tensor in outside}
    # What is a part of another buffer, or has parts.
    for tensor, place in views.places.items():
        if names[tensor] != names[place.root]:
            shared |= {names[tensor], names[place.root]}
    readers: dict[str, set[str]] = {}
    for one in selection:
        for name in one.nodes[0].inputs:
            if name in names:
                readers.setdefault(names[name], set()).add(one.nodes[0].id)

    def is_inner(buffer: str, nodes: Sequence[Node]) -> bool:
        return buffer not in shared and readers.get(buffer, set()) <= {node.id for node in nodes}

    choices = []
    for one in selection:
        node = one.nodes[0]
        on_engine = selector.on(NPU, graph, node)
        reads = () if on_engine is None else on_engine[1].reads
        if on_engine is not None and on_engine[1].constants:
            on_engine = None
        reads = tuple(names.get(name, name) for name in reads)
        detail = _detail(graph, node)
        choices.append(Choice(node, one.spec, one.lowered, on_engine, reads, names[node.outputs[0]], detail))
    return join(choices, is_inner)


def _call(
    graph: Graph,
    nodes: Sequence[Node],
    spec: KernelSpec,
    lowered: Lowered,
    blobs: _Blobs,
    names: Mapping[str, str],
) -> KernelCall:
    def read(name: str) -> str:
        if name not in lowered.constants:
            return names[name]
        return blobs.add(replace(lowered.constants[name], name=name))

    first, last = nodes[0], nodes[-1]
    is_one = len(nodes) == 1
    return KernelCall(
        id=first.id if is_one else f"{first.id} .. {last.id}",
        type_name=first.operator.type_name if is_one else f"{len(nodes)} nodes",
        kernel_set=spec.kernel_set,
        family=spec.family,
        symbol=lowered.symbol,
        shape_type=lowered.shape_type,
        shape=lowered.shape,
        reads=tuple(read(name) for name in lowered.reads),
        blobs=tuple(blobs.add(replace(blob, name=f"{first.id}.{blob.name}")) for blob in lowered.blobs),
        writes=last.outputs,
        scratch=None,
        nodes=tuple(node.id for node in nodes),
        macs=lowered.macs,
        specialise=lowered.specialise,
        cost=lowered.cost,
        detail=_detail(graph, first) if is_one else _joined_detail(graph, nodes),
        parts=lowered.parts,
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


def _joined_detail(graph: Graph, nodes: Sequence[Node]) -> str:
    """Shapes and types of what goes in and comes out."""
    return f"{_detail(graph, nodes[0]).split(' -> ')[0]} -> {_detail(graph, nodes[-1]).split(' -> ')[1]}"


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


def _inside_calls(graph: Graph, calls: Sequence[KernelCall], names: Mapping[str, str]) -> set[str]:
    """Buffers that only the nodes of one call write and read, which the call keeps elsewhere."""
    joined = {id for call in calls if len(call.nodes) > 1 for id in call.nodes}
    written = {names[name] for node in graph.nodes if node.id in joined for name in node.outputs}
    return written - {names[name] for call in calls for name in call.writes}


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
    inner = _inside_calls(graph, calls, names)
    aliases = {name: tensors for name, tensors in aliases.items() if name not in inner}
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
