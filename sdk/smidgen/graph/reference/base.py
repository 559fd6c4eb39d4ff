"""What the families share: the form of an evaluator, optional inputs, and the refusal of other types."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from smidgen.errors import ModelError, Problem
from smidgen.graph.fixed_point import integer_range, quantize_multipliers, round_half_away
from smidgen.graph.types import DType, Graph, Node, Tensor

# Turns a node's input arrays (None where an optional one is absent) into its output arrays.
Evaluator = Callable[[Sequence[np.ndarray | None]], list[np.ndarray]]

QUANTIZED = (DType.I8, DType.I16)
NARROW_WEIGHTS = (DType.I4, DType.I2)
WEIGHTS = (DType.I8, *NARROW_WEIGHTS)


def tensors_of(graph: Graph, node: Node) -> tuple[list[Tensor | None], Tensor]:
    """The node's inputs and its first output."""
    return graph.input_tensors(node), graph.output_tensors(node)[0]


# By input byte, as C reads them: 0 to 127, then -128 to -1.
EVERY_INPUT = np.arange(256, dtype=np.uint8).view(np.int8)

_erf = np.frompyfunc(math.erf, 1, 1)


def erf(x: np.ndarray) -> np.ndarray:
    """The error function of float64 values."""
    return np.asarray(_erf(x), np.float64)


def optional(values: Sequence, index: int):
    """The value at `index`, or None where the node has no such input."""
    return values[index] if index < len(values) else None


def require(condition: bool, graph: Graph, node: Node) -> None:
    """Raise ModelError unless the node's types are ones that this operator has a meaning for."""
    if not condition:
        types = ", ".join(
            "none" if tensor is None else tensor.dtype.value
            for tensor in (*graph.input_tensors(node), *graph.output_tensors(node))
        )
        raise ModelError(
            Problem(
                f"{node.operator.type_name} '{node.id}'",
                f"there is no reference for its types ({types})",
                "quantize the model to int8, or keep it in float32 throughout",
            )
        )


def channel_multipliers(x: Tensor, weights: Tensor, output: Tensor, channels: int):
    """Multipliers and shifts (int32, one per output channel) of an accumulator of x * weights.

    The quotient of scales is taken in float64, as the convolutions of TensorFlow Lite do.
    """
    weight_scales = np.asarray(weights.quantization.scale, np.float64)
    reals = x.scale * weight_scales / output.scale
    return quantize_multipliers(np.broadcast_to(reals, (channels,)))


def tabulated(function: Callable[[np.ndarray], np.ndarray], x: Tensor, output: Tensor) -> np.ndarray:
    """The table of a float function, by input byte: 256 int8 values.

    The argument, the function's value and its quotient by the output's scale are rounded to float32, as in
    TensorFlow Lite's look-up tables (LUTPopulate), so an output is within 0.501 steps of the exact one unless
    it saturates. Not a number becomes the zero point.
    """
    arguments = np.float32(x.scale) * (EVERY_INPUT.astype(np.float32) - np.float32(x.zero_point))
    with np.errstate(all="ignore"):  # a function may be undefined for some of the 256 inputs
        results = function(arguments.astype(np.float64)).astype(np.float32)
        steps = round_half_away(results * (np.float32(1) / np.float32(output.scale)))
    integers = np.nan_to_num(steps.astype(np.float64), nan=0.0) + output.zero_point
    return np.clip(integers, *integer_range(8)).astype(np.int8)
