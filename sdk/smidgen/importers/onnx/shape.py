"""Moving elements without computing on them: new shapes, orders and copies."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import (
    Concatenation,
    DepthToSpace,
    Gather,
    Reshape,
    SpaceToDepth,
    StridedSlice,
    Tile,
    Transpose,
)
from smidgen.importers.onnx.call import Call, Value, importer
from smidgen.importers.onnx.constants import MAX_ELEMENTS


@importer("Constant", folds=True)
def constant(call: Call) -> np.ndarray:
    call.expect_inputs(0)
    array = call.tensor_attribute("value")
    if array is not None:
        return array
    for name, dtype, default in (
        ("value_float", np.float32, 0.0),
        ("value_int", np.int64, 0),
        ("value_floats", np.float32, None),
        ("value_ints", np.int64, None),
    ):
        if call.has_attribute(name):
            return np.array(call.attribute(name, default), dtype)
    call.fail("holds no number or tensor of numbers")


@importer("Shape", folds=True)
def shape(call: Call) -> np.ndarray:
    """Sizes are fixed, so they are known here."""
    call.expect_inputs(1)
    sizes = call.shape()
    start, end = call.attribute("start", 0), call.attribute("end", len(sizes))
    return np.array(sizes[slice(start, end)], np.int64)


@importer("Size", folds=True)
def size(call: Call) -> np.ndarray:
    call.expect_inputs(1)
    return np.array(math.prod(call.shape()), np.int64)


@importer("Identity")
def identity(call: Call) -> Value:
    call.expect_inputs(1)
    return call.value(0)


@importer("Dropout")
def dropout(call: Call) -> Value:
    call.expect_inputs(1, 3)
    if call.has(2) and call.constant(2, "training mode").any():
        call.fail("is in training mode", "export the model for inference (PyTorch: model.eval())")
    return call.value(0)


@importer("Reshape", makes=(Reshape,))
def reshape(call: Call) -> Tensor:
    """0 keeps a size (unless `allowzero`), -1 takes what is left."""
    call.expect_inputs(2)
    x, sizes = call.tensor(0), call.integers(1, "shape")
    wanted = list(sizes)
    if not call.attribute("allowzero", 0):
        for axis, size in enumerate(sizes):
            if size == 0 and axis < len(x.shape):
                wanted[axis] = x.shape[axis]
    if wanted.count(-1) == 1:
        known = math.prod(size for size in wanted if size != -1)
        wanted[wanted.index(-1)] = x.elements // known if known > 0 else 0
    if any(size < 1 for size in wanted) or math.prod(wanted) != x.elements:
        call.fail(f"shape {list(x.shape)} cannot become {sizes}")
    return call.reshape(x, wanted)


@importer("Flatten", makes=(Reshape,))
def flatten(call: Call) -> Tensor:
    call.expect_inputs(1)
    x, axis = call.tensor(0), call.attribute("axis", 1)
    if not -len(x.shape) <= axis <= len(x.shape):
        call.fail(f"axis {axis} does not exist in {len(x.shape)} dimensions")
    axis = axis + len(x.shape) if axis < 0 else axis
    return call.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@importer("Squeeze", makes=(Reshape,))
def squeeze(call: Call) -> Tensor:
    call.expect_inputs(1, 2)
    x = call.tensor(0)
    ones = [axis for axis, size in enumerate(x.shape) if size == 1]
    axes = call.axes(call.integers(1, "axes"), len(x.shape)) if call.has(1) else tuple(ones)
    if not set(axes) <= set(ones):
        call.fail(f"shape {list(x.shape)} has other sizes than 1 at axes {list(axes)}")
    return call.reshape(x, [size for axis, size in enumerate(x.shape) if axis not in axes])


@importer("Unsqueeze", makes=(Reshape,))
def unsqueeze(call: Call) -> Tensor:
    call.expect_inputs(2)
    x, added = call.tensor(0), call.integers(1, "axes")
    rank = len(x.shape) + len(added)
    axes = call.axes(added, rank)
    sizes = iter(x.shape)
    return call.reshape(x, [1 if axis in axes else next(sizes) for axis in range(rank)])


@importer("Transpose", makes=(Transpose,))
def transpose(call: Call) -> Tensor:
    call.expect_inputs(1)
    x = call.tensor(0)
    permutation = call.attribute("perm", list(range(len(x.shape)))[::-1])
    if sorted(permutation) != list(range(len(x.shape))):
        call.fail(f"{permutation} is no order of {len(x.shape)} axes")
    return call.transpose(x, permutation)


@importer("Concat", makes=(Concatenation,))
def concat(call: Call) -> Tensor:
    if not call.has_attribute("axis") or not call.inputs:
        call.fail("has no inputs or no axis")
    tensors = [call.tensor(index) for index in range(len(call.inputs))]
    first = tensors[0]
    axis = call.axis(call.attribute("axis", 0), len(first.shape))
    for other in tensors[1:]:
        same_rank = len(other.shape) == len(first.shape)
        if not same_rank or any(
            a != b for place, (a, b) in enumerate(zip(first.shape, other.shape, strict=True)) if place != axis
        ):
            call.fail(f"shapes {list(first.shape)} and {list(other.shape)} differ beside axis {axis}")
    if len(tensors) == 1:
        return first
    if len({tensor.dtype for tensor in tensors}) > 1 or any(tensor.quantization for tensor in tensors):
        tensors = [call.floats(index) for index in range(len(tensors))]
    total = sum(tensor.shape[axis] for tensor in tensors)
    shape = (*first.shape[:axis], total, *first.shape[axis + 1 :])
    return call.emit(Concatenation(axis), tensors, shape)


@importer("Gather", makes=(Gather, StridedSlice, Reshape))
def gather(call: Call) -> Tensor:
    call.expect_inputs(2)
    x, indices = call.tensor(0), call.tensor(1, "indices")
    if indices.dtype is not DType.I32 or indices.quantization is not None:
        call.fail(f"its indices have type {indices.dtype.value} instead of whole numbers")
    axis = call.axis(call.attribute("axis", 0), len(x.shape))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if indices.data is None:
        return call.move(Gather(axis), [x, indices], shape)
    size = x.shape[axis]
    if indices.data.min() < -size or indices.data.max() >= size:
        call.fail(
            f"its indices reach from {indices.data.min()} to {indices.data.max()}, but axis {axis} has {size}"
        )
    places = indices.data.reshape(-1) % size
    steps = set(np.diff(places).tolist())
    if x.data is None and len(steps) < 2 and 0 not in steps:
        step = steps.pop() if steps else 1
        return call.reshape(cut(call, x, axis, int(places[0]), step, len(places)), shape)
    wanted = call.new_constant(places.reshape(indices.shape).astype(np.int32), call.file.input[1])
    return call.move(Gather(axis), [x, wanted], shape)


def cut(call: Call, x: Tensor, axis: int, begin: int, step: int, size: int) -> Tensor:
    """`size` elements of one axis, from `begin` on."""
    if begin == 0 and step == 1 and size == x.shape[axis]:
        return x
    begins = tuple(begin if other == axis else 0 for other in range(len(x.shape)))
    steps = tuple(step if other == axis else 1 for other in range(len(x.shape)))
    return call.move(StridedSlice(begins, steps), [x], (*x.shape[:axis], size, *x.shape[axis + 1 :]))


@importer("Expand", makes=(Tile,))
def expand(call: Call) -> Tensor:
    call.expect_inputs(2)
    x, sizes = call.tensor(0), call.integers(1, "shape")
    if any(size < 1 for size in sizes):
        call.fail(f"shape {sizes} has a size that is not positive")
    shape = call.broadcast(x, replace(x, shape=tuple(sizes)))
    x = call.reshape(x, (*[1] * (len(shape) - len(x.shape)), *x.shape))
    return _tiled(call, x, [new // old for new, old in zip(shape, x.shape, strict=True)])


@importer("Tile", makes=(Tile,))
def tile(call: Call) -> Tensor:
    call.expect_inputs(2)
    x, repeats = call.tensor(0), call.integers(1, "repeats")
    if len(repeats) != len(x.shape) or any(not 1 <= times <= MAX_ELEMENTS for times in repeats):
        call.fail(f"its repeats are {repeats}; {len(x.shape)} positive numbers are needed")
    return _tiled(call, x, repeats)


def _tiled(call: Call, x: Tensor, multiples: list[int]) -> Tensor:
    if all(times == 1 for times in multiples):
        return x
    shape = [size * times for size, times in zip(x.shape, multiples, strict=True)]
    return call.move(Tile(tuple(multiples)), [x], shape)


@importer("DepthToSpace", makes=(DepthToSpace, Gather))
def depth_to_space(call: Call) -> Tensor:
    """Mode DCR is the graph's; CRD, PyTorch's PixelShuffle, has the place in the block last."""
    x, block = _blocks(call)
    n, height, width, channels = x.shape
    if channels % block**2:
        call.fail(f"{channels} channels cannot be split into blocks of {block} x {block}")
    depth = channels // block**2
    if _depth_first(call) and depth > 1:
        order = np.arange(channels, dtype=np.int32).reshape(depth, block**2).T.reshape(-1)
        x = call.emit(Gather(3), [x, call.new_constant(order)], x.shape)
    y = call.emit(DepthToSpace(block), [x], (n, height * block, width * block, depth))
    return call.channels_first(y)


@importer("SpaceToDepth", makes=(SpaceToDepth, Gather))
def space_to_depth(call: Call) -> Tensor:
    x, block = _blocks(call)
    n, height, width, channels = x.shape
    if height % block or width % block:
        call.fail(f"{height} rows and {width} columns cannot be split into blocks of {block} x {block}")
    y = call.emit(SpaceToDepth(block), [x], (n, height // block, width // block, channels * block**2))
    if _depth_first(call) and channels > 1:
        order = np.arange(channels * block**2, dtype=np.int32).reshape(block**2, channels).T.reshape(-1)
        y = call.emit(Gather(3), [y, call.new_constant(order)], y.shape)
    return call.channels_first(y)


def _depth_first(call: Call) -> bool:
    """Whether the place in the block is counted after the depth (CRD) instead of before it (DCR)."""
    mode = call.attribute("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        call.fail(f"its attribute 'mode' is {mode!r}")
    return mode == "CRD"


def _blocks(call: Call) -> tuple[Tensor, int]:
    call.expect_inputs(1)
    x, spatial = call.image()
    block = call.attribute("blocksize", 0)
    if spatial != 2 or not 1 <= block < 1 << 15:
        call.fail(f"block size {block} of an input {list(call.shape())} is not supported")
    return x, block
