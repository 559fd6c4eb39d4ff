"""Layers and operations that move elements, and layers that do nothing at inference."""

from __future__ import annotations

import math

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import (
    Cast,
    Concatenation,
    Gather,
    Pack,
    Pad,
    Reshape,
    StridedSlice,
    Tile,
    Transpose,
)
from smidgen.importers.keras.call import Call, layer, operation


@layer(
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "ActivityRegularization", "Identity", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation",
    "RandomContrast",
)  # fmt: skip
def nothing(call: Call) -> Tensor:
    """Only training sees these layers."""
    return call.x


@layer("Flatten", makes=[Reshape])
def flatten(call: Call) -> Tensor:
    call.refuse_channels_first()
    x = call.x
    return call.emit(Reshape(), [x], (x.shape[0], x.elements // x.shape[0]))


@layer("Reshape", makes=[Reshape])
def reshape(call: Call) -> Tensor:
    """target_shape leaves out the batch."""
    x = call.x
    return _reshaped(call, x, [x.shape[0], *_integers(call, "target_shape")])


@operation("Reshape", makes=[Reshape])
def reshape_all(call: Call) -> Tensor:
    return _reshaped(call, call.x, _integers(call, "newshape"))


def _reshaped(call: Call, x: Tensor, wanted: list[int]) -> Tensor:
    """With the one size that is -1 filled in."""
    known = math.prod(size for size in wanted if size != -1)
    if known < 1 or wanted.count(-1) > 1 or min(wanted) < -1 or x.elements % known:
        call.fail(f"{list(x.shape)} cannot take the shape {wanted}")
    shape = [x.elements // known if size == -1 else size for size in wanted]
    if math.prod(shape) != x.elements:
        call.fail(f"{list(x.shape)} cannot take the shape {wanted}")
    return call.emit(Reshape(), [x], shape)


@layer("Permute", makes=[Transpose])
def permute(call: Call) -> Tensor:
    """dims counts from 1: the batch stays where it is."""
    return _transposed(call, [0, *_integers(call, "dims")])


@operation("Transpose", makes=[Transpose])
def transpose(call: Call) -> Tensor:
    rank = len(call.x.shape)
    if call.option("axes") is None:
        return _transposed(call, [*range(rank)][::-1])
    return _transposed(call, [call.axis(axis, rank) for axis in _integers(call, "axes")])


def _transposed(call: Call, order: list[int]) -> Tensor:
    x = call.x
    if sorted(order) != list(range(len(x.shape))):
        call.fail(f"its order {order} does not name each of {len(x.shape)} dimensions once")
    return call.emit(Transpose(tuple(order)), [x], [x.shape[axis] for axis in order])


@layer("RepeatVector", makes=[Reshape, Tile])
def repeat_vector(call: Call) -> Tensor:
    x, count = call.x, call.integer("n")
    call.expect_rank(x, 2)
    row = call.emit(Reshape(), [x], (x.shape[0], 1, x.shape[1]))
    return call.emit(Tile((1, count, 1)), [row], (x.shape[0], count, x.shape[1]))


@layer("Concatenate", makes=[Concatenation])
def concatenate(call: Call) -> Tensor:
    tensors = call.tensors
    if not tensors:
        call.fail("is called without tensors")
    axis = call.axis(call.option("axis", -1), len(tensors[0].shape))
    rest = _without(tensors[0].shape, axis)
    if any(
        _without(tensor.shape, axis) != rest or tensor.dtype is not tensors[0].dtype for tensor in tensors
    ):
        listed = ", ".join(str(list(tensor.shape)) for tensor in tensors)
        call.fail(f"its inputs {listed} do not fit on axis {axis}")
    total = sum(tensor.shape[axis] for tensor in tensors)
    shape = (*tensors[0].shape[:axis], total, *tensors[0].shape[axis + 1 :])
    return call.emit(Concatenation(axis), tensors, shape)


operation("Concatenate", makes=[Concatenation])(concatenate)


@operation("Stack", makes=[Pack])
def stack(call: Call) -> Tensor:
    tensors = call.tensors
    if not tensors or any(tensor.shape != tensors[0].shape for tensor in tensors):
        call.fail("its inputs have different shapes")
    shape = tensors[0].shape
    axis = call.axis(call.option("axis", 0), len(shape) + 1)
    return call.emit(Pack(axis), tensors, (*shape[:axis], len(tensors), *shape[axis:]))


@operation("Squeeze", makes=[Reshape])
def squeeze(call: Call) -> Tensor:
    x = call.x
    axis = call.option("axis")
    axes = (
        {i for i, size in enumerate(x.shape) if size == 1} if axis is None else call.axes(axis, len(x.shape))
    )
    if any(x.shape[one] != 1 for one in axes):
        call.fail(f"drops axes {sorted(axes)} of shape {list(x.shape)}, whose sizes are not 1")
    return call.emit(Reshape(), [x], [size for i, size in enumerate(x.shape) if i not in axes])


@operation("ExpandDims", makes=[Reshape])
def expand_dims(call: Call) -> Tensor:
    x = call.x
    listed = call.option("axis")
    count = len(listed) if isinstance(listed, list | tuple) else 1
    new, sizes = call.axes(listed, len(x.shape) + count), iter(x.shape)
    return call.emit(Reshape(), [x], [1 if i in new else next(sizes) for i in range(len(x.shape) + count)])


@layer("ZeroPadding1D", "ZeroPadding2D", makes=[Pad])
def zero_padding(call: Call) -> Tensor:
    x = call.x
    pairs = _pairs(call, "padding")
    shape = [size + sum(pair) for size, pair in zip(x.shape, pairs, strict=True)]
    return call.emit(Pad(pairs), [x], shape)


@layer("Cropping1D", "Cropping2D", makes=[StridedSlice])
def cropping(call: Call) -> Tensor:
    x = call.x
    pairs = _pairs(call, "cropping")
    shape = [size - sum(pair) for size, pair in zip(x.shape, pairs, strict=True)]
    if min(shape) < 1:
        call.fail(f"takes {pairs[1:-1]} off an input of shape {list(x.shape)}, which leaves nothing")
    return call.emit(StridedSlice(tuple(pair[0] for pair in pairs), (1,) * len(shape)), [x], shape)


def _pairs(call: Call, name: str) -> tuple[tuple[int, int], ...]:
    """(before, after) for every axis; the layer has them for the axes between batch and channels."""
    call.refuse_channels_first()
    rank = 3 if "1D" in call.layer.class_name else 4
    call.expect_rank(call.x, rank)
    value = call.option(name, 1)
    if isinstance(value, int):
        value = [[value, value]] * (rank - 2)
    elif isinstance(value, list | tuple) and rank == 3 and all(isinstance(one, int) for one in value):
        value = [value]
    if not isinstance(value, list | tuple) or len(value) != rank - 2:
        call.fail(f"its {name} is {str(value)[:80]}")
    pairs = []
    for one in value:
        pair = [one, one] if isinstance(one, int) else one
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(_is_size(size) for size in pair):
            call.fail(f"its {name} is {str(value)[:80]}")
        pairs.append((int(pair[0]), int(pair[1])))
    return ((0, 0), *pairs, (0, 0))


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1 << 16


@layer("Embedding", makes=[Gather, Cast])
def embedding(call: Call) -> Tensor:
    x = call.x
    rows, columns = call.integer("input_dim"), call.integer("output_dim")
    if call.flag("mask_zero"):
        call.fail("has mask_zero, and masking is not supported", "build it with mask_zero=False")
    table = call.constant("embeddings", call.weight("embeddings", (rows, columns)))
    indices = x if x.dtype is DType.I32 else call.emit(Cast(), [x], x.shape, DType.I32)
    return call.emit(Gather(0), [table, indices], (*x.shape, columns))


@operation("GetItem", makes=[StridedSlice, Reshape])
def get_item(call: Call) -> Tensor:
    """x[...] with numbers, slices, None and one ellipsis."""
    if not call.tensors or (len(call.args) != 2 and "key" not in call.kwargs):
        call.fail("is called without a tensor or without a key")
    x = call.tensors[0]
    key = call.args[1] if len(call.args) == 2 else call.kwargs["key"]
    parts = tuple(_slice(call, part) for part in (key if isinstance(key, list | tuple) else [key]))
    # NumPy does the arithmetic, on the index of every element along each axis.
    try:
        shape = np.broadcast_to(np.int8(0), x.shape)[parts].shape
        axes = [
            np.arange(size).reshape([-1 if i == axis else 1 for i in range(len(x.shape))])
            for axis, size in enumerate(x.shape)
        ]
        taken = [np.unique(np.broadcast_to(index, x.shape)[parts]) for index in axes]
    except (IndexError, ValueError, TypeError) as error:
        call.fail(f"takes {str(key)[:80]} of shape {list(x.shape)}: {str(error)[:80]}")
    if 0 in shape:
        call.fail(f"takes nothing of shape {list(x.shape)}")
    steps = [int(one[1] - one[0]) if one.size > 1 else 1 for one in taken]
    if any(isinstance(part, slice) and (part.step or 1) < 0 for part in parts):
        call.fail("takes elements backwards, which is not supported")
    begin = tuple(int(one[0]) for one in taken)
    y = call.emit(StridedSlice(begin, tuple(steps)), [x], [one.size for one in taken])
    return y if y.shape == shape else call.emit(Reshape(), [y], shape)


def _slice(call: Call, part: object) -> object:
    """A part of a key as Keras writes it."""
    if isinstance(part, dict) and part.get("class_name") in ("__slice__", "slice"):
        config = part.get("config")
        values = (
            [config.get(name) for name in ("start", "stop", "step")] if isinstance(config, dict) else ["?"]
        )
        if all(value is None or isinstance(value, int) for value in values):
            return slice(*values)
    elif isinstance(part, dict) and part.get("class_name") == "__ellipsis__":
        return Ellipsis
    elif part is None or (isinstance(part, int | slice | type(Ellipsis)) and not isinstance(part, bool)):
        return part
    call.fail(f"is called with the key {str(part)[:80]}")


def _integers(call: Call, name: str) -> list[int]:
    value = call.option(name)
    listed = list(value) if isinstance(value, list | tuple) else [value]
    if any(isinstance(one, bool) or not isinstance(one, int) for one in listed):
        call.fail(f"its {name} is {str(value)[:80]!r} instead of integers")
    return listed


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]
