"""SLICE and STRIDED_SLICE. (Part of the family `shape`; not called `slice`, which is a Python builtin.)"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import Reshape, StridedSlice
from smidgen.importers.tflite.call import Call, importer


@dataclass(frozen=True)
class _Range:
    """What is taken of one axis: `count` elements from `begin`, `step` apart."""

    begin: int
    step: int
    count: int


@importer("SLICE")
def slice_(call: Call) -> None:
    call.expect(inputs=3)
    x, y = _operands(call)
    begins, sizes = call.parameter(1, "begin"), call.parameter(2, "size")
    rank = len(x.shape)
    if len(begins) != rank or len(sizes) != rank:
        call.fail(f"its begin and size hold {len(begins)} and {len(sizes)} numbers for {rank} dimensions")
    ranges = []
    for axis, (begin, size) in enumerate(zip(begins.tolist(), sizes.tolist(), strict=True)):
        count = x.shape[axis] - begin if size == -1 else size
        if begin < 0 or count < 1 or begin + count > x.shape[axis]:
            call.fail(f"begin {begin} and size {size} leave axis {axis} of {list(x.shape)}")
        ranges.append(_Range(begin, 1, count))
    _emit(call, x, y, ranges, tuple(part.count for part in ranges))


@importer("STRIDED_SLICE", "StridedSliceOptions")
def strided_slice(call: Call) -> None:
    """Semantics of tf.strided_slice: begin, end and strides hold one number per position; masks mark them."""
    call.expect(inputs=4)
    x, y = call.input(0), call.outputs[0]
    ranges, shape = _sparse_ranges(call, x)
    if x.dtype is DType.I32 and x.data is not None:
        taken = tuple(np.arange(part.count) * part.step + part.begin for part in ranges)
        call.fold(x.data[np.ix_(*taken)].reshape(shape))
        return
    _operands(call)
    _emit(call, x, y, ranges, shape)


def _sparse_ranges(call: Call, x: Tensor) -> tuple[list[_Range], tuple[int, ...]]:
    """(what is taken of each axis of x, the output's shape)."""
    begins, ends, steps = (call.parameter(index + 1, role).tolist() for index, role in enumerate(_ROLES))
    if not len(begins) == len(ends) == len(steps):
        call.fail(f"its begin, end and strides hold {len(begins)}, {len(ends)} and {len(steps)} numbers")
    if call.option("Offset"):
        call.fail("ends relative to begins are not supported")
    masks = {name: int(call.option(f"{name}Mask")) for name in _MASKS}
    rank, positions = len(x.shape), len(begins)
    if masks["Ellipsis"] & (masks["Ellipsis"] - 1):
        call.fail("has more than one ellipsis")

    def marked(name: str, position: int) -> bool:
        return bool(masks[name] >> position & 1)

    named = sum(not marked("Ellipsis", p) and not marked("NewAxis", p) for p in range(positions))
    if named > rank:
        call.fail(f"names {named} dimensions of {rank}")
    ranges: list[_Range] = []
    shape: list[int] = []

    def take_whole_axes(count: int) -> None:
        for _ in range(count):
            size = x.shape[len(ranges)]
            ranges.append(_Range(0, 1, size))
            shape.append(size)

    for position in range(positions):
        if marked("Ellipsis", position):
            take_whole_axes(rank - named)
        elif marked("NewAxis", position):
            shape.append(1)
        else:
            axis = len(ranges)
            begin = None if marked("Begin", position) else begins[position]
            end = None if marked("End", position) else ends[position]
            if marked("ShrinkAxis", position):
                ranges.append(
                    _one(call, axis, x.shape[axis], begins[position], begin is None, steps[position])
                )
            else:
                ranges.append(_range(call, axis, x.shape[axis], begin, end, steps[position]))
                shape.append(ranges[-1].count)
    take_whole_axes(rank - len(ranges))
    return ranges, tuple(shape)


_ROLES = ("begin", "end", "strides")
_MASKS = ("Begin", "End", "Ellipsis", "NewAxis", "ShrinkAxis")


def _one(call: Call, axis: int, size: int, index: int, masked: bool, step: int) -> _Range:
    """One index of an axis that disappears."""
    if step < 1:
        call.fail(f"drops axis {axis} with a stride of {step}, which must be positive")
    if masked and index != 0:
        call.fail(f"both drops axis {axis} and ignores its begin", "convert again with a current TensorFlow")
    if not -size <= index < size:
        call.fail(f"index {index} is outside axis {axis} of size {size}")
    return _Range(index % size, 1, 1)


def _range(call: Call, axis: int, size: int, begin: int | None, end: int | None, step: int) -> _Range:
    """Python's slice semantics, which are tf.strided_slice's."""
    if step == 0:
        call.fail(f"stride of axis {axis} is 0")
    first, stop, step = slice(begin, end, step).indices(size)
    count = len(range(first, stop, step))
    if count == 0:
        call.fail(f"takes nothing of axis {axis}")
    return _Range(first, step if count > 1 else 1, count)


def _emit(call: Call, x: Tensor, y: Tensor, ranges: list[_Range], shape: tuple[int, ...]) -> None:
    """A StridedSlice of x's rank, and a Reshape when the operator drops or adds dimensions."""
    call.expect_shape(y, shape)
    operator = StridedSlice(tuple(part.begin for part in ranges), tuple(part.step for part in ranges))
    sliced = tuple(part.count for part in ranges)
    if sliced == y.shape:
        call.emit(operator, [x], [y])
        return
    between = call.new_tensor(y, sliced)
    call.emit(operator, [x], [between])
    call.emit(Reshape(), [between], [y], suffix="_reshape")


def _operands(call: Call) -> tuple[Tensor, Tensor]:
    x, y = call.input(0), call.outputs[0]
    call.expect_types(x, y, wide=True)
    call.expect_same_quantization(x, y)
    if not x.shape:
        call.fail("cannot slice a scalar")
    return x, y
