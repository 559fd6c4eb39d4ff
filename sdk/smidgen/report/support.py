"""The support matrix, asked from the code: each operator of the importer, the types that its meaning and the
kernels of each set accept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from smidgen.compile.kernels import kernels_for, willing
from smidgen.errors import ModelError
from smidgen.graph import DType, Graph, Node, Quantization, Tensor, operators
from smidgen.graph.operators import Operator
from smidgen.graph.reference import Reference
from smidgen.graph.reference.base import NARROW_WEIGHTS
from smidgen.importers.tflite import SUPPORTED
from smidgen.targets import Target, list_targets, load_target

TYPES = (DType.I8, DType.I16, DType.I32, DType.F32, DType.BOOL)

# Operators of a .tflite file that become an operator of another name.
_BECOMES = {
    "SQUEEZE": "RESHAPE",
    "EXPAND_DIMS": "RESHAPE",
    "SLICE": "STRIDED_SLICE",
    "SPLIT_V": "SPLIT",
    "PADV2": "PAD",
    "EMBEDDING_LOOKUP": "GATHER",
    "MIRROR_PAD": "GATHER",
    "BROADCAST_TO": "TILE",
    "REVERSE_V2": "STRIDED_SLICE",
    "RELU_N1_TO_1": "CLIP",
    "RELU_0_TO_1": "CLIP",
    "SELECT_V2": "SELECT",
    **{kind.name: "COMPARE" for kind in operators.Comparison},
    **{kind.value.upper(): "LOGICAL" for kind in operators.Connective},
}


@dataclass(frozen=True)
class Matrix:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def records(self) -> list[dict[str, str]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def markdown(self) -> str:
        """As a table for a README."""
        rows = [(f"`{name}`", *rest) for name, *rest in self.rows]
        lines = [self.columns, ("---",) * len(self.columns), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def support_matrix() -> Matrix:
    """One row per operator that the importer knows; one column per set of kernels."""
    targets = [load_target(path) for path in list_targets().values()]
    sets = {kernel_set: None for target in targets for kernel_set in reversed(target.kernels)}
    headings = tuple(f"{kernel_set} kernels ({_cores(kernel_set, targets)})" for kernel_set in sets)
    rows = tuple(
        (
            name,
            importer.family,
            _types(name, _has_meaning),
            *(_types(name, _has_kernel(one)) for one in sets),
        )
        for name, importer in sorted(SUPPORTED.items(), key=lambda item: (item[1].family, item[0]))
    )
    return Matrix((".tflite operator", "family", "reference", *headings), rows)


def _cores(kernel_set: str, targets: list[Target]) -> str:
    """The cores that have a set of kernels."""
    having = [target for target in targets if kernel_set in target.kernels]
    if len(having) == len(targets):
        return "every target"
    return ", ".join(sorted({target.core.isa for target in having}))


def _types(name: str, accepts: Callable[[Graph], bool]) -> str:
    accepted = [dtype.value for dtype in TYPES if any(accepts(graph) for graph in _samples(name, dtype))]
    operator = _operator_of(name)
    sample = _WEIGHTED.get(operator)
    narrow = [
        dtype.value for dtype in NARROW_WEIGHTS if sample and accepts(sample(operator, DType.I8, dtype))
    ]
    return " ".join(accepted) + (f", weights also {' '.join(narrow)}" if narrow else "") or "-"


def _has_meaning(graph: Graph) -> bool:
    try:
        Reference(graph)
        return True
    except ModelError:
        return False


def _has_kernel(kernel_set: str) -> Callable[[Graph], bool]:
    specs = kernels_for([kernel_set])
    return lambda graph: _has_meaning(graph) and bool(willing(graph, graph.nodes[0], specs)[0])


def _operator_of(name: str) -> type[Operator]:
    """What an operator of a file becomes."""
    type_name = _BECOMES.get(name, name)
    every = (getattr(operators, name) for name in operators.__all__)
    return next(
        one for one in every
        if isinstance(one, type) and issubclass(one, Operator) and one.type_name == type_name
    )  # fmt: skip


def _samples(name: str, dtype: DType) -> list[Graph]:
    """Small graphs of one node of this operator on tensors of this type."""
    operator = _operator_of(name)
    # Only these two change the type: from and to float, or between integers.
    if operator is operators.Quantize:
        return [_graph(operator(), (dtype,), ((1, 4),), to) for to in (DType.I8, DType.I16)]
    if operator is operators.Dequantize:
        return [_graph(operator(), (dtype,), ((1, 4),), DType.F32)]
    return [_SAMPLES.get(operator, _elementwise)(operator, dtype)]


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
    return DType.F32 if dtype is DType.F32 else DType.I32


def _weights(dtype: DType) -> DType:
    return DType.F32 if dtype is DType.F32 else DType.I8


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
    operators.AveragePool2D: _resized((1, 2, 2, 2), size=(2, 2), stride=(2, 2)),
    operators.MaxPool2D: _resized((1, 2, 2, 2), size=(2, 2), stride=(2, 2)),
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
            operator(), (dtype, _weights(dtype), _bias(dtype)), ((1, 4, 4), (4,), (4,)), dtype, constants=2
        ),
    ),
    operators.RmsNorm: lambda operator, dtype: _graph(
        operator(), (dtype, _weights(dtype)), ((1, 4), (4,)), dtype, constants=1
    ),
    operators.Pad: _resized((1, 6, 6, 2), paddings=((0, 0), (1, 1), (1, 1), (0, 0))),
    operators.Reshape: _resized((1, 32)),
    operators.Transpose: _resized((1, 2, 4, 4), permutation=(0, 3, 1, 2)),
    operators.StridedSlice: _resized((1, 2, 4, 2), begin=(0, 1, 0, 0), step=(1, 1, 1, 1)),
    operators.ResizeNearestNeighbor: _resized((1, 8, 8, 2)),
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
        operator(axis=3), (dtype,) * 2, ((1, 4, 4, 2),) * 2, dtype, ((1, 4, 4, 4),)
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
