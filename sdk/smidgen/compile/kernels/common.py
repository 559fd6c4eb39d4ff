"""What the declarations share: constant operands, requantization blobs, type checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node
from smidgen.graph.fixed_point import wrap_int32

PORTABLE = "portable"


def constant_operands(graph: Graph, names: Sequence[str]) -> dict[str, Blob]:
    """Blobs of those inputs that are constants but are read like any tensor."""
    return {
        name: Blob("operand", np.ascontiguousarray(graph.tensor(name).data).reshape(-1), "constant")
        for name in names
        if graph.tensor(name).is_constant
    }


def refuse_other_types(graph: Graph, node: Node, count: int = 1) -> str | None:
    """Why the first `count` inputs and all outputs are not int8 throughout, or None when they are."""
    names = [name for name in (*node.inputs[:count], *node.outputs) if name is not None]
    others = [f"'{name}' is {graph.tensor(name).dtype.value}" for name in names if not _is_int8(graph, name)]
    return f"needs int8, but {', '.join(others)}" if others else None


def _is_int8(graph: Graph, name: str) -> bool:
    return graph.tensor(name).dtype is DType.I8


def refuse_weights(graph: Graph, node: Node) -> str | None:
    """Why inputs 1 (weights) and 2 (bias) cannot be packed at compile time, or None when they can."""
    weights = graph.tensor(node.inputs[1])
    if not weights.is_constant:
        return f"its weights '{weights.name}' are computed at run time"
    if weights.dtype is not DType.I8:
        return f"its weights '{weights.name}' are {weights.dtype.value}, not i8"
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        bias = graph.tensor(node.inputs[2])
        if not bias.is_constant or bias.dtype is not DType.I32:
            return f"its bias '{bias.name}' is not a constant of type i32"
    return None


def bias_of(graph: Graph, node: Node, channels: int) -> np.ndarray:
    """Input 2 as int64, zeros when it is absent."""
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        return graph.tensor(node.inputs[2]).data.reshape(-1).astype(np.int64)
    return np.zeros(channels, np.int64)


def doubled(multiplier: int) -> int:
    """Twice a 31-bit multiplier, the form in which the kernels take it: one high multiply less a shift."""
    return 2 * int(multiplier)


@dataclass(frozen=True, eq=False)
class Requantization:
    """Multipliers and shifts as the kernels take them.

    wide: whether a shift is not to the right, or an accumulator so large that rounding could overflow:
    the kernel's slower variant is then needed.
    """

    multiplier: np.ndarray
    shift: np.ndarray
    wide: bool

    @property
    def blobs(self) -> tuple[Blob, Blob]:
        return (
            Blob("multiplier", self.multiplier, "requantization"),
            Blob("shift", self.shift, "requantization"),
        )


def requantization(
    multiplier: np.ndarray, shift: np.ndarray, largest: np.ndarray, output_zero_point: int
) -> Requantization:
    """From the reference's multipliers and shifts (positive to the left), per channel.

    largest: an upper bound of the accumulators' magnitudes, per channel.
    """
    right = -shift.astype(np.int64)
    right = np.where(multiplier == 0, 1, right)  # zero, whatever the shift
    rounding = np.abs(2 * output_zero_point + 1) << np.clip(right - 1, 0, 31)  # smidgen_rounding of common.h
    wide = bool(np.any(right < 1) or np.any(largest + 1 + rounding >= 1 << 31))
    return Requantization(2 * multiplier.astype(np.uint32), right.astype(np.int8), wide)


def largest_accumulator(weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Per row of weights (channels, depth): a bound of |sum((x - zero point) * w) + bias| for int8 x."""
    return np.abs(weights.astype(np.int64)).sum(axis=1) * 255 + np.abs(bias)


def fold_zero_point(weights: np.ndarray, bias: np.ndarray, input_zero_point: int) -> np.ndarray:
    """The bias (int32) that makes sum(x * w) + bias of sum((x - zero point) * w) + bias, which may wrap.

    weights: (channels, depth).
    """
    folded = wrap_int32(bias - input_zero_point * weights.astype(np.int64).sum(axis=1))
    return folded.astype(np.int32)
