"""QUANTIZE and DEQUANTIZE."""

from __future__ import annotations

from smidgen.graph import DType
from smidgen.graph.operators import Dequantize, Quantize
from smidgen.graph.reference.base import QUANTIZED
from smidgen.importers.tflite.call import Call, importer
from smidgen.importers.tflite.multiplier import expect_rescalable


@importer("QUANTIZE")
def quantize(call: Call) -> None:
    call.expect(inputs=1)
    x, y = call.input(0), call.outputs[0]
    if x.dtype not in (DType.F32, *QUANTIZED) or y.dtype not in QUANTIZED:
        call.fail(f"goes from {x.dtype.value} to {y.dtype.value}; supported are f32, i8 or i16 to i8 or i16")
    call.expect_quantized(y)
    call.expect_shape(y, x.shape)
    if x.dtype is not DType.F32:
        call.expect_quantized(x)
        expect_rescalable(call, x.scale / y.scale, (1 << x.dtype.bits) - 1, "the input")
    call.emit(Quantize(), [x], [y])


@importer("DEQUANTIZE")
def dequantize(call: Call) -> None:
    call.expect(inputs=1)
    x, y = call.input(0), call.outputs[0]
    if x.dtype not in QUANTIZED or y.dtype is not DType.F32:
        call.fail(f"goes from {x.dtype.value} to {y.dtype.value}; supported is i8 or i16 to f32")
    call.expect_quantized(x)
    call.expect_shape(y, x.shape)
    call.emit(Dequantize(), [x], [y])
