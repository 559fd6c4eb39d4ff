"""The meaning of every operator in NumPy, float and integer.

The integer side is the definition that every kernel and target must equal byte for byte; for int8 it equals
TensorFlow Lite Micro's reference kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from smidgen.errors import Problem, UsageError
from smidgen.graph import operators
from smidgen.graph.reference import (
    activation,
    conv,
    elementwise,
    logic,
    matmul,
    norm,
    pool,
    quantize,
    recurrent,
    reduce,
    resize,
    shape,
    table,
)
from smidgen.graph.reference.base import Evaluator
from smidgen.graph.types import Graph, Node

FAMILIES: dict[type[operators.Operator], Callable[[Graph, Node], Evaluator]] = {
    operators.Conv2D: conv.conv2d,
    operators.DepthwiseConv2D: conv.depthwise_conv2d,
    operators.TransposeConv2D: conv.transpose_conv2d,
    operators.FullyConnected: matmul.fully_connected,
    operators.BatchMatMul: matmul.batch_matmul,
    operators.Lstm: recurrent.lstm,
    operators.Gru: recurrent.gru,
    operators.AveragePool2D: pool.average_pool2d,
    operators.MaxPool2D: pool.max_pool2d,
    operators.Mean: reduce.mean,
    operators.Sum: reduce.total,
    operators.ReduceMax: reduce.extremum,
    operators.ReduceMin: reduce.extremum,
    operators.ArgMax: reduce.arg_extremum,
    operators.ArgMin: reduce.arg_extremum,
    operators.Add: elementwise.add_or_sub,
    operators.Sub: elementwise.add_or_sub,
    operators.Mul: elementwise.mul,
    operators.Minimum: elementwise.minimum_or_maximum,
    operators.Maximum: elementwise.minimum_or_maximum,
    operators.Div: elementwise.div,
    operators.SquaredDifference: elementwise.squared_difference,
    operators.Pow: elementwise.power,
    operators.Compare: logic.compare,
    operators.Logical: logic.logical,
    operators.LogicalNot: logic.logical_not,
    operators.Select: logic.select,
    operators.Cast: logic.cast,
    operators.LayerNorm: norm.norm,
    operators.RmsNorm: norm.norm,
    operators.InstanceNorm: norm.norm,
    **dict.fromkeys(table.FLOAT_FUNCTIONS, table.unary),
    operators.Prelu: activation.prelu,
    operators.Softmax: activation.softmax,
    operators.Concatenation: shape.concatenation,
    operators.Pad: shape.pad,
    operators.Reshape: shape.reshape,
    operators.Transpose: shape.transpose,
    operators.StridedSlice: shape.strided_slice,
    operators.Split: shape.split,
    operators.Pack: shape.pack,
    operators.Unpack: shape.unpack,
    operators.Gather: shape.gather,
    operators.Tile: shape.tile,
    operators.DepthToSpace: shape.depth_to_space,
    operators.SpaceToDepth: shape.space_to_depth,
    operators.Quantize: quantize.quantize,
    operators.Dequantize: quantize.dequantize,
    operators.ResizeNearestNeighbor: resize.resize_nearest_neighbor,
    operators.ResizeBilinear: resize.resize_bilinear,
}


@dataclass(frozen=True, eq=False)
class Result:
    """What one inference gave.

    outputs: the graph's outputs, in order; tensors: every tensor that is not a constant, by name, when all
    were asked for, else empty; states: the value of each state tensor for the next inference, by name.
    """

    outputs: list[np.ndarray]
    tensors: Mapping[str, np.ndarray]
    states: Mapping[str, np.ndarray]


class Reference:
    """A graph made ready for many inferences: parameters and tables are derived once.

    Raises ModelError when a node's types have no meaning.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._steps = [(node, FAMILIES[type(node.operator)](graph, node)) for node in graph.nodes]
        self._constants = {t.name: t.data for t in graph.tensors.values() if t.data is not None}

    def run(
        self,
        inputs: Sequence[np.ndarray],
        states: Mapping[str, np.ndarray] | None = None,
        keep: str | None = None,
    ) -> Result:
        """One inference. See `run`."""
        graph = self.graph
        values: dict[str | None, np.ndarray | None] = {None: None, **self._constants}
        for state in graph.states:
            values[state.tensor] = state.initial if states is None else states[state.tensor]
        values.update(zip(graph.inputs, _checked(graph, inputs), strict=True))
        for node, evaluate in self._steps:
            values.update(zip(node.outputs, evaluate([values[name] for name in node.inputs]), strict=True))
        kept = (
            {
                name: array
                for name, array in values.items()
                if name is not None and name not in self._constants
            }
            if keep == "all"
            else {}
        )
        return Result(
            outputs=[values[name] for name in graph.outputs],
            tensors=kept,
            states={state.tensor: values[state.next] for state in graph.states},
        )


def run(
    graph: Graph,
    inputs: Sequence[np.ndarray],
    states: Mapping[str, np.ndarray] | None = None,
    keep: str | None = None,
) -> Result:
    """One inference of `graph`; for many, make a `Reference` once and call its `run`.

    inputs: one array per graph input, of exactly its shape and type; states: what the previous Result
    carried, or None to start from the initial values; keep: "all" to get every tensor.
    Raises UsageError when an input has another shape or type.
    """
    return Reference(graph).run(inputs, states, keep)


def _checked(graph: Graph, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    if len(inputs) != len(graph.inputs):
        raise UsageError(
            Problem(
                graph.name,
                f"{len(inputs)} inputs given, the model has {len(graph.inputs)}",
                "give one array each",
            )
        )
    arrays = [np.asarray(array) for array in inputs]
    problems = []
    for name, array in zip(graph.inputs, arrays, strict=True):
        tensor = graph.tensors[name]
        if array.shape != tensor.shape or array.dtype != tensor.dtype.numpy:
            problems.append(
                Problem(
                    f"input '{name}'",
                    f"it has shape {array.shape} and type {array.dtype}",
                    f"the model takes shape {tensor.shape} and type {tensor.dtype.numpy}",
                )
            )
    if problems:
        raise UsageError(problems)
    return arrays
