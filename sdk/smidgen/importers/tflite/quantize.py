"""QUANTIZE and DEQUANTIZE."""

from __future__ import annotations

from smidgen.graph import DType
from smidgen.graph.operators import Dequantize, Quantize
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.multiplier import expect_rescalable

_LARGEST_DIFFERENCE = 255  # of an int8 value and a zero point


@importer("QUANTIZE")
def quantize(call: Call) -> None:
    call.expect(inputs=1)
    x, y = call.input(0), call.outputs[0]
    if x.dtype not in (DType.F32, DType.I8) or y.dtype is not DType.I8:
        call.fail(f"goes from {x.dtype.value} to {y.dtype.value}; supported are f32 or i8 to i8")
    call.expect_quantized(y)
    call.expect_shape(y, x.shape)
    if x.dtype is DType.I8:
        call.expect_quantized(x)
        expect_rescalable(call, x.scale / y.scale, _LARGEST_DIFFERENCE, "the input")
    call.emit(Quantize(), [x], [y])


@importer("DEQUANTIZE")
def dequantize(call: Call) -> None:
    call.expect(inputs=1)
    x, y = call.input(0), call.outputs[0]
    if x.dtype is not DType.I8 or y.dtype is not DType.F32:
        call.fail(f"goes from {x.dtype.value} to {y.dtype.value}; supported is i8 to f32")
    call.expect_quantized(x)
    call.expect_shape(y, x.shape)
    call.emit(Dequantize(), [x], [y])
