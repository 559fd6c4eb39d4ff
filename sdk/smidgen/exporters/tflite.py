"""Export to TensorFlow Lite (.tflite), float or integer.

Weights of 4 and 2 bits are written in the narrowest type that both TensorFlow Lite Micro and LiteRT run:
INT4 in convolutions, INT8 in fully connected layers. Metadata that others ignore says how many bits there are
(`importers.tflite.reader.WEIGHT_BITS`), so the importer gives back the same graph.
Format: tensorflow/compiler/mlir/lite/schema/schema.fbs (schema version 3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np

from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph import operators as op
from smidgen.graph.operators import Activation, Padding, same_padding

_TYPES = {
    DType.F32: "FLOAT32", DType.I8: "INT8", DType.I16: "INT16", DType.I32: "INT32", DType.BOOL: "BOOL",
}  # fmt: skip
_ACTIVATIONS = {
    Activation.NONE: "NONE", Activation.RELU: "RELU", Activation.RELU6: "RELU6",
    Activation.RELU_N1_TO_1: "RELU_N1_TO_1",
}  # fmt: skip
_WEIGHT_BITS = "smidgen.weight_bits"
# The version of an operator whose tensors are int8; others have version 1.
_INT8_VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "RELU": 2}
_UNCHANGED = ("RESHAPE", "QUANTIZE")
_POOLS = (op.AveragePool2D, op.MaxPool2D)


def export_tflite(graph: Graph) -> bytes:
    """The content of a .tflite file. Raises UsageError for what the format cannot hold."""
    return _Export(graph).run()


def save_tflite(graph: Graph, path: Path) -> None:
    """Write a .tflite file. Raises UsageError."""
    content = export_tflite(graph)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be written: {error.strerror}")) from None


@dataclass(frozen=True)
class _Form:
    """How the format writes a node: the builtin operator's name, its options' table and fields, and the
    constant inputs that follow the node's own: arrays of integers, or a whole tensor."""

    name: str
    table: str | None = None
    fields: tuple[tuple[str, Any], ...] = ()
    after: tuple[np.ndarray | Tensor, ...] = ()


class _Export:
    """One graph on its way into a file."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.subgraph = schema.SubGraphT()
        self.subgraph.name, self.subgraph.tensors, self.subgraph.operators = graph.name, [], []
        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, "written by Smidgen"
        self.model.operatorCodes, self.model.subgraphs = [], [self.subgraph]
        self.model.buffers = [schema.BufferT()]
        self.codes: dict[tuple[str, int], int] = {}
        self.indices: dict[str, int] = {}
        self.weight_bits: list[tuple[int, int]] = []
        # TensorFlow Lite Micro's FULLY_CONNECTED takes no INT4.
        self.whole_bytes = {
            name
            for node in graph.nodes
            if isinstance(node.operator, op.FullyConnected)
            for name in node.inputs
        }

    def run(self) -> bytes:
        self._check()
        used = {name for node in self.graph.nodes for name in (*node.inputs, *node.outputs)}
        for name, tensor in self.graph.tensors.items():
            if name in used or name in self.graph.inputs:
                self.indices[name] = self._tensor(tensor)
        for node in self.graph.nodes:
            self._node(node)
        self.subgraph.inputs = [self.indices[name] for name in self.graph.inputs]
        self.subgraph.outputs = [self.indices[name] for name in self.graph.outputs]
        self.model.signatureDefs = [self._signature()]
        if self.weight_bits:
            metadata = schema.MetadataT()
            metadata.name = _WEIGHT_BITS
            metadata.buffer = self._buffer(np.array(self.weight_bits, "<i4").view(np.uint8).reshape(-1))
            self.model.metadata = [metadata]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _signature(self) -> schema.SignatureDefT:
        """What lets others run the model by the names of its inputs and outputs."""
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs, signature.outputs = [], []
        for names, maps in ((self.graph.inputs, signature.inputs), (self.graph.outputs, signature.outputs)):
            for name in names:
                entry = schema.TensorMapT()
                entry.name, entry.tensorIndex = name, self.indices[name]
                maps.append(entry)
        return signature

    def _check(self) -> None:
        problems = ProblemList()
        if self.graph.states:
            problems.add(self.graph.name, "keeps state between runs, which export does not write yet")
        for node in self.graph.nodes:
            where = f"{self.graph.name}: {node.operator.type_name} '{node.id}'"
            if type(node.operator) not in _FORMS:
                problems.add(where, "cannot be written as TensorFlow Lite")
            elif isinstance(node.operator, _POOLS) and _padding_kind(node, self.graph) is None:
                problems.add(where, "its padding is neither SAME nor VALID, which TensorFlow Lite has alone")
        problems.stop_if_any(UsageError)

    # Tensors

    def _tensor(self, tensor: Tensor) -> int:
        written = schema.TensorT()
        written.name, written.shape = tensor.name, list(tensor.shape)
        type_name = _TYPES.get(tensor.dtype) or ("INT8" if tensor.name in self.whole_bytes else "INT4")
        written.type = getattr(schema.TensorType, type_name)
        written.buffer = self._buffer(None if tensor.data is None else _bytes(tensor.data, type_name))
        if tensor.dtype in (DType.I4, DType.I2):
            self.weight_bits.append((len(self.subgraph.tensors), tensor.dtype.bits))
        if tensor.quantization is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = tensor.quantization.scale.astype(np.float32)
            quantization.zeroPoint = tensor.quantization.zero_point.astype(np.int64)
            quantization.quantizedDimension = tensor.quantization.axis or 0
            written.quantization = quantization
        self.subgraph.tensors.append(written)
        return len(self.subgraph.tensors) - 1

    def _buffer(self, data: np.ndarray | None) -> int:
        """A buffer of its own for each tensor; one without data says that the tensor is computed."""
        if data is None:
            return 0
        buffer = schema.BufferT()
        buffer.data = data
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1

    def _parameter(self, values: np.ndarray | Tensor, name: str) -> int:
        if isinstance(values, Tensor):
            return self._tensor(replace(values, name=name))
        data = np.asarray(values, np.int32)
        return self._tensor(Tensor(name, data.shape, DType.I32, None, data))

    # Operators

    def _node(self, node: Node) -> None:
        x = self.graph.tensor(node.inputs[0])
        inputs = [-1 if name is None else self.indices[name] for name in node.inputs]
        outputs = [self.indices[name] for name in node.outputs]
        padding = getattr(node.operator, "padding", None)
        kind = None
        if padding is not None:
            kind = _padding_kind(node, self.graph)
            if kind is None:
                inputs[0], kind = self._padded(node, x, padding), "VALID"
        form = _FORMS[type(node.operator)](self.graph, node)
        fields = dict(form.fields)
        if kind is not None:
            fields["padding"] = getattr(schema.Padding, kind)
        after = [self._parameter(values, f"{node.id}/{i}") for i, values in enumerate(form.after)]
        self._operator(form.name, form.table, fields, [*inputs, *after], outputs, x.dtype)

    def _padded(self, node: Node, x: Tensor, padding: Padding) -> int:
        """A PAD before an operator whose padding is neither SAME nor VALID."""
        table = np.array([[0, 0], [padding.top, padding.bottom], [padding.left, padding.right], [0, 0]])
        shape = tuple(size + int(pair.sum()) for size, pair in zip(x.shape, table, strict=True))
        y = self._tensor(Tensor(f"{node.id}/padded", shape, x.dtype, x.quantization))
        inputs = [self.indices[x.name], self._parameter(table, f"{node.id}/paddings")]
        self._operator("PAD", "PadOptions", {}, inputs, [y], x.dtype)
        return y

    def _operator(
        self,
        name: str,
        table: str | None,
        fields: dict[str, Any],
        inputs: list[int],
        outputs: list[int],
        dtype: DType,
    ) -> None:
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(name, dtype)
        operator.inputs, operator.outputs = inputs, outputs
        if table is not None:
            options = getattr(schema, f"{table}T")()
            for field, value in fields.items():
                setattr(options, field, value)
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = options
        self.subgraph.operators.append(operator)

    def _code(self, name: str, dtype: DType) -> int:
        version = 1
        if dtype is DType.I8 and name not in _UNCHANGED:
            version = _INT8_VERSIONS.get(name, 2)
        key = (name, version)
        if key not in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            code.version = version
            self.codes[key] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(code)
        return self.codes[key]


def _bytes(data: np.ndarray, type_name: str) -> np.ndarray:
    """A constant's bytes in the file: 4-bit values two to a byte, the first in the lower half."""
    if type_name == "INT4":
        flat = data.reshape(-1).astype(np.int8).view(np.uint8) & 15
        padded = np.append(flat, np.zeros(flat.size % 2, np.uint8))
        return padded[::2] | padded[1::2] << 4
    stored = np.ascontiguousarray(data).astype(data.dtype.newbyteorder("<"))
    return np.frombuffer(stored.tobytes(), np.uint8)


def _padding_kind(node: Node, graph: Graph) -> str | None:
    """SAME or VALID where one of them gives the node's padding, else None."""
    x, operator = graph.tensor(node.inputs[0]), node.operator
    if isinstance(operator, op.AveragePool2D | op.MaxPool2D):
        size, dilation = operator.size, (1, 1)
    else:
        assert isinstance(operator, op.Conv2D | op.DepthwiseConv2D)
        weights = graph.tensor(node.inputs[1])
        size, dilation = (weights.shape[1], weights.shape[2]), operator.dilation
    if operator.padding == Padding():
        return "VALID"
    rows, columns = (
        same_padding(x.shape[1 + axis], size[axis], operator.stride[axis], dilation[axis]) for axis in (0, 1)
    )
    return "SAME" if operator.padding == Padding(*rows, *columns) else None


# How each operator is written


def _activation(node: Node) -> tuple[str, int]:
    name = _ACTIVATIONS[node.operator.activation]  # type: ignore[attr-defined]
    return "fusedActivationFunction", getattr(schema.ActivationFunctionType, name)


def _strides(node: Node) -> tuple[tuple[str, Any], ...]:
    rows, columns = node.operator.stride  # type: ignore[attr-defined]
    return ("strideH", rows), ("strideW", columns), _activation(node)


def _dilations(node: Node) -> tuple[tuple[str, Any], ...]:
    rows, columns = node.operator.dilation  # type: ignore[attr-defined]
    return ("dilationHFactor", rows), ("dilationWFactor", columns)


def _conv(graph: Graph, node: Node) -> _Form:
    return _Form("CONV_2D", "Conv2DOptions", (*_strides(node), *_dilations(node)))


def _depthwise(graph: Graph, node: Node) -> _Form:
    multiplier = graph.tensor(node.inputs[1]).shape[3] // graph.tensor(node.inputs[0]).shape[3]
    fields = (*_strides(node), *_dilations(node), ("depthMultiplier", multiplier))
    return _Form("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", fields)


def _dense(graph: Graph, node: Node) -> _Form:
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    keeps = y.shape == (*x.shape[:-1], y.shape[-1]) and len(x.shape) != 2
    return _Form("FULLY_CONNECTED", "FullyConnectedOptions", (_activation(node), ("keepNumDims", keeps)))


def _pool(name: str):
    def form(graph: Graph, node: Node) -> _Form:
        rows, columns = node.operator.size
        size = (("filterHeight", rows), ("filterWidth", columns))
        return _Form(name, "Pool2DOptions", (*_strides(node), *size))

    return form


def _plain(name: str, table: str | None = None):
    return lambda graph, node: _Form(name, table)


def _activated(name: str, table: str):
    return lambda graph, node: _Form(name, table, (_activation(node),))


def _reshape(graph: Graph, node: Node) -> _Form:
    shape = graph.tensor(node.outputs[0]).shape
    return _Form("RESHAPE", "ReshapeOptions", (("newShape", list(shape)),), (np.array(shape, np.int32),))


def _pad(graph: Graph, node: Node) -> _Form:
    table, value = np.array(node.operator.paddings), node.operator.value
    if value is None:
        return _Form("PAD", "PadOptions", (), (table,))
    x = graph.tensor(node.inputs[0])
    constant = Tensor("value", (1,), x.dtype, x.quantization, np.array([value], x.dtype.numpy))
    return _Form("PADV2", "PadV2Options", (), (table, constant))


def _strided_slice(graph: Graph, node: Node) -> _Form:
    """Ends one step beyond the last element; where that is before the first one, a mask says "all"."""
    begin, step = np.array(node.operator.begin), np.array(node.operator.step)
    end = begin + step * np.array(graph.tensor(node.outputs[0]).shape)
    mask = int(sum(1 << axis for axis, last in enumerate(end) if last < 0))
    return _Form("STRIDED_SLICE", "StridedSliceOptions", (("endMask", mask),), (begin, end, step))


def _split(graph: Graph, node: Node) -> _Form:
    axis = node.operator.axis
    sizes = np.array([graph.tensor(name).shape[axis] for name in node.outputs])
    return _Form("SPLIT_V", "SplitVOptions", (("numSplits", len(sizes)),), (sizes, np.array(axis)))


def _resize(graph: Graph, node: Node) -> _Form:
    operator = node.operator
    fields = (("alignCorners", operator.align_corners), ("halfPixelCenters", operator.half_pixel_centers))
    size = np.array(graph.tensor(node.outputs[0]).shape[1:3])
    return _Form("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions", fields, (size,))


_FORMS = {
    op.Conv2D: _conv,
    op.DepthwiseConv2D: _depthwise,
    op.FullyConnected: _dense,
    op.AveragePool2D: _pool("AVERAGE_POOL_2D"),
    op.MaxPool2D: _pool("MAX_POOL_2D"),
    op.Mean: lambda graph, node: _Form(
        "MEAN", "ReducerOptions", (("keepDims", node.operator.keep_dims),), (np.array(node.operator.axes),)
    ),
    op.Add: _activated("ADD", "AddOptions"),
    op.Sub: _activated("SUB", "SubOptions"),
    op.Mul: _activated("MUL", "MulOptions"),
    op.Minimum: _plain("MINIMUM", "MaximumMinimumOptions"),
    op.Maximum: _plain("MAXIMUM", "MaximumMinimumOptions"),
    op.Softmax: lambda graph, node: _Form("SOFTMAX", "SoftmaxOptions", (("beta", node.operator.beta),)),
    op.Logistic: _plain("LOGISTIC"),
    op.Tanh: _plain("TANH"),
    op.Relu: _plain("RELU"),
    op.Relu6: _plain("RELU6"),
    op.LeakyRelu: lambda graph, node: _Form(
        "LEAKY_RELU", "LeakyReluOptions", (("alpha", node.operator.alpha),)
    ),
    op.Concatenation: lambda graph, node: _Form(
        "CONCATENATION", "ConcatenationOptions", (("axis", node.operator.axis),)
    ),
    op.Pad: _pad,
    op.Reshape: _reshape,
    op.Transpose: lambda graph, node: _Form(
        "TRANSPOSE", "TransposeOptions", (), (np.array(node.operator.permutation),)
    ),
    op.StridedSlice: _strided_slice,
    op.Split: _split,
    op.Pack: lambda graph, node: _Form(
        "PACK", "PackOptions", (("axis", node.operator.axis), ("valuesCount", len(node.inputs)))
    ),
    op.Unpack: lambda graph, node: _Form(
        "UNPACK", "UnpackOptions", (("axis", node.operator.axis), ("num", len(node.outputs)))
    ),
    op.Quantize: _plain("QUANTIZE", "QuantizeOptions"),
    op.Dequantize: _plain("DEQUANTIZE", "DequantizeOptions"),
    op.ResizeNearestNeighbor: _resize,
}  # fmt: skip
