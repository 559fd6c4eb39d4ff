"""Pooling over windows. Input: x (N, H, W, C). Padded positions do not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import NO_PADDING, Activation, Operator, Padding


@dataclass(frozen=True)
class AveragePool2D(Operator):
    """size and stride are (rows, columns)."""

    type_name: ClassVar[str] = "AVERAGE_POOL_2D"
    size: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: Padding = NO_PADDING
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class MaxPool2D(Operator):
    """size and stride are (rows, columns)."""

    type_name: ClassVar[str] = "MAX_POOL_2D"
    size: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: Padding = NO_PADDING
    activation: Activation = Activation.NONE
