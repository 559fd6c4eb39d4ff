"""Cutting parts out and padding around: Slice, Split, Pad."""

from __future__ import annotations

import numpy as np

from smidgen.graph import Tensor
from smidgen.graph.operators import Gather, Pad, Split, StridedSlice
from smidgen.importers.onnx.call import Call, importer
from smidgen.importers.onnx.constants import MAX_ELEMENTS
from smidgen.importers.onnx.shape import cut


@importer("Slice", makes=(StridedSlice,))
def slice_(call: Call) -> Tensor:
    """Bounds beyond the ends mean the ends, as in Python."""
    call.expect_inputs(3, 5)
    x = call.tensor(0)
    starts, ends = call.integers(1, "starts"), call.integers(2, "ends")
    axes = call.integers(3, "axes") if call.has(3) else list(range(len(starts)))
    steps = call.integers(4, "steps") if call.has(4) else [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        call.fail("its starts, ends, axes and steps are not equally many")
    call.axes(axes, len(x.shape))
    begins, strides, shape = [0] * len(x.shape), [1] * len(x.shape), [*x.shape]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step == 0:
            call.fail("a step is 0")
        places = range(*slice(start, end, step).indices(x.shape[axis]))
        if not places:
            call.fail(f"takes nothing of axis {axis}, which has {x.shape[axis]} elements")
        begins[axis], strides[axis], shape[axis] = places[0], places.step, len(places)
    if tuple(shape) == x.shape and all(stride > 0 for stride in strides):
        return x
    return call.move(StridedSlice(tuple(begins), tuple(strides)), [x], shape)


@importer("Split", makes=(Split,))
def split(call: Call) -> list[Tensor]:
    """Sizes are an input; without it the parts are equal, but for a smaller last one."""
    call.expect_inputs(1, 2)
    x, parts = call.tensor(0), len(call.file.output)
    axis = call.axis(call.attribute("axis", 0), len(x.shape))
    if call.has(1):
        sizes = call.integers(1, "sizes")
    else:
        if call.attribute("num_outputs", parts) != parts:
            call.fail(f"has {parts} outputs, but its attribute 'num_outputs' is another number")
        largest = -(-x.shape[axis] // parts)
        sizes = [min(largest, x.shape[axis] - largest * part) for part in range(parts)]
    if len(sizes) != parts or sum(sizes) != x.shape[axis] or any(size < 1 for size in sizes):
        call.fail(f"cannot cut {x.shape[axis]} elements into {parts} parts of {sizes}")
    if parts == 1:
        return [x]
    shapes = [(*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in sizes]
    return call.emit_many(Split(axis), [x], shapes, x.dtype, x.quantization)


@importer("Pad", makes=(Pad, StridedSlice, Gather))
def pad(call: Call) -> Tensor:
    """Negative padding cuts; the modes that repeat the input take it by constant indices."""
    call.expect_inputs(2, 4)
    x, pads = call.tensor(0), call.integers(1, "pads")
    rank = len(x.shape)
    given = [call.axis(axis, rank) for axis in call.integers(3, "axes")] if call.has(3) else list(range(rank))
    if len(pads) != 2 * len(given) or len(set(given)) != len(given):
        call.fail(f"its pads are {pads}; two numbers for each of {len(given)} axes are needed")
    if any(abs(size) > MAX_ELEMENTS for size in pads):
        call.fail(f"its pads are {pads}")
    widths = [(0, 0)] * rank
    for place, axis in enumerate(given):
        widths[axis] = (pads[place], pads[len(given) + place])
    mode = call.attribute("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        call.fail(f"its mode is {mode!r}")
    for axis, (before, after) in enumerate(widths):
        size = x.shape[axis] + min(before, 0) + min(after, 0)
        if size < 1:
            call.fail(f"cuts {-before - after} of axis {axis}, which has {x.shape[axis]} elements")
        x = cut(call, x, axis, -min(before, 0), 1, size)
    widths = [(max(before, 0), max(after, 0)) for before, after in widths]
    if not any(map(any, widths)):
        return x
    if mode != "constant":
        return _repeated(call, x, widths, mode)
    value = call.number(2, "value", 0.0)
    if value and x.quantization is not None:
        call.fail("pads a quantized tensor with another value than 0")
    shape = [size + sum(width) for size, width in zip(x.shape, widths, strict=True)]
    return call.move(Pad(tuple(widths), value or None), [x], shape)


def _repeated(call: Call, x: Tensor, widths: list[tuple[int, int]], mode: str) -> Tensor:
    for axis, width in enumerate(widths):
        if any(width):
            places = np.pad(np.arange(x.shape[axis], dtype=np.int32), width, mode)  # type: ignore
            shape = (*x.shape[:axis], len(places), *x.shape[axis + 1 :])
            x = call.move(Gather(axis), [x, call.new_constant(places)], shape)
    return x
