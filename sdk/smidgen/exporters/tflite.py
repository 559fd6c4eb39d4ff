"""Export to TensorFlow Lite (.tflite), float or integer.

Weights of 4 and 2 bits are written in the narrowest type that both TensorFlow Lite Micro and LiteRT run:
INT4 in convolutions, INT8 in fully connected layers. Metadata that others ignore says how many bits there are
(`importers.tflite.reader.WEIGHT_BITS`), so the importer gives back the same graph. Operators that TensorFlow
Lite lacks, or lacks in int8, are custom operators that only Smidgen's importer knows (`tflite_forms.OWN`).
Format: tensorflow/compiler/mlir/lite/schema/schema.fbs (schema version 3).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np

from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.exporters.tflite_forms import FORMS, OWN_PREFIX, padding_kind
from smidgen.exporters.tflite_recurrent import (
    LSTM,
    LSTM_TABLE,
    builtin_lstm_names,
    gate_constants,
    gate_tensors,
    is_builtin_lstm,
    lstm_fields,
    refuse_state,
)
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph import operators as op
from smidgen.graph.operators import Padding

_TYPES = {
    DType.F32: "FLOAT32", DType.I8: "INT8", DType.I16: "INT16", DType.I32: "INT32", DType.I64: "INT64",
    DType.BOOL: "BOOL",
}  # fmt: skip
_WEIGHT_BITS = "smidgen.weight_bits"
# The version of an operator whose tensors are int8, where it is not 2; others have version 1.
_INT8_VERSIONS = {
    "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "RESHAPE": 1, "QUANTIZE": 1,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 3, "DEPTH_TO_SPACE": 1, "ELU": 1, "HARD_SWISH": 1, "PRELU": 1,
}  # fmt: skip
_FIRST_VERSIONS = {"BROADCAST_TO": 2}
# A PAD before them would not be the same.
_UNPADDED = (op.AveragePool2D, op.MaxPool2D, op.TransposeConv2D)


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
        self.states = {state.tensor for state in graph.states}
        # TensorFlow Lite Micro's FULLY_CONNECTED takes no INT4.
        self.whole_bytes = {
            name
            for node in graph.nodes
            if isinstance(node.operator, op.FullyConnected)
            for name in node.inputs
        }

    def run(self) -> bytes:
        self._check()
        used = {name for node in self.graph.nodes for name in self._named(node)}
        for name, tensor in self.graph.tensors.items():
            if name in used or name in self.graph.inputs:
                self.indices[name] = self._tensor(tensor)
        for node in self.graph.nodes:
            if self._is_builtin_lstm(node):
                self._lstm(node)
            else:
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
        for state in self.graph.states:
            what = refuse_state(self.graph, state)
            if what is not None:
                problems.add(f"{self.graph.name}: state '{state.tensor}'", what)
        for node in self.graph.nodes:
            where = f"{self.graph.name}: {node.operator.type_name} '{node.id}'"
            if type(node.operator) not in FORMS:
                problems.add(where, "cannot be written as TensorFlow Lite")
            elif isinstance(node.operator, _UNPADDED) and padding_kind(node, self.graph) is None:
                problems.add(where, "its padding is neither SAME nor VALID, which TensorFlow Lite has alone")
        problems.stop_if_any(UsageError)

    # Tensors

    def _tensor(self, tensor: Tensor) -> int:
        written = schema.TensorT()
        written.name, written.shape = tensor.name, list(tensor.shape)
        type_name = _TYPES.get(tensor.dtype) or ("INT8" if tensor.name in self.whole_bytes else "INT4")
        written.type = getattr(schema.TensorType, type_name)
        written.isVariable = tensor.name in self.states
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

    def _named(self, node: Node) -> tuple[str | None, ...]:
        """The tensors that a node reads or writes in the file under their own names."""
        if self._is_builtin_lstm(node):
            return builtin_lstm_names(node)
        return (*node.inputs, *node.outputs)

    def _is_builtin_lstm(self, node: Node) -> bool:
        return isinstance(node.operator, op.Lstm) and is_builtin_lstm(self.graph, node)

    def _lstm(self, node: Node) -> None:
        x, h, c, y = builtin_lstm_names(node)
        weights, recurrent, bias = (
            [-1 if one is None else self._tensor(one) for one in gates]
            for gates in gate_constants(self.graph, node)
        )
        states = [self.indices[h], self.indices[c]]
        inputs = [self.indices[x], *weights, *recurrent, -1, -1, -1, *bias, -1, -1, *states, *[-1] * 4]
        fields = lstm_fields(node)
        dtype = self.graph.tensor(x).dtype
        self._operator(LSTM, LSTM_TABLE, fields, inputs, [self.indices[y]], dtype)
        if dtype is not DType.F32:
            intermediates = [self._tensor(one) for one in gate_tensors(self.graph, node)]
            self.subgraph.operators[-1].intermediates = intermediates

    def _node(self, node: Node) -> None:
        x = self.graph.tensor(node.inputs[0])
        inputs = [-1 if name is None else self.indices[name] for name in node.inputs]
        outputs = [self.indices[name] for name in node.outputs]
        padding = getattr(node.operator, "padding", None)
        kind = None
        if padding is not None:
            kind = padding_kind(node, self.graph)
            if kind is None:
                inputs[0], kind = self._padded(node, x, padding), "VALID"
        form = FORMS[type(node.operator)](self.graph, node)
        fields = dict(form.fields)
        if kind is not None:
            fields["padding"] = getattr(schema.Padding, kind)
        if form.order is not None:
            inputs = [inputs[index] for index in form.order]
        while inputs[-1] == -1:  # an absent bias is not listed
            inputs.pop()
        if isinstance(node.operator, op.Conv2D | op.DepthwiseConv2D) and len(inputs) == 2:
            inputs.append(self._zeros(node, x))  # without which neither interpreter takes all of them
        given = [
            self._parameter(values, f"{node.id}/{i}") for i, values in enumerate(form.before + form.after)
        ]
        first = len(form.before)
        inputs = [*given[:first], *inputs, *given[first:]]
        self._operator(form.name, form.table, fields, inputs, outputs, x.dtype)

    def _zeros(self, node: Node, x: Tensor) -> int:
        """A bias of zeros."""
        weights, channels = self.graph.tensor(node.inputs[1]), self.graph.tensor(node.outputs[0]).shape[3]
        dtype = {DType.F32: DType.F32, DType.I16: DType.I64}.get(x.dtype, DType.I32)
        quantization = weights.quantization
        if quantization is not None:
            axis = None if quantization.axis is None else 0
            quantization = replace(quantization, scale=quantization.scale * np.float32(x.scale), axis=axis)
        data = np.zeros(channels, dtype.numpy)
        return self._tensor(Tensor(f"{node.id}/bias", data.shape, dtype, quantization, data))

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
        if name.startswith(OWN_PREFIX):
            operator.customOptions = np.frombuffer(json.dumps(fields).encode(), np.uint8)
        if table is not None:
            options = getattr(schema, f"{table}T")()
            for field, value in fields.items():
                setattr(options, field, value)
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = options
        self.subgraph.operators.append(operator)

    def _code(self, name: str, dtype: DType) -> int:
        version = _INT8_VERSIONS.get(name, 2) if dtype is DType.I8 else _FIRST_VERSIONS.get(name, 1)
        key = (name, version)
        if key not in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name, schema.BuiltinOperator.CUSTOM)
            if code.builtinCode == schema.BuiltinOperator.CUSTOM:
                code.customCode = name
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
