"""Small graphs of one node, for each operator and type: what the support matrix asks the code about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from smidgen.graph import DType, Graph, Node, Quantization, Tensor, operators
from smidgen.graph.operators import Operator


def samples(operator: type[Operator], dtype: DType) -> list[Graph]:
    """Graphs of one node of this operator on tensors of this type."""
    # Only these two change the type: from and to float, or between integers.
    if operator is operators.Quantize:
        return [_graph(operator(), (dtype,), ((1, 4),), to) for to in (DType.I8, DType.I16)]
    if operator is operators.Dequantize:
        return [_graph(operator(), (dtype,), ((1, 4),), DType.F32)]
    return [_SAMPLES.get(operator, _elementwise)(operator, dtype)]


def narrow_sample(operator: type[Operator], weights: DType) -> Graph | None:
    """An int8 graph of one node with weights of 4 or 2 bits; None where the operator has no weights."""
    return _WEIGHTED[operator](operator, DType.I8, weights) if operator in _WEIGHTED else None


def _tensor(name: str, shape: tuple[int, ...], dtype: DType, constant: bool = False) -> Tensor:
    quantization = None
    if dtype.is_integer:
        quantization = Quantization.per_tensor(0.5, 0)
    data = np.ones(shape, dtype.numpy) if constant else None
    return Tensor(name, shape, dtype, quantization, data)


def _graph(
    operator: Operator, types: tuple[DType, ...], shapes: tuple[tuple[int, ...], ...], output: DType,
    output_shapes: tuple[tuple[int, ...], ...] | None = None, constants: int = 0,
) -> Graph:  # fmt: skip
    """One node; the last `constants` of its inputs are constants."""
    first = len(shapes) - constants
    inputs = [
        _tensor(f"input{i}", shape, dtype, constant=i >= first)
        for i, (shape, dtype) in enumerate(zip(shapes, types, strict=True))
    ]
    if constants and output.is_integer:
        bias_scale = np.float32(0.25)
        inputs[-1] = replace(inputs[-1], quantization=Quantization.per_tensor(float(bias_scale), 0))
    outputs = [_tensor(f"output{i}", shape, output) for i, shape in enumerate(output_shapes or (shapes[0],))]
    if isinstance(operator, (operators.Softmax, operators.Logistic)) and output.is_integer:
        outputs = [replace(outputs[0], quantization=Quantization.per_tensor(1 / 256, -128))]
    if isinstance(operator, operators.Tanh) and output.is_integer:
        outputs = [replace(outputs[0], quantization=Quantization.per_tensor(1 / 128, 0))]
    node = Node("sample", operator, tuple(t.name for t in inputs), tuple(t.name for t in outputs))
    given = tuple(tensor.name for tensor in inputs if not tensor.is_constant)
    return Graph("sample", {t.name: t for t in (*inputs, *outputs)}, (node,), given, node.outputs)


def _bias(dtype: DType) -> DType:
    return {DType.F32: DType.F32, DType.I16: DType.I64}.get(dtype, DType.I32)


def _weights(dtype: DType) -> DType:
    return DType.F32 if dtype is DType.F32 else DType.I8


def _gamma(dtype: DType) -> DType:
    return DType.F32 if dtype is DType.F32 else DType.I16


def _convolution(operator: type[Operator], dtype: DType, weights: DType | None = None) -> Graph:
    depthwise = operator is operators.DepthwiseConv2D
    shapes = ((1, 4, 4, 4), (1, 3, 3, 4) if depthwise else (4, 1, 1, 4), (4,))
    out = (1, 2, 2, 4) if depthwise else (1, 4, 4, 4)
    return _graph(
        operator(), (dtype, weights or _weights(dtype), _bias(dtype)), shapes, dtype, (out,), constants=2
    )


def _fully_connected(operator: type[Operator], dtype: DType, weights: DType | None = None) -> Graph:
    types = (dtype, weights or _weights(dtype), _bias(dtype))
    return _graph(operator(), types, ((1, 8), (4, 8), (4,)), dtype, ((1, 4),), constants=2)


def _elementwise(operator: type[Operator], dtype: DType) -> Graph:
    binary = (
        operators.Add, operators.Sub, operators.Mul, operators.Div, operators.SquaredDifference,
        operators.Minimum, operators.Maximum, operators.Prelu, operators.Logical,
    )  # fmt: skip
    count = 2 if issubclass(operator, binary) else 1
    return _graph(operator(), (dtype,) * count, ((1, 4, 4, 2),) * count, dtype)


def _recurrent(operator: type[Operator], dtype: DType) -> Graph:
    """2 units over 3 steps of 4 inputs, their state as inputs of the graph."""
    is_lstm = operator is operators.Lstm
    rows, weights, state = (8 if is_lstm else 6), _weights(dtype), (1, 2)
    step = Quantization.per_tensor(2**-15, 0)
    cell = _tensor("c", state, DType.F32 if dtype is DType.F32 else DType.I16)
    cells = [cell if dtype is DType.F32 else replace(cell, quantization=step)] if is_lstm else []
    constants = [_tensor("w", (rows, 4), weights, True), _tensor("r", (rows, 2), weights, True)]
    for index in range(1 if is_lstm else 2):
        constants.append(_tensor(f"b{index}", (rows,), _bias(dtype), True))
        if dtype.is_integer:
            constants[-1] = replace(constants[-1], quantization=Quantization.per_tensor(0.25, 0))
    given = [_tensor("x", (1, 3, 4), dtype), _tensor("h", state, dtype), *cells]
    made = [_tensor("y", (1, 3, 2), dtype), _tensor("h_n", state, dtype)]
    made += [replace(cell, name="c_n") for cell in cells]
    reads = (given[0], *constants, *given[1:])
    node = Node("sample", operator(), tuple(t.name for t in reads), tuple(t.name for t in made))
    tensors = {t.name: t for t in (*reads, *made)}
    return Graph("sample", tensors, (node,), tuple(t.name for t in given), node.outputs)


def _resized(output: tuple[int, ...], shape: tuple[int, ...] = (1, 4, 4, 2), **fields: object):
    return lambda operator, dtype: _graph(operator(**fields), (dtype,), (shape,), dtype, (output,))


_WEIGHTED: dict[type[Operator], Callable[..., Graph]] = {
    operators.Conv2D: _convolution,
    operators.DepthwiseConv2D: _convolution,
    operators.TransposeConv2D: _convolution,
    operators.FullyConnected: _fully_connected,
}
_SAMPLES: dict[type[Operator], Callable[[type[Operator], DType], Graph]] = {
    **_WEIGHTED,
    operators.AveragePool2D: _resized((1, 2, 2, 4), (1, 4, 4, 4), size=(2, 2), stride=(2, 2)),
    operators.MaxPool2D: _resized((1, 2, 2, 4), (1, 4, 4, 4), size=(2, 2), stride=(2, 2)),
    operators.Mean: _resized((1, 2), axes=(1, 2)),
    operators.Sum: _resized((1, 2), axes=(1, 2)),
    operators.ReduceMax: _resized((1, 2), axes=(1, 2)),
    operators.ReduceMin: _resized((1, 2), axes=(1, 2)),
    **dict.fromkeys(
        (operators.ArgMax, operators.ArgMin),
        lambda operator, dtype: _graph(operator(axis=1), (dtype,), ((1, 4),), DType.I32, ((1,),)),
    ),
    operators.Compare: lambda operator, dtype: _graph(operator(), (dtype,) * 2, ((1, 4),) * 2, DType.BOOL),
    operators.Select: lambda operator, dtype: _graph(
        operator(), (DType.BOOL, dtype, dtype), ((1, 4),) * 3, dtype
    ),
    operators.Pow: lambda operator, dtype: _graph(
        operator(), (dtype,) * 2, ((1, 4), (1,)), dtype, constants=1
    ),
    **dict.fromkeys(
        (operators.LayerNorm, operators.InstanceNorm),
        lambda operator, dtype: _graph(
            operator(), (dtype, _gamma(dtype), _bias(dtype)), ((1, 4, 4), (4,), (4,)), dtype, constants=2
        ),
    ),
    operators.RmsNorm: lambda operator, dtype: _graph(
        operator(), (dtype, _gamma(dtype)), ((1, 4), (4,)), dtype, constants=1
    ),
    operators.Lstm: _recurrent,
    operators.Gru: _recurrent,
    operators.Pad: _resized((1, 6, 6, 2), paddings=((0, 0), (1, 1), (1, 1), (0, 0))),
    operators.Reshape: _resized((1, 32)),
    operators.Transpose: _resized((1, 2, 4, 4), permutation=(0, 3, 1, 2)),
    operators.StridedSlice: _resized((1, 2, 4, 2), begin=(0, 1, 0, 0), step=(1, 1, 1, 1)),
    operators.ResizeNearestNeighbor: _resized((1, 8, 8, 4), (1, 4, 4, 4)),
    operators.ResizeBilinear: _resized((1, 8, 8, 2)),
    operators.Tile: _resized((1, 8, 4, 2), multiples=(1, 2, 1, 1)),
    operators.DepthToSpace: _resized((1, 4, 4, 2), shape=(1, 2, 2, 8)),
    operators.SpaceToDepth: _resized((1, 2, 2, 8)),
    operators.Gather: lambda operator, dtype: _graph(
        operator(), (dtype, DType.I32), ((8, 2), (3,)), dtype, ((3, 2),)
    ),
    operators.BatchMatMul: lambda operator, dtype: _graph(
        operator(), (dtype,) * 2, ((1, 4, 2), (1, 2, 3)), dtype, ((1, 4, 3),)
    ),
    operators.Concatenation: lambda operator, dtype: _graph(
        operator(axis=3), (dtype,) * 2, ((1, 4, 4, 4),) * 2, dtype, ((1, 4, 4, 8),)
    ),
    operators.Pack: lambda operator, dtype: _graph(
        operator(axis=1), (dtype,) * 2, ((1, 4),) * 2, dtype, ((1, 2, 4),)
    ),
    operators.Unpack: lambda operator, dtype: _graph(
        operator(axis=1), (dtype,), ((1, 2, 4),), dtype, ((1, 4), (1, 4))
    ),
    operators.Split: lambda operator, dtype: _graph(
        operator(axis=1), (dtype,), ((1, 4),), dtype, ((1, 2), (1, 2))
    ),
}
