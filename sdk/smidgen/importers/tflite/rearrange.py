"""GATHER, EMBEDDING_LOOKUP, TILE, BROADCAST_TO, MIRROR_PAD, REVERSE_V2, DEPTH_TO_SPACE, SPACE_TO_DEPTH.

(Part of the family `shape`.)
"""

from __future__ import annotations

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import DepthToSpace, Gather, Reshape, SpaceToDepth, StridedSlice, Tile
from smidgen.importers.tflite.call import FIXED_SIZES, Call, importer

_REFLECT, _SYMMETRIC = 0, 1
_MAX_BLOCK = 1 << 8


@importer("GATHER", "GatherOptions")
def gather(call: Call) -> None:
    call.expect(inputs=2)
    x, indices = call.input(0), call.input(1, "indices")
    if call.option("BatchDims"):
        call.fail("batch dimensions are not supported", "gather from each batch by itself")
    axis = call.axis(int(call.option("Axis")), len(x.shape))
    _expect_integers(call, indices)
    if x.dtype is DType.I32 and x.data is not None and axis == 0:
        call.fold(x.data[_checked(call, indices, x.shape[0])])
        return
    _gather(call, x, indices, axis)


@importer("EMBEDDING_LOOKUP")
def embedding_lookup(call: Call) -> None:
    call.expect(inputs=2)
    indices = call.input(0, "indices")
    _expect_integers(call, indices)
    _gather(call, call.input(1, "table"), indices, axis=0)


def _expect_integers(call: Call, indices: Tensor) -> None:
    if indices.dtype is not DType.I32:
        call.fail(f"its indices have type {indices.dtype.value} instead of i32")


def _gather(call: Call, x: Tensor, indices: Tensor, axis: int) -> None:
    y = call.outputs[0]
    call.expect_types(x, y, wide=True)
    call.expect_same_quantization(x, y)
    call.expect_shape(y, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    if indices.data is not None:
        _checked(call, indices, x.shape[axis])
    call.emit(Gather(axis), [x, indices], [y])


def _checked(call: Call, indices: Tensor, size: int) -> np.ndarray:
    """Constant indices, all inside an axis of that size."""
    if indices.data is None:
        call.fail("its indices are computed at run time, so a shape is dynamic", FIXED_SIZES)
    if (indices.data < 0).any() or (indices.data >= size).any():
        outside = indices.data[(indices.data < 0) | (indices.data >= size)].flat[0]
        call.fail(f"index {outside} is outside an axis of size {size}")
    return indices.data


@importer("TILE")
def tile(call: Call) -> None:
    call.expect(inputs=2)
    x, y = _operands(call)
    multiples = tuple(int(many) for many in call.parameter(1, "multiples"))
    if len(multiples) != len(x.shape) or any(many < 1 for many in multiples):
        call.fail(f"multiples {list(multiples)} do not fit shape {list(x.shape)}")
    call.expect_shape(y, tuple(size * many for size, many in zip(x.shape, multiples, strict=True)))
    call.emit(Tile(multiples), [x], [y])


@importer("BROADCAST_TO")
def broadcast_to(call: Call) -> None:
    call.expect(inputs=2)
    x, y = _operands(call)
    shape = tuple(int(size) for size in call.parameter(1, "shape"))
    call.expect_shape(y, shape)
    extended = (1,) * (len(shape) - len(x.shape)) + x.shape
    pairs = list(zip(extended, shape, strict=True)) if len(extended) == len(shape) else []
    if not pairs or any(size not in (1, wanted) for size, wanted in pairs):
        call.fail(f"shape {list(x.shape)} does not broadcast to {list(shape)}")
    if extended != x.shape:
        between = call.new_tensor(x, extended)
        call.emit(Reshape(), [x], [between], suffix="_reshape")
        x = between
    multiples = tuple(wanted // size for size, wanted in pairs)
    call.emit(Tile(multiples), [x], [y])


@importer("MIRROR_PAD", "MirrorPadOptions")
def mirror_pad(call: Call) -> None:
    """A Gather along each axis that is padded."""
    call.expect(inputs=2)
    x, y = _operands(call)
    rank, mode = len(x.shape), call.option("Mode")
    if mode not in (_REFLECT, _SYMMETRIC):
        call.fail(f"mode {mode} is neither REFLECT (0) nor SYMMETRIC (1)")
    table, paddings = call.parameter(1, "paddings"), call.input(1)
    if paddings.shape != (rank, 2):
        call.fail(f"its paddings have shape {list(paddings.shape)} instead of [{rank}, 2]")
    pairs = table.reshape(rank, 2)
    if (pairs < 0).any() or (pairs.max(axis=1) > np.array(x.shape) - (mode == _REFLECT)).any():
        call.fail(f"paddings {pairs.tolist()} are negative or more than shape {list(x.shape)} can mirror")
    call.expect_shape(y, tuple(int(size + sum(pair)) for size, pair in zip(x.shape, pairs, strict=True)))
    axes = [axis for axis in range(rank) if pairs[axis].any()]
    if not axes:
        call.emit(Reshape(), [x], [y])
    for axis in axes:
        kind = "reflect" if mode == _REFLECT else "symmetric"
        indices = np.pad(np.arange(x.shape[axis], dtype=np.int32), pairs[axis], mode=kind)
        shape = (*x.shape[:axis], indices.size, *x.shape[axis + 1 :])
        padded = y if axis == axes[-1] else call.new_tensor(y, shape)
        constant = call.new_constant(paddings, indices, None)
        call.emit(Gather(axis), [x, constant], [padded], suffix=f"_axis{axis}")
        x = padded


@importer("REVERSE_V2")
def reverse(call: Call) -> None:
    call.expect(inputs=2)
    x, y = _operands(call)
    rank = len(x.shape)
    axes = {call.axis(int(axis), rank) for axis in call.parameter(1, "axes")}
    call.expect_shape(y, x.shape)
    begin = tuple(size - 1 if axis in axes else 0 for axis, size in enumerate(x.shape))
    step = tuple(-1 if axis in axes and size > 1 else 1 for axis, size in enumerate(x.shape))
    call.emit(StridedSlice(begin, step), [x], [y])


@importer("DEPTH_TO_SPACE", "DepthToSpaceOptions")
def depth_to_space(call: Call) -> None:
    x, y, block = _blocks(call)
    batches, height, width, channels = x.shape
    if channels % block**2:
        call.fail(f"{channels} channels cannot be split into blocks of {block} x {block}")
    call.expect_shape(y, (batches, height * block, width * block, channels // block**2))
    call.emit(DepthToSpace(block), [x], [y])


@importer("SPACE_TO_DEPTH", "SpaceToDepthOptions")
def space_to_depth(call: Call) -> None:
    x, y, block = _blocks(call)
    batches, height, width, channels = x.shape
    if height % block or width % block:
        call.fail(f"{height} x {width} cannot be cut into blocks of {block} x {block}")
    call.expect_shape(y, (batches, height // block, width // block, channels * block**2))
    call.emit(SpaceToDepth(block), [x], [y])


def _blocks(call: Call) -> tuple[Tensor, Tensor, int]:
    """(input, output, block size)"""
    call.expect(inputs=1)
    x, y = _operands(call)
    call.expect_rank(x, 4)
    block = int(call.option("BlockSize"))
    if not 1 <= block <= _MAX_BLOCK:
        call.fail(f"block size {block} is outside 1..{_MAX_BLOCK}")
    return x, y, block


def _operands(call: Call) -> tuple[Tensor, Tensor]:
    """Input 0 and the only output, of one type and quantization."""
    call.expect(inputs=len(call.inputs))
    x, y = call.input(0), call.outputs[0]
    call.expect_types(x, y, wide=True)
    call.expect_same_quantization(x, y)
    return x, y
