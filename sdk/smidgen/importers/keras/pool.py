"""Max and average pooling over windows. Padded positions do not count."""

from __future__ import annotations

from smidgen.graph import Tensor
from smidgen.graph.operators import AveragePool2D, MaxPool2D, Reshape
from smidgen.importers.keras.call import Call, layer
from smidgen.importers.keras.window import as_image, from_image, pair, window


@layer("AveragePooling1D", "AveragePooling2D", makes=[AveragePool2D, Reshape])
def average_pooling(call: Call) -> Tensor:
    return _pool(call, AveragePool2D)


@layer("MaxPooling1D", "MaxPooling2D", makes=[MaxPool2D, Reshape])
def max_pooling(call: Call) -> Tensor:
    return _pool(call, MaxPool2D)


def _pool(call: Call, kind: type[AveragePool2D] | type[MaxPool2D]) -> Tensor:
    call.refuse_channels_first()
    rank = 3 if "1D" in call.layer.class_name else 4
    call.expect_rank(call.x, rank)
    call.expect_float(call.x)
    size = pair(call.sizes("pool_size", rank - 2, 2))
    stride = size if call.option("strides") is None else pair(call.sizes("strides", rank - 2))
    x = as_image(call, call.x)
    place = window(call, x, size, stride)
    y = call.emit(kind(size, place.stride, place.padding), [x], (x.shape[0], *place.output, x.shape[3]))
    return from_image(call, y, rank)
