"""QuantizeLinear and DequantizeLinear: int8 as in the file, uint8 shifted by 128."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.graph import DType, Quantization, Tensor
from smidgen.graph.operators import Dequantize, Quantize
from smidgen.importers.onnx.call import Call, importer

_SHIFT = {"int8": 0, "uint8": -128}
_EIGHT_BITS = "quantize the model to int8 or uint8"


@importer("QuantizeLinear", makes=(Quantize,))
def quantize_linear(call: Call) -> Tensor:
    """Of a constant the integers; of anything else a Quantize of one scale."""
    call.expect_inputs(2, 3)
    x = call.floats(0)
    zero_point = call.optional_constant(2, "zero point")
    target = "uint8" if zero_point is None else zero_point.dtype.name
    if target not in _SHIFT or call.attribute("output_dtype", 0) not in (0, 2, 3):
        call.fail(f"quantizes to {target}; only int8 and uint8 are supported", _EIGHT_BITS)
    quantization = _quantization(call, x.shape, _SHIFT[target])
    if x.data is not None:
        sizes = _along(quantization, len(x.shape))
        scale, offset = (array.reshape(sizes) for array in (quantization.scale, quantization.zero_point))
        integers = np.rint(_real(x) / scale) + offset
        return call.new_constant(np.clip(integers, -128, 127).astype(np.int8), quantization=quantization)
    if quantization.axis is not None:
        call.fail("quantizes activations per channel, which is not supported", "quantize them per tensor")
    return call.emit(Quantize(), [x], x.shape, DType.I8, quantization)


@importer("DequantizeLinear", makes=(Dequantize,))
def dequantize_linear(call: Call) -> Tensor:
    """Constants keep their integers beside their scales until it is known who reads them."""
    call.expect_inputs(2, 3)
    value = call.value(0)
    if isinstance(value, np.ndarray):
        if value.dtype.name not in (*_SHIFT, "int32"):
            call.fail(
                f"reads {value.dtype.name}; supported are int8, uint8 and, for biases, int32", _EIGHT_BITS
            )
        shift = _SHIFT.get(value.dtype.name, 0)
        quantization = _quantization(call, value.shape, shift)
        if value.dtype == np.int32 and quantization.zero_point.any():
            call.fail("a bias has a zero point that is not 0")
        data = value if value.dtype == np.int32 else (value.astype(np.int16) + shift).astype(np.int8)
        return call.new_constant(data, call.file.input[0], quantization)
    if value.dtype is not DType.I8 or value.quantization is None:
        call.fail(f"reads {value.dtype.value} values that no QuantizeLinear has written")
    zero_point = call.optional_constant(2, "zero point")
    shift = _SHIFT.get("uint8" if zero_point is None else zero_point.dtype.name, 0)
    quantization = _quantization(call, value.shape, shift)
    own = value.quantization
    same = np.array_equal(own.scale, quantization.scale) and np.array_equal(
        own.zero_point, quantization.zero_point
    )
    if not same:
        call.fail(
            f"has scale {quantization.scale[0]:g}, but what it reads was quantized with {own.scale[0]:g}",
            "quantize the model again",
        )
    if value.data is not None:
        return value
    return call.emit(Dequantize(), [value], value.shape, DType.F32)


def _quantization(call: Call, shape: tuple[int, ...], shift: int) -> Quantization:
    """From the operator's scale and zero point."""
    if call.attribute("block_size", 0):
        call.fail("quantizes in blocks, which is not supported", "quantize per tensor or per channel")
    scale = call.constant(1, "scale")
    zero_point = call.optional_constant(2, "zero point")
    zeros = np.zeros(scale.shape, np.int32) if zero_point is None else zero_point
    if scale.dtype != np.float32 or scale.ndim > 1 or zeros.size != scale.size:
        call.fail(f"has scales of shape {list(scale.shape)} and zero points of shape {list(zeros.shape)}")
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        call.fail("a scale is not a positive finite number")
    offsets = zeros.astype(np.int32).reshape(-1) + shift
    result = Quantization(scale.reshape(-1), offsets)
    if scale.size == 1:
        return result
    axis = call.axis(call.attribute("axis", 1), len(shape))
    if shape[axis] != scale.size:
        call.fail(f"has {scale.size} scales, but axis {axis} of shape {list(shape)} has another size")
    return replace(result, axis=axis)


def _along(quantization: Quantization, rank: int) -> list[int]:
    return [-1 if axis == quantization.axis else 1 for axis in range(rank)]


def _real(x: Tensor) -> np.ndarray:
    assert x.data is not None
    return x.data.astype(np.float32)
