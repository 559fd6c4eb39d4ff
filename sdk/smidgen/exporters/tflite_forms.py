"""How TensorFlow Lite writes each operator: its name, options and constant inputs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np

from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph import operators as op
from smidgen.graph.operators import Activation, Comparison, Padding, same_padding

_ACTIVATIONS = {
    Activation.NONE: "NONE", Activation.RELU: "RELU", Activation.RELU6: "RELU6",
    Activation.RELU_N1_TO_1: "RELU_N1_TO_1",
}  # fmt: skip

_COMPARISONS = {
    Comparison.EQUAL: "EqualOptions", Comparison.NOT_EQUAL: "NotEqualOptions",
    Comparison.LESS: "LessOptions", Comparison.LESS_EQUAL: "LessEqualOptions",
    Comparison.GREATER: "GreaterOptions", Comparison.GREATER_EQUAL: "GreaterEqualOptions",
}  # fmt: skip
# Operators that TensorFlow Lite lacks altogether are custom ones of this name and the operator's.
OWN_PREFIX = "smidgen."
OWN = (
    op.LayerNorm, op.RmsNorm, op.InstanceNorm, op.Silu, op.HardSigmoid, op.Clip, op.Softplus, op.Softsign,
    op.Reciprocal, op.Erf, op.Lstm, op.Gru,
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """How the format writes a node: the builtin operator's name, its options' table and fields, the order of
    the node's own inputs, and the constant inputs before and after them: arrays of integers, or a whole
    tensor."""

    name: str
    table: str | None = None
    fields: tuple[tuple[str, Any], ...] = ()
    after: tuple[np.ndarray | Tensor, ...] = ()
    before: tuple[np.ndarray | Tensor, ...] = ()
    order: tuple[int, ...] | None = None


def padding_kind(node: Node, graph: Graph) -> str | None:
    """SAME or VALID where one of them gives the node's padding, else None."""
    x, operator = graph.tensor(node.inputs[0]), node.operator
    if isinstance(operator, op.TransposeConv2D):
        return _transposed_padding_kind(node, graph)
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


def _transposed_padding_kind(node: Node, graph: Graph) -> str | None:
    """As padding_kind; the padding is that of the convolution that goes the other way."""
    x, weights, y = (graph.tensor(name).shape for name in (*node.inputs[:2], node.outputs[0]))
    operator: op.TransposeConv2D = node.operator
    same, valid = [], []
    for axis, before in ((0, operator.padding.top), (1, operator.padding.left)):
        size, kernel, stride = y[1 + axis], weights[1 + axis], operator.stride[axis]
        fits = -(-size // stride) == x[1 + axis]
        same.append(fits and before == same_padding(size, kernel, stride, 1)[0])
        valid.append((size - kernel) // stride + 1 == x[1 + axis] and before == 0)
    return "VALID" if all(valid) else "SAME" if all(same) else None


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


def _conv(graph: Graph, node: Node) -> Form:
    return Form("CONV_2D", "Conv2DOptions", (*_strides(node), *_dilations(node)))


def _depthwise(graph: Graph, node: Node) -> Form:
    multiplier = graph.tensor(node.inputs[1]).shape[3] // graph.tensor(node.inputs[0]).shape[3]
    fields = (*_strides(node), *_dilations(node), ("depthMultiplier", multiplier))
    return Form("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", fields)


def _transposed(graph: Graph, node: Node) -> Form:
    shape = np.array(graph.tensor(node.outputs[0]).shape)
    order = (1, 0, *range(2, len(node.inputs)))
    return Form("TRANSPOSE_CONV", "TransposeConvOptions", _strides(node), before=(shape,), order=order)


def _batch_matmul(graph: Graph, node: Node) -> Form:
    fields = (("adjX", node.operator.transpose_a), ("adjY", node.operator.transpose_b))
    return Form("BATCH_MATMUL", "BatchMatMulOptions", fields)


def _tile(graph: Graph, node: Node) -> Form:
    """BROADCAST_TO where that is the same: TensorFlow Lite Micro has no TILE."""
    multiples, x = node.operator.multiples, graph.tensor(node.inputs[0])
    if all(size == 1 for size, many in zip(x.shape, multiples, strict=True) if many > 1):
        shape = graph.tensor(node.outputs[0]).shape
        return Form("BROADCAST_TO", "BroadcastToOptions", after=(np.array(shape),))
    return Form("TILE", "TileOptions", after=(np.array(multiples),))


def _blocks(name: str, table: str):
    return lambda graph, node: Form(name, table, (("blockSize", node.operator.block_size),))


def _dense(graph: Graph, node: Node) -> Form:
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    keeps = y.shape == (*x.shape[:-1], y.shape[-1]) and len(x.shape) != 2
    return Form("FULLY_CONNECTED", "FullyConnectedOptions", (_activation(node), ("keepNumDims", keeps)))


def _pool(name: str):
    def form(graph: Graph, node: Node) -> Form:
        rows, columns = node.operator.size
        size = (("filterHeight", rows), ("filterWidth", columns))
        return Form(name, "Pool2DOptions", (*_strides(node), *size))

    return form


def _plain(name: str, table: str | None = None):
    return lambda graph, node: Form(name, table)


def _activated(name: str, table: str):
    return lambda graph, node: Form(name, table, (_activation(node),))


def _reshape(graph: Graph, node: Node) -> Form:
    shape = graph.tensor(node.outputs[0]).shape
    return Form("RESHAPE", "ReshapeOptions", (("newShape", list(shape)),), (np.array(shape, np.int32),))


def _pad(graph: Graph, node: Node) -> Form:
    table, value = np.array(node.operator.paddings), node.operator.value
    if value is None:
        return Form("PAD", "PadOptions", (), (table,))
    x = graph.tensor(node.inputs[0])
    constant = Tensor("value", (1,), x.dtype, x.quantization, np.array([value], x.dtype.numpy))
    return Form("PADV2", "PadV2Options", (), (table, constant))


def _strided_slice(graph: Graph, node: Node) -> Form:
    """Ends one step beyond the last element; where that is before the first one, a mask says "all"."""
    begin, step = np.array(node.operator.begin), np.array(node.operator.step)
    end = begin + step * np.array(graph.tensor(node.outputs[0]).shape)
    mask = int(sum(1 << axis for axis, last in enumerate(end) if last < 0))
    return Form("STRIDED_SLICE", "StridedSliceOptions", (("endMask", mask),), (begin, end, step))


def _split(graph: Graph, node: Node) -> Form:
    axis = node.operator.axis
    sizes = np.array([graph.tensor(name).shape[axis] for name in node.outputs])
    return Form("SPLIT_V", "SplitVOptions", (("numSplits", len(sizes)),), (sizes, np.array(axis)))


def _resize(name: str, table: str):
    def form(graph: Graph, node: Node) -> Form:
        operator = node.operator
        corners, half = operator.align_corners, operator.half_pixel_centers
        size = np.array(graph.tensor(node.outputs[0]).shape[1:3])
        return Form(name, table, (("alignCorners", corners), ("halfPixelCenters", half)), (size,))

    return form


def _reduction(name: str):
    return lambda graph, node: Form(
        name, "ReducerOptions", (("keepDims", node.operator.keep_dims),), (np.array(node.operator.axes),)
    )


def _index(name: str, table: str):
    fields = (("outputType", schema.TensorType.INT32),)
    return lambda graph, node: Form(name, table, fields, (np.array(node.operator.axis),))


def _own(graph: Graph, node: Node) -> Form:
    """A custom operator of Smidgen's, with the operator's fields as JSON."""
    return Form(OWN_PREFIX + node.operator.type_name, fields=tuple(asdict(node.operator).items()))


def _plain_in_float(name: str, table: str | None = None):
    """An operator whose int8 form TensorFlow Lite lacks, or takes for something else."""

    def form(graph: Graph, node: Node) -> Form:
        is_float = graph.tensor(node.outputs[0]).dtype is DType.F32
        return Form(name, table) if is_float else _own(graph, node)

    return form


def _elu(graph: Graph, node: Node) -> Form:
    return Form("ELU") if node.operator.alpha == 1 else _own(graph, node)


def _logical(graph: Graph, node: Node) -> Form:
    name = node.operator.kind.value.upper()
    tables = {"LOGICAL_AND": "LogicalAndOptions", "LOGICAL_OR": "LogicalOrOptions"}
    if name in tables:
        return Form(name, tables[name])
    return Form(OWN_PREFIX + name)


FORMS = {
    op.Conv2D: _conv,
    op.DepthwiseConv2D: _depthwise,
    op.TransposeConv2D: _transposed,
    op.FullyConnected: _dense,
    op.BatchMatMul: _batch_matmul,
    op.AveragePool2D: _pool("AVERAGE_POOL_2D"),
    op.MaxPool2D: _pool("MAX_POOL_2D"),
    op.Mean: _reduction("MEAN"),
    op.Sum: _reduction("SUM"),
    op.ReduceMax: _reduction("REDUCE_MAX"),
    op.ReduceMin: _reduction("REDUCE_MIN"),
    op.ArgMax: _index("ARG_MAX", "ArgMaxOptions"),
    op.ArgMin: _index("ARG_MIN", "ArgMinOptions"),
    op.Add: _activated("ADD", "AddOptions"),
    op.Sub: _activated("SUB", "SubOptions"),
    op.Mul: _activated("MUL", "MulOptions"),
    op.Div: _activated("DIV", "DivOptions"),
    op.SquaredDifference: _plain("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"),
    op.Pow: _plain_in_float("POW", "PowOptions"),
    op.Minimum: _plain("MINIMUM", "MaximumMinimumOptions"),
    op.Maximum: _plain("MAXIMUM", "MaximumMinimumOptions"),
    op.Softmax: lambda graph, node: Form("SOFTMAX", "SoftmaxOptions", (("beta", node.operator.beta),)),
    op.Logistic: _plain("LOGISTIC"),
    op.Tanh: _plain("TANH"),
    op.Relu: _plain("RELU"),
    op.Relu6: _plain("RELU6"),
    op.LeakyRelu: lambda graph, node: Form(
        "LEAKY_RELU", "LeakyReluOptions", (("alpha", node.operator.alpha),)
    ),
    op.Elu: _elu,
    op.Gelu: lambda graph, node: Form("GELU", "GeluOptions", (("approximate", node.operator.approximate),)),
    op.HardSwish: _plain("HARD_SWISH"),
    op.Prelu: _plain("PRELU"),
    op.Abs: _plain("ABS", "AbsOptions"),
    op.Exp: _plain("EXP", "ExpOptions"),
    op.Log: _plain("LOG"),
    op.Rsqrt: _plain("RSQRT"),
    op.Neg: _plain_in_float("NEG", "NegOptions"),
    op.Sign: _plain_in_float("SIGN", "SignOptions"),
    op.Sqrt: _plain_in_float("SQRT"),
    op.Square: _plain_in_float("SQUARE", "SquareOptions"),
    op.Sin: _plain_in_float("SIN"),
    op.Cos: _plain_in_float("COS", "CosOptions"),
    op.Floor: _plain_in_float("FLOOR"),
    op.Ceil: _plain_in_float("CEIL"),
    op.Round: _plain_in_float("ROUND"),
    op.Compare: lambda graph, node: Form(node.operator.kind.name, _COMPARISONS[node.operator.kind]),
    op.Logical: _logical,
    op.LogicalNot: _plain("LOGICAL_NOT", "LogicalNotOptions"),
    op.Select: _plain("SELECT_V2", "SelectV2Options"),
    op.Cast: _plain("CAST", "CastOptions"),
    **dict.fromkeys(OWN, _own),
    op.Concatenation: lambda graph, node: Form(
        "CONCATENATION", "ConcatenationOptions", (("axis", node.operator.axis),)
    ),
    op.Pad: _pad,
    op.Reshape: _reshape,
    op.Transpose: lambda graph, node: Form(
        "TRANSPOSE", "TransposeOptions", (), (np.array(node.operator.permutation),)
    ),
    op.StridedSlice: _strided_slice,
    op.Split: _split,
    op.Pack: lambda graph, node: Form(
        "PACK", "PackOptions", (("axis", node.operator.axis), ("valuesCount", len(node.inputs)))
    ),
    op.Unpack: lambda graph, node: Form(
        "UNPACK", "UnpackOptions", (("axis", node.operator.axis), ("num", len(node.outputs)))
    ),
    op.Quantize: _plain("QUANTIZE", "QuantizeOptions"),
    op.Dequantize: _plain("DEQUANTIZE", "DequantizeOptions"),
    op.ResizeNearestNeighbor: _resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
    op.ResizeBilinear: _resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    op.Gather: lambda graph, node: Form("GATHER", "GatherOptions", (("axis", node.operator.axis),)),
    op.Tile: _tile,
    op.DepthToSpace: _blocks("DEPTH_TO_SPACE", "DepthToSpaceOptions"),
    op.SpaceToDepth: _blocks("SPACE_TO_DEPTH", "SpaceToDepthOptions"),
}  # fmt: skip
