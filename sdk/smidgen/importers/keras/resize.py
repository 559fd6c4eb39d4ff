"""UpSampling and Resizing."""

from __future__ import annotations

from smidgen.graph import Tensor
from smidgen.graph.operators import Reshape, ResizeBilinear, ResizeNearestNeighbor
from smidgen.importers.keras.call import Call, layer
from smidgen.importers.keras.window import as_image, from_image


@layer("UpSampling1D", makes=[ResizeNearestNeighbor, Reshape])
def upsampling_1d(call: Call) -> Tensor:
    call.expect_rank(call.x, 3)
    x, factor = as_image(call, call.x), call.integer("size", 2)
    shape = (x.shape[0], 1, x.shape[2] * factor, x.shape[3])
    return from_image(call, call.emit(ResizeNearestNeighbor(), [x], shape), 3)


@layer("UpSampling2D", makes=[ResizeNearestNeighbor, ResizeBilinear])
def upsampling_2d(call: Call) -> Tensor:
    rows, columns = call.sizes("size", 2, 2)
    call.expect_rank(call.x, 4)
    return _resized(call, call.x.shape[1] * rows, call.x.shape[2] * columns)


@layer("Resizing", makes=[ResizeNearestNeighbor, ResizeBilinear])
def resizing(call: Call) -> Tensor:
    for name in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"):
        if call.option(name) not in (None, False):
            call.fail(f"has {name}, which is not supported", "resize the images before the model")
    call.expect_rank(call.x, 4)
    return _resized(call, call.integer("height"), call.integer("width"))


def _resized(call: Call, height: int, width: int) -> Tensor:
    call.refuse_channels_first()
    x, kind = call.x, call.text("interpolation", "nearest")
    call.expect_float(x)
    if kind not in ("nearest", "bilinear"):
        call.fail(f"its interpolation '{kind[:40]}' is not supported", "use 'nearest' or 'bilinear'")
    operator = ResizeNearestNeighbor if kind == "nearest" else ResizeBilinear
    return call.emit(operator(half_pixel_centers=True), [x], (x.shape[0], height, width, x.shape[3]))
