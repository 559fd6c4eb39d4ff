"""From a file's TensorProto to an array: type, sizes and where the bytes lie, all checked."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from onnx import TensorProto, numpy_helper

from smidgen.importers.onnx.problems import Refused

MAX_ELEMENTS = 1 << 24  # per tensor; far above what a microcontroller holds
MAX_RANK = 8

# What a value may be while it is only a constant; few of these types reach the graph.
_TYPES = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.FLOAT16: np.float16,
    TensorProto.INT8: np.int8,
    TensorProto.UINT8: np.uint8,
    TensorProto.INT16: np.int16,
    TensorProto.UINT16: np.uint16,
    TensorProto.INT32: np.int32,
    TensorProto.INT64: np.int64,
    TensorProto.BOOL: np.bool_,
}
FIXED_SIZES = (
    "export the model with fixed sizes (PyTorch: without dynamic_axes or dynamic_shapes), or set them with "
    "onnx.tools.update_model_dims"
)


def type_name(data_type: int) -> str:
    """The format's name of an element type, also where the number means nothing."""
    names = TensorProto.DataType.keys()
    numbers = TensorProto.DataType.values()
    return names[numbers.index(data_type)] if data_type in numbers else f"number {data_type}"


def element_type(data_type: int) -> type[np.generic]:
    """The NumPy type. Raises Refused."""
    if data_type not in _TYPES:
        raise Refused(f"element type {type_name(data_type)} is not supported", "export the model as float32")
    return _TYPES[data_type]


def check_shape(shape: tuple[int, ...], may_be_empty: bool = False) -> None:
    """Raise Refused unless every size is positive and the whole is not absurd."""
    if len(shape) > MAX_RANK:
        raise Refused(f"shape {list(shape)} has {len(shape)} dimensions; at most {MAX_RANK} are supported")
    if any(size < (0 if may_be_empty else 1) for size in shape):
        raise Refused(f"shape {list(shape)} has a size that is not positive")
    if math.prod(shape) > MAX_ELEMENTS:
        raise Refused(f"shape {list(shape)} has {math.prod(shape):,} elements; at most {MAX_ELEMENTS:,}")


def to_array(tensor: TensorProto, folder: Path) -> np.ndarray:
    """The tensor's values; `folder`: where the model lies, for values in files beside it. Raises Refused."""
    dtype = np.dtype(element_type(tensor.data_type))
    shape = tuple(tensor.dims)
    check_shape(shape, may_be_empty=True)
    if tensor.HasField("segment"):
        raise Refused("is stored in segments, which is not supported")
    if tensor.data_location == TensorProto.EXTERNAL:
        return _from_bytes(_external(tensor, folder, math.prod(shape) * dtype.itemsize), dtype, shape)
    if tensor.HasField("raw_data"):
        return _from_bytes(tensor.raw_data, dtype, shape)
    try:
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, OverflowError) as error:
        raise Refused(f"its values do not suit shape {list(shape)}: {error}") from None
    if array.shape != shape:
        raise Refused(f"holds {array.size} values, but shape {list(shape)} needs {math.prod(shape)}")
    return array


def _from_bytes(content: bytes, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    expected = math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise Refused(f"holds {len(content)} bytes, but shape {list(shape)} needs {expected}")
    values = np.frombuffer(content, dtype.newbyteorder("<")).reshape(shape)
    return values.astype(dtype, copy=False)


def _external(tensor: TensorProto, folder: Path, size: int) -> bytes:
    """Bytes of a file that lies in the model's folder or below it."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    try:
        offset = int(entries.get("offset", "0"))
        length = int(entries.get("length", str(size)))
    except ValueError:
        raise Refused("the place of its external data is no number") from None
    root = folder.resolve()
    try:
        path = (root / location).resolve()
        if not location or not path.is_relative_to(root):
            raise Refused(
                f"its external data '{_printable(location)}' lie outside of the model's folder",
                "keep the data file beside the model",
            )
        if offset < 0 or length != size:
            raise Refused(f"its external data have {length} bytes at {offset}, but {size} are needed")
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read(size)
    except (OSError, ValueError, OverflowError) as error:
        raise Refused(
            f"its external data '{_printable(location)}' cannot be read: "
            f"{getattr(error, 'strerror', None) or error}",
            "keep the data file beside the model, under the name it was exported with",
        ) from None
    if len(content) != size:
        raise Refused(f"its external data end after {len(content)} of {size} bytes")
    return content


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:100]
