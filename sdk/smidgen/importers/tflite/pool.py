"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from smidgen.graph.operators import AveragePool2D, MaxPool2D
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.window import window

_MAX_SIZE = 1 << 12


@importer("AVERAGE_POOL_2D", "Pool2DOptions")
def average_pool_2d(call: Call) -> None:
    _pool(call, AveragePool2D)


@importer("MAX_POOL_2D", "Pool2DOptions")
def max_pool_2d(call: Call) -> None:
    _pool(call, MaxPool2D)


def _pool(call: Call, operator: type[AveragePool2D] | type[MaxPool2D]) -> None:
    call.expect(inputs=1)
    x, y = call.input(0), call.outputs[0]
    call.expect_rank(x, 4)
    call.expect_types(x, y, wide=True)
    call.expect_same_quantization(x, y)
    size = (int(call.option("FilterHeight")), int(call.option("FilterWidth")))
    if not all(1 <= side <= _MAX_SIZE for side in size):
        call.fail(f"a window of {size[0]} x {size[1]} is outside 1..{_MAX_SIZE}")
    place = window(call, x, size, dilated=False)
    call.expect_shape(y, (x.shape[0], *place.output, x.shape[3]))
    call.emit(operator(size, place.stride, place.padding, call.activation(y)), [x], [y])
