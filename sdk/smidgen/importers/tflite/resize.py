"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR."""

from __future__ import annotations

from smidgen.graph.operators import ResizeBilinear, ResizeNearestNeighbor
from smidgen.importers.tflite.call import Call, importer


@importer("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")
def resize_nearest_neighbor(call: Call) -> None:
    _resize(call, ResizeNearestNeighbor)


@importer("RESIZE_BILINEAR", "ResizeBilinearOptions")
def resize_bilinear(call: Call) -> None:
    _resize(call, ResizeBilinear)


def _resize(call: Call, operator: type[ResizeNearestNeighbor] | type[ResizeBilinear]) -> None:
    call.expect(inputs=2)
    x, y = call.input(0), call.outputs[0]
    call.expect_rank(x, 4)
    call.expect_types(x, y)
    call.expect_same_quantization(x, y)
    size = call.parameter(1, "size")
    if size.size != 2:
        call.fail(f"its size holds {size.size} numbers instead of 2")
    call.expect_shape(y, (x.shape[0], int(size[0]), int(size[1]), x.shape[3]))
    align_corners = bool(call.option("AlignCorners"))
    half_pixel_centers = bool(call.option("HalfPixelCenters"))
    if align_corners and half_pixel_centers:
        call.fail("align_corners and half_pixel_centers exclude each other")
    call.emit(operator(align_corners, half_pixel_centers), [x], [y])
