"""Activations of one input, standing alone (fused ones are `base.Activation`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Operator


@dataclass(frozen=True)
class Softmax(Operator):
    """Over the last axis: exp(beta * x) / sum."""

    type_name: ClassVar[str] = "SOFTMAX"
    beta: float = 1.0


@dataclass(frozen=True)
class Logistic(Operator):
    type_name: ClassVar[str] = "LOGISTIC"


@dataclass(frozen=True)
class Tanh(Operator):
    type_name: ClassVar[str] = "TANH"


@dataclass(frozen=True)
class Relu(Operator):
    type_name: ClassVar[str] = "RELU"


@dataclass(frozen=True)
class Relu6(Operator):
    type_name: ClassVar[str] = "RELU6"


@dataclass(frozen=True)
class LeakyRelu(Operator):
    """x where x >= 0, else alpha * x."""

    type_name: ClassVar[str] = "LEAKY_RELU"
    alpha: float = 0.01
