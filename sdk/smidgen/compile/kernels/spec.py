"""KernelSpec: a C kernel, declared once. One predicate decides both the kernel and its scratch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smidgen.compile.schedule import Blob, Cost, Part
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Operator


@dataclass(frozen=True, eq=False)
class Lowered:
    """How one node runs on one kernel; the compiler adds buffers and turns it into a KernelCall.

    symbol, shape_type, shape: see KernelCall; reads: the node's inputs that are read from buffers, in the
    kernel's order; constants: operands of the node that are constants and are read like tensors;
    blobs: packed weights, biases and requantization parameters, in the kernel's order (names unique
    within the node); scratch_bytes: working memory during the call; macs: multiply-accumulates;
    cost: predicted cycles and roofs, on a core that has a cost model; overlap: how many bytes beyond the
    start of a read the output may start when both share memory, negative when it must start earlier, None
    when they must not share any (see kernels.overlap); in_place: whether it may start exactly where a read
    starts, whatever the overlap. Both hold for every read. work: what a pass over several nodes needs to
    make one call of them (see kernels.npu.joining), None where there is no such pass; parts: see KernelCall.
    """

    symbol: str
    shape_type: str
    shape: Mapping[str, int]
    reads: tuple[str, ...]
    blobs: tuple[Blob, ...] = ()
    scratch_bytes: int = 0
    macs: int = 0
    specialise: bool = True
    constants: Mapping[str, Blob] = field(default_factory=dict)
    cost: Cost | None = None
    overlap: int | None = None
    in_place: bool = False
    work: Any = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class KernelSpec:
    """A kernel that a target may have.

    name: unique, for tables; operators: what it can stand for; refuse: why it cannot run this node, or
    None when it can; lower: everything the call needs. `lower` is only called where `refuse` gave None.
    optimize ("speed" or "size") is the user's choice; a kernel may ignore it.
    """

    name: str
    family: str
    kernel_set: str
    operators: tuple[type[Operator], ...]
    refuse: Callable[[Graph, Node], str | None]
    lower: Callable[[Graph, Node, str], Lowered]
