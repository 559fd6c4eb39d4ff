"""From a tensor of the file to a tensor of the graph: type, shape, quantization and data, all checked."""

from __future__ import annotations

import math

import numpy as np

from smidgen.graph import DType, Quantization, Tensor
from smidgen.graph.fixed_point import integer_range
from smidgen.importers.tflite.reader import MAX_RANK, FileQuantization, FileTensor

MAX_ELEMENTS = 1 << 24  # per tensor; far above what a microcontroller holds

_TYPES = {
    "FLOAT32": DType.F32,
    "INT8": DType.I8,
    "INT4": DType.I4,
    "INT16": DType.I16,
    "INT32": DType.I32,
    "INT64": DType.I64,
    "BOOL": DType.BOOL,
}
_DATA_TYPES = {"FLOAT32": "<f4", "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "BOOL": "u1"}
_ZERO_POINTS = {DType.I8: (-128, 127)}  # 0 for the others
_NARROW = {4: DType.I4, 2: DType.I2}

_FIXES = {
    "INT2": "convert with 8-bit weights",
    "INT64": "only axes, sizes, shapes and biases may be 64-bit integers",
}


class BadTensor(Exception):
    """A tensor that cannot be imported: what is wrong and what to do."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def convert(tensor: FileTensor, name: str) -> Tensor:
    """The graph's tensor. Raises BadTensor."""
    # 64-bit integers are biases, or else parameters of operators (axes, sizes).
    if tensor.type_name == "INT64" and tensor.data is not None and tensor.quantization is None:
        return _parameter(tensor, name)
    if tensor.type_name not in _TYPES or (tensor.type_name == "INT64" and tensor.data is None):
        fix = _FIXES.get(tensor.type_name, "convert the model to int8")
        raise BadTensor(f"type {tensor.type_name} is not supported", fix)
    if tensor.sparse:
        raise BadTensor("sparse storage is not supported", "convert without sparsity, to dense weights")
    if tensor.variable and tensor.data is not None:
        raise BadTensor("variable tensor (recurrent state) holds data")
    dtype = _TYPES[tensor.type_name]
    check_shape(tensor.shape)
    quantization = _quantization(tensor.quantization, tensor.shape, dtype)
    data = None if tensor.data is None else _data(tensor)
    if dtype is DType.F32 and data is not None and not np.isfinite(data).all():
        raise BadTensor("constant holds values that are not finite")
    if tensor.bits in _NARROW and dtype in (DType.I8, DType.I4) and data is not None:
        dtype = _narrowed(data, dtype, _NARROW[tensor.bits])
    return Tensor(name, tensor.shape, dtype, quantization, data)


def _narrowed(data: np.ndarray, dtype: DType, narrow: DType) -> DType:
    """The narrow type that the exporter noted, where the values are in its range."""
    low, high = integer_range(narrow.bits)
    return narrow if data.min() >= low and data.max() <= high else dtype


def check_shape(shape: tuple[int, ...]) -> None:
    """Raise BadTensor unless every size is positive and the whole is not absurd."""
    if len(shape) > MAX_RANK:
        raise BadTensor(f"shape {list(shape)} has {len(shape)} dimensions; at most {MAX_RANK} are supported")
    if any(size == -1 for size in shape):
        raise BadTensor(
            f"shape {list(shape)} is dynamic",
            "convert the model with fixed sizes, for example keras.Input(batch_shape=(1, ...))",
        )
    if any(size < 1 for size in shape):
        raise BadTensor(f"shape {list(shape)} has a size that is not positive")
    if math.prod(shape) > MAX_ELEMENTS:
        raise BadTensor(f"shape {list(shape)} has {math.prod(shape):,} elements; at most {MAX_ELEMENTS:,}")


def _parameter(tensor: FileTensor, name: str) -> Tensor:
    """A constant of 64-bit axes or sizes, narrowed."""
    check_shape(tensor.shape)
    data = _data(tensor)
    if data.size and (data.min() < -(2**31) or data.max() >= 2**31):
        raise BadTensor("64-bit constant holds values that do not fit 32 bits", _FIXES["INT64"])
    return Tensor(name, tensor.shape, DType.I32, None, data.astype(np.int32))


def _data(tensor: FileTensor) -> np.ndarray:
    if tensor.type_name == "INT4":
        return _unpacked(tensor)
    dtype = np.dtype(_DATA_TYPES[tensor.type_name])
    expected = math.prod(tensor.shape) * dtype.itemsize
    if tensor.data is None or tensor.data.size != expected:
        held = 0 if tensor.data is None else tensor.data.size
        raise BadTensor(f"shape {list(tensor.shape)} needs {expected} bytes, but its buffer holds {held}")
    # A view of the file's content, copied only where it lies unaligned: many tensors may share one buffer.
    data = np.require(tensor.data.view(dtype), requirements="A")
    if tensor.type_name == "BOOL":
        return data.reshape(tensor.shape) != 0
    return data.reshape(tensor.shape).astype(dtype.newbyteorder("="), copy=False)


def _unpacked(tensor: FileTensor) -> np.ndarray:
    """4-bit values as int8: two to a byte, the first in the lower half."""
    elements = math.prod(tensor.shape)
    expected = -(-elements // 2)
    if tensor.data is None or tensor.data.size != expected:
        held = 0 if tensor.data is None else tensor.data.size
        raise BadTensor(f"shape {list(tensor.shape)} needs {expected} bytes, but its buffer holds {held}")
    halves = np.stack([tensor.data << 4, tensor.data & 0xF0], axis=-1).reshape(-1)[:elements]
    return (halves.astype(np.uint8).view(np.int8) >> 4).reshape(tensor.shape)


def _quantization(
    quantization: FileQuantization | None, shape: tuple[int, ...], dtype: DType
) -> Quantization | None:
    if quantization is None or dtype in (DType.F32, DType.BOOL):
        return None
    if quantization.blockwise:
        raise BadTensor(
            "blockwise or custom quantization is not supported", "convert per channel or per tensor"
        )
    scales, zero_points = quantization.scales, quantization.zero_points
    if zero_points.size not in (1, scales.size):
        raise BadTensor(f"{scales.size} scales but {zero_points.size} zero points")
    if scales.size > 1 and scales.size not in shape:
        raise BadTensor(f"{scales.size} scales, but no dimension of shape {list(shape)} has that size")
    if not np.isfinite(scales).all() or not (scales > 0).all():
        bad = scales[~(np.isfinite(scales) & (scales > 0))][0]
        raise BadTensor(f"scale {bad:g} is not a positive finite number")
    low, high = _ZERO_POINTS.get(dtype, (0, 0))
    if zero_points.min() < low or zero_points.max() > high:
        bad = zero_points[(zero_points < low) | (zero_points > high)][0]
        raise BadTensor(f"zero point {bad} is outside {low}..{high}")
    scale = scales.astype(np.float32)
    zero_point = np.broadcast_to(zero_points, scales.shape).astype(np.int32)
    axis = quantization.dimension if scales.size > 1 else None
    return Quantization(scale, zero_point, axis)
