"""The content of a .tflite file as plain values, with every offset, length and index checked.

The generated accessors of `ai_edge_litert` follow offsets through the `struct` and `numpy.frombuffer` calls,
which refuse to read outside the file; what they raise becomes one error here. Vectors of numbers are views,
so a length is compared with the file's size before anything is allocated.
Format: tensorflow/compiler/mlir/lite/schema/schema.fbs (schema version 3).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np

SIGNATURE = b"TFL3"
MAX_RANK = 6
MAX_ENTRIES = 1 << 16
MAX_NAME_BYTES = 512

# Metadata that Smidgen's exporter writes: pairs of int32, a tensor's index and the bits of its weights.
WEIGHT_BITS = b"smidgen.weight_bits"

_READ_ERRORS = (struct.error, IndexError, ValueError, TypeError, OverflowError, AssertionError)

OPERATOR_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
TYPE_NAMES = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
OPTIONS_NAMES = {code: name for name, code in vars(schema.BuiltinOptions).items() if isinstance(code, int)}


class DamagedFile(Exception):
    """The file's structure is broken; the text says where."""


@dataclass(frozen=True, eq=False)
class FileQuantization:
    """As in the file: float32 scales, int64 zero points, the dimension that several of them lie along."""

    scales: np.ndarray
    zero_points: np.ndarray
    dimension: int
    blockwise: bool


@dataclass(frozen=True, eq=False)
class FileTensor:
    """As in the file. `data` is the raw bytes of a constant, None when the buffer is empty.

    bits: of weights that the exporter wrote in a wider type than they need, else 0.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    type_name: str
    data: np.ndarray | None
    quantization: FileQuantization | None
    variable: bool
    sparse: bool
    bits: int


class Options:
    """The options table of an operator; reading a field of a damaged one raises DamagedFile."""

    def __init__(self, kind: str, table: Any, where: str) -> None:
        self.kind = kind
        self._table = table
        self._where = where

    def value(self, field: str) -> Any:
        """A number, by its accessor's name in the generated schema (`StrideW`)."""
        with _reading(f"options of {self._where}"):
            return getattr(self._table, field)()

    def integers(self, field: str) -> tuple[int, ...] | None:
        """A short vector of numbers, or None when the file has none."""
        with _reading(f"options of {self._where}"):
            if getattr(self._table, field + "IsNone")():
                return None
            return _short(getattr(self._table, field + "AsNumpy")(), field)


@dataclass(frozen=True, eq=False)
class FileOperator:
    """As in the file: inputs and outputs are tensor indices, -1 is an absent optional input.

    custom_options: the bytes that a custom operator carries.
    """

    index: int
    name: str
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options | None
    custom_options: bytes = b""


@dataclass(frozen=True, eq=False)
class FileModel:
    """The first subgraph; `subgraphs` says how many there are."""

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraphs: int


def read(content: bytes) -> FileModel:
    """Read the first subgraph of a .tflite file. Raises DamagedFile."""
    with _reading("model"):
        model = schema.Model.GetRootAs(content, 0)
        version = model.Version()
    if version != 3:
        raise DamagedFile(f"schema version {version}; only version 3 is known")
    buffers = _table_vector(model, "Buffers", content, _buffer)
    codes = _table_vector(model, "OperatorCodes", content, _operator_code)
    subgraphs = _table_vector(model, "Subgraphs", content, lambda subgraph, index, where: subgraph)
    if not subgraphs:
        raise DamagedFile("no subgraph")
    graph = subgraphs[0]
    bits = _weight_bits(model, content, buffers)
    tensors = _table_vector(
        graph, "Tensors", content, lambda tensor, index, where: _tensor(tensor, index, where, buffers, bits)
    )
    operators = _table_vector(
        graph,
        "Operators",
        content,
        lambda operator, index, where: _operator(operator, index, where, codes, len(tensors)),
    )
    with _reading("inputs and outputs"):
        inputs = _indices(graph.InputsAsNumpy(), len(tensors), "inputs of the model", optional=False)
        outputs = _indices(graph.OutputsAsNumpy(), len(tensors), "outputs of the model", optional=False)
    return FileModel(tuple(tensors), tuple(operators), inputs, outputs, len(subgraphs))


@contextmanager
def _reading(where: str) -> Iterator[None]:
    try:
        yield
    except _READ_ERRORS:
        raise DamagedFile(f"{where}: an offset or a length points outside the file") from None


def _table_vector(
    owner: Any, field: str, content: bytes, convert: Callable[[Any, int, str], Any]
) -> list[Any]:
    """Convert each table of a vector of tables."""
    name = field.lower()
    with _reading(name):
        length = getattr(owner, field + "Length")()
    if length > min(MAX_ENTRIES, len(content) // 4):
        raise DamagedFile(f"{name}: {length} entries cannot be in a file of {len(content)} bytes")
    result = []
    for index in range(length):
        where = f"{name}[{index}]"
        with _reading(where):
            result.append(convert(getattr(owner, field)(index), index, where))
    return result


def _buffer(buffer: Any, index: int, where: str) -> np.ndarray | None:
    if buffer.Offset() > 1:
        raise DamagedFile(f"{where}: data outside the flatbuffer (models above 2 GB) is not supported")
    data = buffer.DataAsNumpy()
    return data if isinstance(data, np.ndarray) and data.size else None


def _operator_code(code: Any, index: int, where: str) -> tuple[str, bool]:
    """(name, whether it is a custom operator)."""
    # Old writers fill only the deprecated 8-bit field, some new ones only the other.
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if builtin == schema.BuiltinOperator.CUSTOM:
        custom = code.CustomCode() or b"CUSTOM"
        return custom[:MAX_NAME_BYTES].decode("utf-8", "replace"), True
    return OPERATOR_NAMES.get(builtin, f"BUILTIN_{builtin}"), False


def _weight_bits(model: Any, content: bytes, buffers: list[np.ndarray | None]) -> dict[int, int]:
    """The bits of weights by tensor index, from the file's metadata."""
    entries = _table_vector(
        model, "Metadata", content, lambda entry, index, where: (entry.Name(), entry.Buffer())
    )
    for name, buffer in entries:
        data = buffers[buffer] if name == WEIGHT_BITS and buffer < len(buffers) else None
        if data is not None and data.size % 8 == 0:
            return {int(index): int(bits) for index, bits in data.copy().view("<i4").reshape(-1, 2)}
    return {}


def _tensor(
    tensor: Any, index: int, where: str, buffers: list[np.ndarray | None], bits: dict[int, int]
) -> FileTensor:
    buffer = tensor.Buffer()
    if buffer >= len(buffers):
        raise DamagedFile(f"{where}: buffer {buffer} does not exist, there are {len(buffers)}")
    name = (tensor.Name() or b"")[:MAX_NAME_BYTES].decode("utf-8", "replace")
    return FileTensor(
        index,
        name,
        _short(tensor.ShapeAsNumpy(), f"{where}: shape"),
        _short(tensor.ShapeSignatureAsNumpy(), f"{where}: shape signature"),
        TYPE_NAMES.get(tensor.Type(), f"TYPE_{tensor.Type()}"),
        buffers[buffer],
        _quantization(tensor.Quantization()),
        tensor.IsVariable(),
        tensor.Sparsity() is not None,
        bits.get(index, 0),
    )


def _quantization(quantization: Any) -> FileQuantization | None:
    if quantization is None:
        return None
    scales = quantization.ScaleAsNumpy()
    details = quantization.DetailsType()
    if not isinstance(scales, np.ndarray) or scales.size == 0:
        if details == schema.QuantizationDetails.NONE:
            return None
        scales = np.zeros(0, np.float32)
    zero_points = quantization.ZeroPointAsNumpy()
    if not isinstance(zero_points, np.ndarray):
        zero_points = np.zeros(0, np.int64)
    blockwise = details != schema.QuantizationDetails.NONE
    return FileQuantization(scales, zero_points, quantization.QuantizedDimension(), blockwise)


def _operator(
    operator: Any, index: int, where: str, codes: list[tuple[str, bool]], tensor_count: int
) -> FileOperator:
    code = operator.OpcodeIndex()
    if code >= len(codes):
        raise DamagedFile(f"{where}: operator code {code} does not exist, there are {len(codes)}")
    name, custom = codes[code]
    return FileOperator(
        index,
        name,
        custom,
        _indices(operator.InputsAsNumpy(), tensor_count, f"{where}: inputs", optional=True),
        _indices(operator.OutputsAsNumpy(), tensor_count, f"{where}: outputs", optional=False),
        _options(operator, f"operator {index} ({name})"),
        _custom_options(operator, where) if custom else b"",
    )


def _options(operator: Any, where: str) -> Options | None:
    kind = OPTIONS_NAMES.get(operator.BuiltinOptionsType(), "unknown")
    table = operator.BuiltinOptions()
    accessor = getattr(schema, kind, None)
    if kind == "NONE" or table is None or accessor is None:
        return None
    typed = accessor()
    typed.Init(table.Bytes, table.Pos)
    return Options(kind, typed, where)


def _custom_options(operator: Any, where: str) -> bytes:
    values = operator.CustomOptionsAsNumpy()
    if not isinstance(values, np.ndarray):
        return b""
    if values.size > MAX_NAME_BYTES:
        raise DamagedFile(f"{where}: {values.size} bytes of custom options; at most {MAX_NAME_BYTES}")
    return values.tobytes()


def _short(values: Any, what: str) -> tuple[int, ...]:
    """A vector with at most one number per dimension; the accessors give 0 for one that is absent."""
    if not isinstance(values, np.ndarray):
        return ()
    if values.size > 2 * MAX_RANK:
        raise DamagedFile(f"{what}: {values.size} dimensions; at most {MAX_RANK} are supported")
    return tuple(int(value) for value in values)


def _indices(values: Any, count: int, what: str, optional: bool) -> tuple[int, ...]:
    """Tensor indices, each in range."""
    if not isinstance(values, np.ndarray):
        return ()
    if values.size > MAX_ENTRIES:
        raise DamagedFile(f"{what}: {values.size} tensors; at most {MAX_ENTRIES} are supported")
    lowest = -1 if optional else 0
    if values.size and (values.min() < lowest or values.max() >= count):
        bad = next(int(value) for value in values if not lowest <= value < count)
        raise DamagedFile(f"{what}: tensor {bad} does not exist, there are {count}")
    return tuple(int(value) for value in values)
