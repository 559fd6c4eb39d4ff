"""MEAN."""

from __future__ import annotations

import math

from smidgen.graph import DType
from smidgen.graph.operators import Mean
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.multiplier import expect_rescalable

_LARGEST_DIFFERENCE = 255  # of an int8 value and a zero point


@importer("MEAN", "ReducerOptions")
def mean(call: Call) -> None:
    call.expect(inputs=2)
    x, y = call.input(0), call.outputs[0]
    call.expect_types(x, y)
    rank = len(x.shape)
    axes = tuple(sorted({call.axis(int(axis), rank) for axis in call.parameter(1, "axes")}))
    keep_dims = bool(call.option("KeepDims"))
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    dropped = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    call.expect_shape(y, kept if keep_dims else dropped)
    if y.dtype is DType.I8:
        count = math.prod(x.shape[axis] for axis in axes)
        expect_rescalable(call, x.scale / y.scale, _LARGEST_DIFFERENCE * count)
    call.emit(Mean(axes, keep_dims), [x], [y])
