"""Builds small .tflite files for tests, one operator at a time, with nothing checked on the way.

Use::

    builder = ModelBuilder("tiny")
    x = builder.input((1, 8, 8, 3), scale=0.05, zero_point=3)                 # int8 unless a type is given
    w = builder.constant(weights, scale=[0.01, 0.02], axis=0)                 # int8 (2, 3, 3, 3), per channel
    b = builder.constant(bias, scale=[0.0005, 0.001], axis=0)                 # int32 (2,)
    y = builder.tensor((1, 4, 4, 2), scale=0.1, zero_point=-5)
    builder.operator("CONV_2D", [x, w, b], [y], padding="SAME", stride_w=2, stride_h=2, activation="RELU")
    builder.output(y)
    content = builder.build()                                                 # bytes
    path = builder.save(tmp_path / "tiny.tflite")                             # or a file

`operator` takes the builtin operator's name and its options, named as in the TFLite schema but in snake case
(`stride_w`, `dilation_h_factor`, `keep_dims`, ...); `activation` stands for `fused_activation_function`.
Strides, dilations and filter sizes are 1 unless they are given. Tensors are plain indices, -1 is an absent
optional input. Arrays say their own type; `dtype` names it for tensors without data: "int8", "int16",
"int32", "int64", "uint8", "float32", "bool". A tensor without a scale has no quantization.

`operator` accepts any of the schema's operators, also those that Smidgen does not support, and every wrong
combination: what a model should be is the business of the test.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "uint8": schema.TensorType.UINT8,
    "bool": schema.TensorType.BOOL,
}
_OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "SELECT_V2": "SelectV2Options",
    "MINIMUM": "MaximumMinimumOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "PADV2": "PadV2Options",
    "SPLIT_V": "SplitVOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
}
_ONE_BY_DEFAULT = (
    "strideW", "strideH", "dilationWFactor", "dilationHFactor", "filterWidth", "filterHeight",
    "depthMultiplier",
)  # fmt: skip


class ModelBuilder:
    """Collects tensors and operators of one subgraph; `build` packs them."""

    def __init__(self, name: str = "main") -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = name
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]
        self.graph = schema.SubGraphT()
        self.graph.name = name
        self.graph.tensors = []
        self.graph.operators = []
        self.graph.inputs = []
        self.graph.outputs = []
        self.model.subgraphs = [self.graph]

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "int8",
        *,
        scale: float | Sequence[float] | None = None,
        zero_point: int | Sequence[int] = 0,
        axis: int = 0,
        name: str | None = None,
        data: np.ndarray | None = None,
        shape_signature: Sequence[int] | None = None,
        variable: bool = False,
    ) -> int:
        """Add a tensor and return its index. One scale is per tensor, several are per channel of `axis`."""
        index = len(self.graph.tensors)
        tensor = schema.TensorT()
        tensor.name = name if name is not None else f"t{index}"
        tensor.shape = list(shape)
        tensor.shapeSignature = None if shape_signature is None else list(shape_signature)
        tensor.type = _TYPES[dtype]
        tensor.isVariable = variable
        if scale is not None:
            scales = [float(value) for value in np.atleast_1d(scale)]
            zero_points = np.broadcast_to(np.atleast_1d(zero_point), (len(scales),))
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scales
            tensor.quantization.zeroPoint = [int(value) for value in zero_points]
            tensor.quantization.quantizedDimension = axis
        buffer = schema.BufferT()
        if data is not None:
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        tensor.buffer = len(self.model.buffers)
        self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return index

    def input(self, shape: Sequence[int], dtype: str = "int8", **keywords) -> int:
        """Add a tensor and list it as the next input of the model."""
        index = self.tensor(shape, dtype, **keywords)
        self.graph.inputs.append(index)
        return index

    def constant(self, data: np.ndarray, **keywords) -> int:
        """Add a tensor that holds `data`, in the array's own type."""
        data = np.asarray(data)
        return self.tensor(data.shape, data.dtype.name, data=data, **keywords)

    def output(self, *tensors: int) -> None:
        """List tensors as the next outputs of the model."""
        self.graph.outputs.extend(tensors)

    def operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], version: int = 1, **options
    ) -> int:
        """Add an operator and return its index. A name outside the schema is a custom operator."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._opcode(name, version)
        operator.inputs = list(inputs)
        operator.outputs = list(outputs)
        options_name = _OPTIONS.get(name) or name.title().replace("_", "") + "Options"
        options_type = getattr(schema, options_name + "T", None)
        if options_type is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options_name)
            operator.builtinOptions = _fill(options_type(), options)
        elif options:
            raise ValueError(f"{name} has no options in the schema")
        self.graph.operators.append(operator)
        return len(self.graph.operators) - 1

    def build(self) -> bytes:
        """The .tflite file's content."""
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def save(self, path: Path) -> Path:
        path.write_bytes(self.build())
        return path

    def _opcode(self, name: str, version: int) -> int:
        code = schema.OperatorCodeT()
        code.version = version
        code.builtinCode = getattr(schema.BuiltinOperator, name, schema.BuiltinOperator.CUSTOM)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        if code.builtinCode == schema.BuiltinOperator.CUSTOM:
            code.customCode = name
        for index, known in enumerate(self.model.operatorCodes):
            if vars(known) == vars(code):
                return index
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1


def _fill(table, options: dict):
    """Set the table's fields from snake-case options; names of enumerations become their values."""
    for field in _ONE_BY_DEFAULT:
        if hasattr(table, field):
            setattr(table, field, 1)
    for option, value in options.items():
        option = "fused_activation_function" if option == "activation" else option
        field = re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), option)
        if not hasattr(table, field):
            raise ValueError(f"{type(table).__name__} has no field '{field}'")
        if option == "fused_activation_function" and isinstance(value, str):
            value = getattr(schema.ActivationFunctionType, value)
        elif option == "padding" and isinstance(value, str):
            value = getattr(schema.Padding, value)
        setattr(table, field, value)
    return table
