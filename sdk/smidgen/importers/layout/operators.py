"""What each operator does with inputs that are views in another order of axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from smidgen.graph import Node, Tensor
from smidgen.graph.operators import (
    ArgMax,
    ArgMin,
    BatchMatMul,
    Concatenation,
    FullyConnected,
    Gather,
    LayerNorm,
    Mean,
    Operator,
    Pad,
    ReduceMax,
    ReduceMin,
    Reshape,
    RmsNorm,
    Softmax,
    Split,
    StridedSlice,
    Sum,
    Tile,
    Transpose,
)
from smidgen.importers.layout.reshape import plan
from smidgen.importers.layout.writer import Axes, View, Writer, inverse, only_moves_ones, permuted

# Families whose operators compute each element alone, but for Softmax.
_ELEMENTWISE = {"activation", "elementwise", "logic", "quantize", "unary"}


def through(writer: Writer, node: Node) -> None:
    """Write one node of the old graph, or remember what its output is a view of."""
    handler = _HANDLERS.get(type(node.operator), _elementwise if _is_elementwise(node) else None)
    if handler is None or not handler(writer, node):
        _as_it_was(writer, node)


def _is_elementwise(node: Node) -> bool:
    family = type(node.operator).__module__.rpartition(".")[2]
    return family in _ELEMENTWISE and not isinstance(node.operator, Softmax)


def _as_it_was(writer: Writer, node: Node) -> None:
    inputs = [None if name is None else writer.in_order(name) for name in node.inputs]
    axes = [tuple(range(len(writer.graph.tensors[name].shape))) for name in node.outputs]
    writer.emit(node, node.operator, inputs, axes)


def _view(writer: Writer, node: Node, index: int = 0) -> View:
    name = node.inputs[index]
    assert name is not None
    return writer.views[name]


def _transpose(writer: Writer, node: Node) -> bool:
    view = _view(writer, node)
    writer.views[node.outputs[0]] = View(view.base, permuted(view.axes, node.operator.permutation))
    return True


def _reshape(writer: Writer, node: Node) -> bool:
    view, output = _view(writer, node), writer.graph.tensors[node.outputs[0]]
    x = writer.graph.tensors[node.inputs[0] or ""]
    if only_moves_ones(writer.base(view).shape, view.axes):
        base = writer.reshaped(view.base, output.shape)
        writer.views[output.name] = View(base, tuple(range(len(output.shape))))
        return True
    steps = plan(view.axes, x.shape, output.shape)
    last = steps.blocks[-1]
    columns = len(output.shape) - 1
    if last.after == (columns,) and len(last.before) > 1 and _only_rows(writer, output.name):
        # The layers that read these rows take their columns in the base's order.
        inside = tuple(int(i) for i in np.argsort([view.axes[axis] for axis in last.before]))
        sizes = [x.shape[axis] for axis in last.before]
        order = np.arange(output.shape[-1]).reshape(sizes).transpose(inside).reshape(-1)
        kept = sorted(steps.axes[-len(last.before) :])
        axes = (*steps.axes[: -len(last.before)], *kept)
        base = writer.reshaped(writer.transposed(view.base, axes), steps.shape)
        writer.views[output.name] = View(base, steps.view, order)
        return True
    base = writer.reshaped(writer.transposed(view.base, steps.axes), steps.shape)
    writer.views[output.name] = View(base, steps.view)
    return True


def _only_rows(writer: Writer, name: str) -> bool:
    """Whether fully connected layers alone read a tensor's last axis, directly or element by element."""
    size = writer.graph.tensors[name].shape[-1]
    if writer.is_seen(name):
        return False
    for node in writer.consumers.get(name, []):
        others = [writer.graph.tensors[other] for other in node.inputs[1:] if other is not None]
        if node.inputs[0] != name or not all(other.is_constant for other in others):
            return False
        if isinstance(node.operator, FullyConnected):
            if others[0].shape[1] != size:
                return False
            continue
        suits = _is_elementwise(node) and all(_suits(other, size) for other in others)
        if not (suits and _only_rows(writer, node.outputs[0])):
            return False
    return True


def _suits(constant: Tensor, size: int) -> bool:
    return constant.elements == 1 or (constant.shape[-1] == size and constant.quantization is None)


def _fully_connected(writer: Writer, node: Node) -> bool:
    view = _view(writer, node)
    x, y = (writer.graph.tensors[name or ""] for name in (node.inputs[0], node.outputs[0]))
    same_rows = len(x.shape) == len(y.shape) and x.shape[:-1] == y.shape[:-1]
    if view.order is None and not (same_rows and view.axes[-1] == len(x.shape) - 1):
        return False
    inputs = [view.base, *(None if name is None else writer.in_order(name) for name in node.inputs[1:])]
    if view.order is not None:
        weights = writer.tensors[inputs[1] or ""]
        axes = (0, 1)
        inputs[1] = writer.constant(weights, lambda data: data[:, view.order], axes)
    writer.emit(node, node.operator, inputs, [view.axes])
    return True


def _elementwise(writer: Writer, node: Node) -> bool:
    """Of any number of inputs that broadcast: in the order that costs the fewest moved elements."""
    output = writer.graph.tensors[node.outputs[0]]
    rank = len(output.shape)
    names = [name for name in node.inputs if name is not None]
    order = next((writer.views[name].order for name in names if writer.views[name].order is not None), None)
    moving = [name for name in names if not writer.graph.tensors[name].is_constant]
    candidates = {writer.views[name].axes: None for name in moving if len(writer.views[name].axes) == rank}
    if not candidates:
        return False
    axes = min(candidates, key=lambda axes: (_cost(writer, moving, axes), axes == tuple(range(rank))))
    inputs = [None if name is None else _operand(writer, name, axes, order) for name in node.inputs]
    writer.emit(node, node.operator, inputs, [axes], order)
    return True


def _cost(writer: Writer, names: list[str], axes: Axes) -> int:
    """How many elements must be moved so that all inputs are in this order."""
    total = 0
    for name in names:
        view = writer.views[name]
        if len(view.axes) == len(axes):
            base = writer.base(view)
            moved = permuted(view.axes, inverse(axes))
            total += 0 if only_moves_ones(base.shape, moved) else base.elements
    return total


def _operand(writer: Writer, name: str, axes: Axes, order: np.ndarray | None) -> str:
    """One input of an elementwise operator in the order that was chosen for its output."""
    view, tensor = writer.views[name], writer.graph.tensors[name]
    if view.order is not None:
        return view.base
    if tensor.is_constant:
        return _constant_operand(writer, tensor, axes, order)
    if len(view.axes) == len(axes):
        return writer.in_order(name, axes)
    if axes == tuple(range(len(axes))) or tensor.elements == 1:
        return writer.in_order(name)
    plain = writer.in_order(name)
    full = writer.reshaped(plain, (*[1] * (len(axes) - len(tensor.shape)), *tensor.shape))
    return writer.transposed(full, inverse(axes))


def _constant_operand(writer: Writer, tensor: Tensor, axes: Axes, order: np.ndarray | None) -> str:
    """Leading ones are dropped, so that one number per channel is a vector."""
    plain = axes == tuple(range(len(axes)))
    if tensor.elements == 1 or (plain and order is None):
        return tensor.name
    if order is not None:
        return writer.constant(tensor, lambda data: data[..., order], tuple(range(len(tensor.shape))))
    rank = len(axes)
    added = rank - len(tensor.shape)
    moved = inverse(axes)
    sizes = permuted((*[1] * added, *tensor.shape), moved)
    kept = next(axis for axis, size in enumerate(sizes) if size != 1)
    channels = tensor.quantization is not None and tensor.quantization.axis is not None
    if channels:
        kept = min(kept, added)
    own = tuple(axis - added for axis in moved[kept:]) if channels else None

    def change(data: np.ndarray) -> np.ndarray:
        return data.reshape([1] * added + [*data.shape]).transpose(moved).reshape(sizes[kept:])

    return writer.constant(tensor, change, own)


def _along(change: Callable[[Operator, Axes], Operator]) -> Callable[[Writer, Node], bool]:
    """An operator of one moving input whose output has the same axes; `change` renames its own."""

    def handler(writer: Writer, node: Node) -> bool:
        view = _view(writer, node)
        others = [None if name is None else writer.in_order(name) for name in node.inputs[1:]]
        operator = change(node.operator, view.axes)
        writer.emit(node, operator, [view.base, *others], [view.axes] * len(node.outputs))
        return True

    return handler


def _pad(operator: Pad, axes: Axes) -> Pad:
    return replace(operator, paddings=permuted(operator.paddings, inverse(axes)))


def _slice(operator: StridedSlice, axes: Axes) -> StridedSlice:
    back = inverse(axes)
    return replace(operator, begin=permuted(operator.begin, back), step=permuted(operator.step, back))


def _tile(operator: Tile, axes: Axes) -> Tile:
    return replace(operator, multiples=permuted(operator.multiples, inverse(axes)))


def _split(operator: Split, axes: Axes) -> Split:
    return replace(operator, axis=axes[operator.axis])


def _concatenation(writer: Writer, node: Node) -> bool:
    names = [name for name in node.inputs if name is not None]
    moving = [name for name in names if not writer.graph.tensors[name].is_constant]
    if not moving:
        return False
    candidates = {writer.views[name].axes: None for name in moving}
    plain = tuple(range(len(next(iter(candidates)))))
    axes = min(candidates, key=lambda axes: (_cost(writer, moving, axes), axes == plain))
    inputs = [writer.in_order(name, axes) for name in names]
    writer.emit(node, replace(node.operator, axis=axes[node.operator.axis]), inputs, [axes])
    return True


def _reduction(writer: Writer, node: Node) -> bool:
    view, operator = _view(writer, node), node.operator
    arg = isinstance(operator, ArgMax | ArgMin)
    own = (operator.axis,) if arg else operator.axes
    there = tuple(sorted(view.axes[axis] for axis in own))
    keeps = not arg and operator.keep_dims
    kept = [axis for axis in range(len(view.axes)) if keeps or axis not in own]
    left = sorted(view.axes[axis] for axis in kept)
    axes = tuple(left.index(view.axes[axis]) for axis in kept)
    changed = replace(operator, axis=there[0]) if arg else replace(operator, axes=there)
    writer.emit(node, changed, [view.base], [axes])
    return True


def _gather(writer: Writer, node: Node) -> bool:
    """Along one axis of a view, when the indices are one axis themselves."""
    view = _view(writer, node)
    if len(writer.graph.tensors[node.inputs[1] or ""].shape) != 1:
        return False
    return _along(lambda operator, axes: replace(operator, axis=axes[operator.axis]))(writer, node) and bool(
        view
    )


def _rows(count: Callable[[Operator], int]) -> Callable[[Writer, Node], bool]:
    """An operator on the last axes, so many that it says, which must be where they are in the base."""

    def handler(writer: Writer, node: Node) -> bool:
        view = _view(writer, node)
        rank = len(view.axes)
        own = tuple(range(rank - count(node.operator), rank))
        if view.axes[rank - len(own) :] != own:
            return False
        return _along(lambda operator, _: operator)(writer, node)

    return handler


def _batch_matmul(writer: Writer, node: Node) -> bool:
    """An input whose matrices are transposed is read so."""
    operator, inputs = node.operator, []
    for index, flag in enumerate(("transpose_a", "transpose_b")):
        name = node.inputs[index] or ""
        view, rank = writer.views[name], len(writer.views[name].axes)
        swapped = (*range(rank - 2), rank - 1, rank - 2)
        if view.axes == swapped:
            operator = replace(operator, **{flag: not getattr(operator, flag)})
            inputs.append(view.base)
        else:
            inputs.append(writer.in_order(name))
    rank = len(writer.graph.tensors[node.outputs[0]].shape)
    writer.emit(node, operator, inputs, [tuple(range(rank))])
    return True


_HANDLERS: dict[type[Operator], Callable[[Writer, Node], bool]] = {
    Transpose: _transpose,
    Reshape: _reshape,
    FullyConnected: _fully_connected,
    BatchMatMul: _batch_matmul,
    Concatenation: _concatenation,
    Gather: _gather,
    Pad: _along(_pad),
    StridedSlice: _along(_slice),
    Tile: _along(_tile),
    Split: _along(_split),
    Mean: _reduction,
    Sum: _reduction,
    ReduceMax: _reduction,
    ReduceMin: _reduction,
    ArgMax: _reduction,
    ArgMin: _reduction,
    Softmax: _rows(lambda operator: 1),
    LayerNorm: _rows(lambda operator: operator.axes),
    RmsNorm: _rows(lambda operator: operator.axes),
}
