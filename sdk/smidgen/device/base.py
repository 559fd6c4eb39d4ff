"""Device: a live target behind one interface, be it this machine, a simulated core or a board.

A figure that a target cannot give is None, never invented.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from smidgen.errors import ProblemList, UsageError
from smidgen.graph import DType


@dataclass(frozen=True)
class TensorInfo:
    """An input or output. scale is None when the tensor is not quantized per tensor."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    scale: float | None
    zero_point: int


@dataclass(frozen=True)
class LayerInfo:
    """One kernel call of the model: its name (the schedule's call id) and its operator type."""

    name: str
    type: str


@dataclass(frozen=True)
class Description:
    """What a device serves. model and version: the descriptor's; clock_hz: None when unknown."""

    board: str
    model: str
    version: str
    clock_hz: int | None
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    layers: tuple[LayerInfo, ...]
    golden_count: int


@dataclass(frozen=True, eq=False)
class Run:
    """One inference. cycles and instructions: from call to return of the model function, profile off."""

    outputs: tuple[np.ndarray, ...]
    cycles: int | None
    instructions: int | None


@dataclass(frozen=True)
class LayerCount:
    """What one layer took, without the profiler's own cost."""

    name: str
    type: str
    cycles: int | None
    instructions: int | None


@dataclass(frozen=True)
class DescriptorRecord:
    """What the neural engine recorded of one descriptor; docs/npu.md describes the registers."""

    cycles: int
    array: int
    waited: int
    starved: int
    port: int
    bytes: int


@dataclass(frozen=True)
class ListRecord:
    """What it recorded of one list. layer: index of the call that ran it; records: of the list's last
    descriptors, as many as the engine keeps."""

    layer: int
    descriptors: int
    cycles: int
    bytes_read: int
    bytes_written: int
    records: tuple[DescriptorRecord, ...]


@dataclass(frozen=True, eq=False)
class Profile:
    """A plain run, and the layers of a profiled run of the same input.

    profiled_cycles and profiled_instructions: the whole profiled run; cost_cycles and cost_instructions: what
    the profiler took off each layer's figure, measured around nothing; lists: what the neural engine did in a
    run of its own, where there is an engine.
    """

    run: Run
    layers: tuple[LayerCount, ...]
    profiled_cycles: int | None
    profiled_instructions: int | None
    cost_cycles: int | None
    cost_instructions: int | None
    lists: tuple[ListRecord, ...] = ()

    @property
    def overhead_cycles(self) -> int | None:
        """How much longer the profiled run took than the plain one."""
        return _difference(self.profiled_cycles, self.run.cycles)

    @property
    def overhead_instructions(self) -> int | None:
        return _difference(self.profiled_instructions, self.run.instructions)


def _difference(more: int | None, less: int | None) -> int | None:
    return None if more is None or less is None else more - less


@dataclass(frozen=True)
class MemoryUse:
    """Bytes. flash and ram: the image; the *_used figures are high-water marks since boot; stack_run_bytes is
    the model's own share of the stack in the last run."""

    flash_bytes: int | None
    ram_bytes: int | None
    stack_bytes: int | None
    stack_used_bytes: int | None
    stack_run_bytes: int | None
    arena_bytes: int | None
    arena_used_bytes: int | None


@dataclass(frozen=True)
class LayerChecksum:
    """CRC-32 of a tensor that layer number `layer` wrote (golden.checksum), in the order of writing."""

    layer: int
    crc: int


@dataclass(frozen=True)
class SelfTest:
    """Golden inputs run on the device. checked: tensors compared; layer: the first that differs, or None."""

    passed: bool
    checked: int
    layer: str | None = None
    expected: int | None = None
    actual: int | None = None


class Device(ABC):
    """A live target that serves one model. A context manager: entering loads, leaving closes.

    Every method raises DeviceError when the device does not do its part; the error names the stage.
    """

    @abstractmethod
    def load(self) -> None:
        """Brings the firmware up and checks that it serves the model that is expected."""

    @abstractmethod
    def describe(self) -> Description:
        """What is served; known once loaded."""

    @abstractmethod
    def run(self, inputs: Sequence[np.ndarray]) -> Run:
        """One inference. inputs: one array for each of the model's, in its shape and type (UsageError if
        not). Persistent state goes on from the last run; `reset` starts it anew."""

    @abstractmethod
    def reset(self) -> None:
        """Gives the model's persistent state its initial value."""

    @abstractmethod
    def profile(self, inputs: Sequence[np.ndarray]) -> Profile:
        """Per layer. Resets the model's state first, since the input is run twice."""

    @abstractmethod
    def layer_checksums(self, inputs: Sequence[np.ndarray]) -> tuple[LayerChecksum, ...]:
        """Checksums of all tensors that a run of this input writes. State goes on as with `run`."""

    @abstractmethod
    def memory(self) -> MemoryUse:
        """Sizes and high-water marks."""

    @abstractmethod
    def selftest(self) -> SelfTest:
        """Runs the golden inputs that the firmware holds and compares every tensor. Resets the state."""

    @abstractmethod
    def close(self) -> None:
        """Ends what `load` started. May be called twice."""

    def __enter__(self) -> Self:
        try:
            self.load()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def input_bytes(expected: Sequence[TensorInfo], inputs: Sequence[np.ndarray]) -> list[bytes]:
    """The inputs as they lie in the arena: row-major, little-endian. UsageError lists all that do not fit."""
    problems = ProblemList()
    if len(inputs) != len(expected):
        problems.add("inputs", f"{len(inputs)} given, the model has {len(expected)}")
    for info, array in zip(expected, inputs, strict=False):
        where = f"input '{info.name}'"
        if array.dtype != info.dtype.numpy:
            problems.add(where, f"type {array.dtype}, the model takes {info.dtype.numpy}")
        if array.shape != info.shape:
            problems.add(where, f"shape {array.shape}, the model takes {info.shape}")
    problems.stop_if_any(UsageError)
    return [
        np.ascontiguousarray(array).astype(info.dtype.numpy.newbyteorder("<"), copy=False).tobytes()
        for info, array in zip(expected, inputs, strict=True)
    ]


def output_arrays(expected: Sequence[TensorInfo], data: bytes) -> tuple[np.ndarray, ...]:
    """The outputs in a byte string that holds one after the other."""
    arrays, at = [], 0
    for info in expected:
        count = int(np.prod(info.shape, dtype=np.int64))
        dtype = info.dtype.numpy
        piece = np.frombuffer(data, dtype.newbyteorder("<"), count, at)
        arrays.append(piece.astype(dtype).reshape(info.shape))
        at += count * dtype.itemsize
    return tuple(arrays)
