"""Arithmetic on constants, done at import by the evaluator of the onnx package: mostly of shapes.

Only operators that are listed here are evaluated, and only after the size of what they would make is known to
be reasonable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, helper
from onnx.reference import ReferenceEvaluator

from smidgen.importers.onnx.constants import MAX_ELEMENTS
from smidgen.importers.onnx.problems import Refused

# What they make is no larger than their inputs broadcast together.
_ELEMENTWISE = {
    "Abs", "Add", "And", "Ceil", "Cos", "Div", "Equal", "Erf", "Exp", "Floor", "Greater", "GreaterOrEqual",
    "Less", "LessOrEqual", "Log", "Max", "Mean", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Reciprocal",
    "Round", "Sigmoid", "Sign", "Sin", "Sqrt", "Sub", "Sum", "Tanh", "Where", "Xor",
}  # fmt: skip
# What they make is no larger than their inputs together.
_SHRINKING = {
    "ArgMax", "ArgMin", "Cast", "CastLike", "Clip", "Concat", "Flatten", "Identity", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Relu", "Reshape", "Slice", "Softmax", "Split",
    "Squeeze", "Transpose", "Trilu", "Unsqueeze", "CumSum",
}  # fmt: skip
_GROWING = {"ConstantOfShape", "Expand", "Gather", "Range", "Tile"}
FOLDED = _ELEMENTWISE | _SHRINKING | _GROWING


def fold(node: NodeProto, opset: int, inputs: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """The outputs of a node whose inputs are all known. Raises Refused."""
    try:
        size = _size(node, [array for array in inputs if array is not None])
        if size > MAX_ELEMENTS:
            raise Refused(f"would make a constant of {size:,} elements; at most {MAX_ELEMENTS:,}")
        names = [name for name in dict.fromkeys(node.input) if name]
        feeds = {name: array for name, array in zip(node.input, inputs, strict=True) if array is not None}
        graph = helper.make_graph(
            [node],
            "constant",
            [
                helper.make_tensor_value_info(
                    name, helper.np_dtype_to_tensor_dtype(feeds[name].dtype), feeds[name].shape
                )
                for name in names
            ],
            [helper.make_empty_tensor_value_info(name) for name in node.output if name],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(model).run(None, feeds)
    except Refused:
        raise
    except Exception as error:  # whatever a wrong file makes another package raise
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Refused(f"cannot be computed from its constant inputs: {reason}") from None
    arrays = [np.asarray(result) for result in results]
    if any(array.dtype.kind not in "fiub" or array.size > MAX_ELEMENTS for array in arrays):
        raise Refused("computes something else than numbers from its constant inputs")
    return arrays


def _size(node: NodeProto, inputs: list[np.ndarray]) -> int:
    """At most so many elements come out."""
    kind = node.op_type
    if kind in _ELEMENTWISE:
        return math.prod(np.broadcast_shapes(*(array.shape for array in inputs)))
    if kind in _SHRINKING:
        return sum(array.size for array in inputs)
    if kind == "ConstantOfShape":
        return math.prod(int(size) for size in inputs[0].reshape(-1))
    if kind == "Expand":
        sizes = tuple(int(size) for size in inputs[1].reshape(-1))
        return math.prod(np.broadcast_shapes(inputs[0].shape, sizes))
    if kind == "Gather":
        return inputs[0].size * max(inputs[1].size, 1)
    if kind == "Tile":
        return inputs[0].size * math.prod(int(times) for times in inputs[1].reshape(-1))
    start, limit, delta = (float(array.reshape(-1)[0]) for array in inputs)  # Range
    return max(math.ceil((limit - start) / delta), 0)
