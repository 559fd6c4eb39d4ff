"""Reductions over axes, and the place of the largest and smallest values."""

from __future__ import annotations

from collections.abc import Callable

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import (
    Abs,
    Add,
    ArgMax,
    ArgMin,
    Exp,
    Log,
    Mean,
    Operator,
    ReduceMax,
    ReduceMin,
    Sqrt,
    Square,
    StridedSlice,
    Sub,
    Sum,
)
from smidgen.importers.onnx.call import Call, importer


@importer("ReduceMean", makes=(Mean,))
def reduce_mean(call: Call) -> Tensor:
    return _reduction(call, lambda x: x, Mean, lambda y: y)


@importer("ReduceSum", makes=(Sum,))
def reduce_sum(call: Call) -> Tensor:
    return _reduction(call, lambda x: x, Sum, lambda y: y)


@importer("ReduceMax", makes=(ReduceMax,))
def reduce_max(call: Call) -> Tensor:
    return _reduction(call, lambda x: x, ReduceMax, lambda y: y)


@importer("ReduceMin", makes=(ReduceMin,))
def reduce_min(call: Call) -> Tensor:
    return _reduction(call, lambda x: x, ReduceMin, lambda y: y)


@importer("ReduceL1", makes=(Abs, Sum))
def reduce_l1(call: Call) -> Tensor:
    return _reduction(call, _function(call, Abs()), Sum, lambda y: y)


@importer("ReduceL2", makes=(Square, Sum, Sqrt))
def reduce_l2(call: Call) -> Tensor:
    return _reduction(call, _function(call, Square()), Sum, _function(call, Sqrt()))


@importer("ReduceSumSquare", makes=(Square, Sum))
def reduce_sum_square(call: Call) -> Tensor:
    return _reduction(call, _function(call, Square()), Sum, lambda y: y)


@importer("ReduceLogSum", makes=(Sum, Log))
def reduce_log_sum(call: Call) -> Tensor:
    return _reduction(call, lambda x: x, Sum, _function(call, Log()))


@importer("ReduceLogSumExp", makes=(ReduceMax, Sub, Exp, Sum, Log, Add))
def reduce_log_sum_exp(call: Call) -> Tensor:
    """max + log(sum(exp(x - max)))."""
    x, axes, keep_dims = _operands(call)
    if not axes:
        return x
    kept = _reduced(x.shape, axes, True)
    largest = call.emit(ReduceMax(axes, True), [x], kept)
    powers = call.emit(Exp(), [call.emit(Sub(), [x, largest], x.shape)], x.shape)
    logarithm = call.emit(Log(), [call.emit(Sum(axes, True), [powers], kept)], kept)
    return call.reshape(call.emit(Add(), [largest, logarithm], kept), _reduced(x.shape, axes, keep_dims))


@importer("ArgMax", makes=(ArgMax, StridedSlice, Sub))
def arg_max(call: Call) -> Tensor:
    return _place(call, ArgMax)


@importer("ArgMin", makes=(ArgMin, StridedSlice, Sub))
def arg_min(call: Call) -> Tensor:
    return _place(call, ArgMin)


def _place(call: Call, operator: type[ArgMax] | type[ArgMin]) -> Tensor:
    """Of several equal values the first; the last is the first from behind."""
    call.expect_inputs(1)
    x = call.floats(0)
    axis = call.axis(call.attribute("axis", 0), len(x.shape))
    last = call.attribute("select_last_index", 0) != 0
    shape = _reduced(x.shape, (axis,), False)
    if last:
        begin = tuple(size - 1 if other == axis else 0 for other, size in enumerate(x.shape))
        step = tuple(-1 if other == axis else 1 for other in range(len(x.shape)))
        x = call.emit(StridedSlice(begin, step), [x], x.shape)
    y = call.emit(operator(axis), [x], shape, DType.I32)
    if last:
        end = call.scalar_integer(x.shape[axis] - 1)
        y = call.emit(Sub(), [end, y], shape)
    keep_dims = call.attribute("keepdims", 1) != 0
    return call.reshape(y, _reduced(x.shape, (axis,), keep_dims))


def _function(call: Call, operator: Operator) -> Callable[[Tensor], Tensor]:
    return lambda x: call.emit(operator, [x], x.shape)


def _reduction(
    call: Call,
    before: Callable[[Tensor], Tensor],
    operator: Callable[[tuple[int, ...], bool], Operator],
    after: Callable[[Tensor], Tensor],
) -> Tensor:
    x, axes, keep_dims = _operands(call)
    x = before(x)
    return after(call.emit(operator(axes, keep_dims), [x], _reduced(x.shape, axes, keep_dims)) if axes else x)


def _operands(call: Call) -> tuple[Tensor, tuple[int, ...], bool]:
    """The input, its axes (an attribute in older files, an input since) and whether they stay as ones."""
    call.expect_inputs(1, 2)
    x = call.floats(0)
    rank = len(x.shape)
    given = call.integers(1, "axes") if call.has(1) else call.attribute("axes", [])
    if not given and call.attribute("noop_with_empty_axes", 0):
        return x, (), True
    axes = call.axes(given, rank) if given else tuple(range(rank))
    return x, axes, call.attribute("keepdims", 1) != 0


def _reduced(shape: tuple[int, ...], axes: tuple[int, ...], keep_dims: bool) -> tuple[int, ...]:
    if keep_dims:
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)
