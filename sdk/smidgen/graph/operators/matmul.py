"""Matrix products. Inputs: x (..., I), weights (O, I), bias (O) int32 or None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Activation, Operator


@dataclass(frozen=True)
class FullyConnected(Operator):
    """y = x W^T + b on x flattened to rows of I elements; the output tensor's shape says how rows lie.

    sparse_group: as in Conv2D, with one kernel row of I inputs.
    """

    type_name: ClassVar[str] = "FULLY_CONNECTED"
    activation: Activation = Activation.NONE
    sparse_group: int = 0
