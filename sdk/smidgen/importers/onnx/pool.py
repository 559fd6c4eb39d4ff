"""MaxPool, AveragePool and their global forms."""

from __future__ import annotations

from dataclasses import replace

from smidgen.graph import Tensor
from smidgen.graph.operators import AveragePool2D, MaxPool2D, Mean, Pad, ReduceMax
from smidgen.importers.onnx.call import Call, importer
from smidgen.importers.onnx.window import Windows, spatial_integers, windows


@importer("MaxPool", makes=(MaxPool2D,))
def max_pool(call: Call) -> Tensor:
    x, spatial, place = _operands(call)
    shape = (x.shape[0], *place.output, x.shape[3])
    operator = MaxPool2D(place.kernel, place.stride, place.padding(x.shape[1:3]))
    return call.from_image(call.emit(operator, [x], shape), spatial)


@importer("AveragePool", makes=(AveragePool2D, Pad))
def average_pool(call: Call) -> Tensor:
    """Padding that counts is put there by a Pad; what rounding up adds behind it never counts."""
    x, spatial, place = _operands(call)
    if call.attribute("count_include_pad", 0) and any(map(any, place.pads)):
        shape = tuple(size + sum(pads) for size, pads in zip(x.shape[1:3], place.pads, strict=True))
        paddings = ((0, 0), *place.pads, (0, 0))
        x = call.emit(Pad(paddings), [x], (x.shape[0], *shape, x.shape[3]))
        place = replace(place, pads=((0, 0), (0, 0)))
    shape = (x.shape[0], *place.output, x.shape[3])
    operator = AveragePool2D(place.kernel, place.stride, place.padding(x.shape[1:3]))
    return call.from_image(call.emit(operator, [x], shape), spatial)


@importer("GlobalAveragePool", makes=(Mean,))
def global_average_pool(call: Call) -> Tensor:
    return _global(call, Mean)


@importer("GlobalMaxPool", makes=(ReduceMax,))
def global_max_pool(call: Call) -> Tensor:
    return _global(call, ReduceMax)


def _global(call: Call, operator: type[Mean] | type[ReduceMax]) -> Tensor:
    call.expect_inputs(1)
    x = call.floats(0)
    if len(x.shape) < 3:
        call.fail(f"its input has shape {list(x.shape)}; (N, C, ...) is needed")
    axes = tuple(range(2, len(x.shape)))
    return call.emit(operator(axes, True), [x], (*x.shape[:2], *[1] * len(axes)))


def _operands(call: Call) -> tuple[Tensor, int, Windows]:
    call.expect_inputs(1)
    x, spatial = call.image()
    if not call.has_attribute("kernel_shape"):
        call.fail("its attribute 'kernel_shape' is missing")
    place = windows(call, x, spatial_integers(call, "kernel_shape", spatial, 1), spatial)
    if place.dilation != (1, 1):
        call.fail(f"dilations {list(place.dilation)} are not supported", "pool without dilation")
    padding = place.padding(x.shape[1:3])
    if (
        max(padding.top, padding.bottom) >= place.kernel[0]
        or max(padding.left, padding.right) >= place.kernel[1]
    ):
        call.fail(f"padding {list(place.pads)} is as large as the window, so some windows hold nothing")
    return x, spatial, place
