"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, ARG_MAX, ARG_MIN."""

from __future__ import annotations

import math

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import ArgMax, ArgMin, Mean, ReduceMax, ReduceMin, Sum
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.multiplier import expect_rescalable

_LARGEST_DIFFERENCE = 255  # of an int8 value and a zero point


@importer("MEAN", "ReducerOptions")
def mean(call: Call) -> None:
    x, y, axes, keep_dims = _operands(call, wide=True)
    _expect_sum(call, x, y, axes)
    call.emit(Mean(axes, keep_dims), [x], [y])


@importer("SUM", "ReducerOptions")
def total(call: Call) -> None:
    x, y, axes, keep_dims = _operands(call)
    _expect_sum(call, x, y, axes)
    call.emit(Sum(axes, keep_dims), [x], [y])


@importer("REDUCE_MAX", "ReducerOptions")
def reduce_max(call: Call) -> None:
    x, y, axes, keep_dims = _operands(call)
    call.expect_same_quantization(x, y)
    call.emit(ReduceMax(axes, keep_dims), [x], [y])


@importer("REDUCE_MIN", "ReducerOptions")
def reduce_min(call: Call) -> None:
    x, y, axes, keep_dims = _operands(call)
    call.expect_same_quantization(x, y)
    call.emit(ReduceMin(axes, keep_dims), [x], [y])


@importer("ARG_MAX")
def arg_max(call: Call) -> None:
    x, y, axis = _indexed(call)
    call.emit(ArgMax(axis), [x], [y])


@importer("ARG_MIN")
def arg_min(call: Call) -> None:
    x, y, axis = _indexed(call)
    call.emit(ArgMin(axis), [x], [y])


def _operands(call: Call, wide: bool = False) -> tuple[Tensor, Tensor, tuple[int, ...], bool]:
    """(input, output, axes, whether they stay with size 1)."""
    call.expect(inputs=2)
    x, y = call.input(0), call.outputs[0]
    call.expect_types(x, y, wide=wide)
    rank = len(x.shape)
    axes = tuple(sorted({call.axis(int(axis), rank) for axis in call.parameter(1, "axes")}))
    keep_dims = bool(call.option("KeepDims"))
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    dropped = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    call.expect_shape(y, kept if keep_dims else dropped)
    return x, y, axes, keep_dims


def _expect_sum(call: Call, x: Tensor, y: Tensor, axes: tuple[int, ...]) -> None:
    if y.dtype is not DType.F32:
        count = math.prod(x.shape[axis] for axis in axes)
        largest = _LARGEST_DIFFERENCE if y.dtype is DType.I8 else 1 << 15
        expect_rescalable(call, x.scale / y.scale, largest * count)


def _indexed(call: Call) -> tuple[Tensor, Tensor, int]:
    """(input, output of indices, axis)."""
    call.expect(inputs=2)
    x, y, axes = call.input(0), call.outputs[0], call.parameter(1, "axis")
    call.expect_types(x)
    if y.dtype is not DType.I32:
        call.fail(f"writes {y.dtype.value} instead of i32")
    if axes.size != 1:
        call.fail(f"its axis holds {axes.size} numbers instead of 1")
    axis = call.axis(int(axes[0]), len(x.shape))
    call.expect_shape(y, x.shape[:axis] + x.shape[axis + 1 :])
    return x, y, axis
