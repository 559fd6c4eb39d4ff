"""Schedule: the second and last model type, what an SSA graph cannot say.

Kernel calls in order, buffers with offsets in one arena, and the constant blobs that kernels read. The
planner fills the offsets in; the profiler, the reports and the emitters read the result. Every call
remembers which graph nodes it stands for.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from smidgen.graph import DType, Quantization

ARENA_ALIGNMENT = 16
WORD = 4  # the least alignment of a tensor that every kernel accepts


class Role(enum.Enum):
    """What a buffer is for. Inputs and states are live from the start, outputs and states to the end."""

    INPUT = "input"
    OUTPUT = "output"
    INTERMEDIATE = "intermediate"
    SCRATCH = "scratch"
    STATE = "state"


@dataclass(frozen=True)
class Buffer:
    """A region of the arena that holds one tensor, or several that are the same bytes (a Reshape).

    bytes: its size; first and last: the first and last call index at which it is live (inclusive);
    offset: bytes from the start of the arena, None until it is planned; within: the buffer of which it is a
    part, from byte `start` on, or None. Only buffers that are no parts are placed.
    """

    name: str
    bytes: int
    role: Role
    first: int
    last: int
    tensors: tuple[str, ...] = ()
    dtype: DType = DType.I8
    offset: int | None = None
    within: str | None = None
    start: int = 0


@dataclass(frozen=True, eq=False)
class Blob:
    """Constant data that a kernel reads, in the order in which it lies in memory.

    data: one-dimensional array whose dtype is the C element type; what: "weights", "bias",
    "requantization" (multipliers and shifts), "table" or "constant" (an operand of the model's own).
    """

    name: str
    data: np.ndarray
    what: str

    @property
    def bytes(self) -> int:
        return self.data.nbytes


@dataclass(frozen=True)
class Cost:
    """Cycles of one call, known before anything has run.

    cycles: predicted, call to return; multipliers, data_port, requantizer: what each of them alone needs at
    its full rate for this work (the roofs; the largest binds).
    """

    cycles: int
    multipliers: int = 0
    data_port: int = 0
    requantizer: int = 0

    @property
    def bound(self) -> str:
        """What binds: the field with the most cycles."""
        return max(("multipliers", "data_port", "requantizer"), key=lambda name: getattr(self, name))

    @property
    def bound_cycles(self) -> int:
        """The fewest cycles that the work can take."""
        return getattr(self, self.bound)


@dataclass(frozen=True)
class Part:
    """What a call of several nodes does for one of them.

    node: its id; multipliers: see Cost; descriptors: those of the call's list for the neural engine that are
    for this node.
    """

    node: str
    type_name: str
    detail: str
    macs: int
    multipliers: int
    descriptors: tuple[int, ...]


@dataclass(frozen=True)
class KernelCall:
    """One call: `symbol(&shape, reads..., blobs..., writes..., scratch)`, pointers in that order.

    symbol: the C function of firmware/kernels/<set>/<family>.h; shape_type: its C struct; shape: the
    struct's fields in order, known at compile time; reads and writes: names of buffers (a read may also
    name a blob, for a constant operand); nodes: ids of the graph nodes this stands for; macs: multiply
    accumulates of one call; specialise: whether a copy of the kernel with this shape built in pays;
    cost: its cycles where the target has a cost model; detail: shapes and types of what is read and written,
    for people; overlap and in_place: how what it writes may share memory with what it reads (see Lowered);
    parts: one for each node of a call that stands for several, else none.
    """

    id: str
    type_name: str
    kernel_set: str
    family: str
    symbol: str
    shape_type: str
    shape: Mapping[str, int]
    reads: tuple[str, ...]
    blobs: tuple[str, ...]
    writes: tuple[str, ...]
    scratch: str | None
    nodes: tuple[str, ...]
    macs: int = 0
    specialise: bool = True
    cost: Cost | None = None
    detail: str = ""
    overlap: int | None = None
    in_place: bool = False
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Port:
    """An input or output of the model: its tensor's name, shape, type and quantization, and its buffer."""

    tensor: str
    buffer: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = field(default=None, compare=False)


@dataclass(frozen=True, eq=False)
class StateSlot:
    """Persistent state: the buffer that holds it between runs and the blob of its initial value."""

    buffer: str
    next_buffer: str
    initial: str


@dataclass(frozen=True, eq=False)
class Schedule:
    """A planned model. `arena_bytes` covers tensors, states and scratch; see compile.plan for the others."""

    name: str
    calls: tuple[KernelCall, ...]
    buffers: Mapping[str, Buffer]
    blobs: Mapping[str, Blob]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    states: tuple[StateSlot, ...] = ()
    arena_bytes: int = 0
    arena_tensors_bytes: int = 0
    arena_lower_bound_bytes: int = 0
    arena_live_bytes: int = 0
