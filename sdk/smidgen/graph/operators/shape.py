"""Moving elements without computing on them: no integer kernel here changes a value.

The importer refuses quantized tensors whose scale or zero point would have to change on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Operator


@dataclass(frozen=True)
class Concatenation(Operator):
    """Any number of inputs along `axis` (non-negative)."""

    type_name: ClassVar[str] = "CONCATENATION"
    axis: int = 0


@dataclass(frozen=True)
class Pad(Operator):
    """paddings: (before, after) per axis; filled with the zero point, or with `value` when it is given.

    value is in the tensor's own domain (an integer for quantized tensors).
    """

    type_name: ClassVar[str] = "PAD"
    paddings: tuple[tuple[int, int], ...] = ()
    value: float | None = None


@dataclass(frozen=True)
class Reshape(Operator):
    """Same elements in the output tensor's shape; SQUEEZE and EXPAND_DIMS are this too."""

    type_name: ClassVar[str] = "RESHAPE"


@dataclass(frozen=True)
class Transpose(Operator):
    """Output axis i is input axis permutation[i]."""

    type_name: ClassVar[str] = "TRANSPOSE"
    permutation: tuple[int, ...] = ()


@dataclass(frozen=True)
class StridedSlice(Operator):
    """begin, step per axis; the sizes are those of the output tensor. SLICE has steps of 1.

    A step may be negative; begin is then the last element taken first. Axes that the file's operator
    drops (shrink mask) are dropped by a Reshape after this one.
    """

    type_name: ClassVar[str] = "STRIDED_SLICE"
    begin: tuple[int, ...] = ()
    step: tuple[int, ...] = ()


@dataclass(frozen=True)
class Split(Operator):
    """Cuts one input along `axis` into its outputs, in order."""

    type_name: ClassVar[str] = "SPLIT"
    axis: int = 0


@dataclass(frozen=True)
class Pack(Operator):
    """Stacks inputs of one shape along a new `axis`."""

    type_name: ClassVar[str] = "PACK"
    axis: int = 0


@dataclass(frozen=True)
class Unpack(Operator):
    """One output per index of `axis`, which disappears."""

    type_name: ClassVar[str] = "UNPACK"
    axis: int = 0


@dataclass(frozen=True)
class Gather(Operator):
    """Inputs: x, indices int32 of any shape, which takes the place of `axis` in the output's shape.

    A negative index counts from the end; one that is still outside counts as the nearest inside. x may be a
    constant: an embedding's table has axis 0. The indices may be one, too.
    """

    type_name: ClassVar[str] = "GATHER"
    axis: int = 0


@dataclass(frozen=True)
class Tile(Operator):
    """Repeats x `multiples[i]` times along axis i; BROADCAST_TO is this on axes of size 1."""

    type_name: ClassVar[str] = "TILE"
    multiples: tuple[int, ...] = ()


@dataclass(frozen=True)
class DepthToSpace(Operator):
    """x (N, H, W, block_size^2 * C) to (N, H * block_size, W * block_size, C).

    Input channel (row * block_size + column) * C + c becomes channel c at that place of the block.
    """

    type_name: ClassVar[str] = "DEPTH_TO_SPACE"
    block_size: int = 2


@dataclass(frozen=True)
class SpaceToDepth(Operator):
    """The inverse of DepthToSpace."""

    type_name: ClassVar[str] = "SPACE_TO_DEPTH"
    block_size: int = 2
