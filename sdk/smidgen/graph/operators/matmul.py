"""Matrix products: of an activation with weights, and of two activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Activation, Operator


@dataclass(frozen=True)
class FullyConnected(Operator):
    """y = x W^T + b on x flattened to rows of I elements; the output tensor's shape says how rows lie.

    Inputs: x (..., I), weights (O, I), bias (O) int32 or None.

    sparse_group: as in Conv2D, with one kernel row of I inputs.
    """

    type_name: ClassVar[str] = "FULLY_CONNECTED"
    activation: Activation = Activation.NONE
    sparse_group: int = 0


@dataclass(frozen=True)
class BatchMatMul(Operator):
    """y = a b for every matrix of two inputs of rank 2 or more, whose other axes broadcast as in NumPy.

    Inputs: a (..., M, K), or (..., K, M) with transpose_a; b (..., K, N), or (..., N, K) with transpose_b.
    Output: (..., M, N). Either input may be a constant.
    """

    type_name: ClassVar[str] = "BATCH_MATMUL"
    transpose_a: bool = False
    transpose_b: bool = False
