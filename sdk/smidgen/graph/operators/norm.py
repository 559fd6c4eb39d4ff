"""Normalizations: subtract a mean, divide by a deviation, scale and shift by constants.

The variance is that of the elements themselves (divided by their number). gamma and beta may be absent
(None): ones and zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Operator


@dataclass(frozen=True)
class LayerNorm(Operator):
    """Inputs x, gamma, beta: (x - mean) / sqrt(variance + epsilon) * gamma + beta over the last `axes` axes.

    gamma and beta have the shape of these axes (Ba, Kiros, Hinton: Layer Normalization, arXiv 1607.06450).
    """

    type_name: ClassVar[str] = "LAYER_NORM"
    axes: int = 1
    epsilon: float = 1e-5


@dataclass(frozen=True)
class RmsNorm(Operator):
    """Inputs x, gamma: x / sqrt(mean of x^2 + epsilon) * gamma over the last `axes` axes.

    gamma has the shape of these axes (Zhang, Sennrich: Root Mean Square Layer Normalization, arXiv
    1910.07467).
    """

    type_name: ClassVar[str] = "RMS_NORM"
    axes: int = 1
    epsilon: float = 1e-5


@dataclass(frozen=True)
class InstanceNorm(Operator):
    """Inputs x (N, ..., C), gamma (C), beta (C): as LayerNorm, over all axes but the first and the last.

    Ulyanov, Vedaldi, Lempitsky: Instance Normalization, arXiv 1607.08022.
    """

    type_name: ClassVar[str] = "INSTANCE_NORM"
    epsilon: float = 1e-5
