"""Activations, standing alone (fused ones are `base.Activation`)."""

from __future__ import annotations

import math
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


@dataclass(frozen=True)
class Prelu(Operator):
    """Inputs x, alpha (broadcasts): x where x >= 0, else alpha * x."""

    type_name: ClassVar[str] = "PRELU"


@dataclass(frozen=True)
class Elu(Operator):
    """x where x >= 0, else alpha * (exp(x) - 1)."""

    type_name: ClassVar[str] = "ELU"
    alpha: float = 1.0


@dataclass(frozen=True)
class Gelu(Operator):
    """x * (1 + erf(x / sqrt(2))) / 2, or with tanh(sqrt(2 / pi) * (x + 0.044715 x^3)) instead of erf
    when `approximate` (Hendrycks, Gimpel: Gaussian Error Linear Units, arXiv 1606.08415)."""

    type_name: ClassVar[str] = "GELU"
    approximate: bool = False


@dataclass(frozen=True)
class Silu(Operator):
    """x * logistic(x), also called Swish."""

    type_name: ClassVar[str] = "SILU"


@dataclass(frozen=True)
class HardSwish(Operator):
    """x * clip(x + 3, 0, 6) / 6 (Howard et al.: Searching for MobileNetV3, arXiv 1905.02244)."""

    type_name: ClassVar[str] = "HARD_SWISH"


@dataclass(frozen=True)
class HardSigmoid(Operator):
    """clip(alpha * x + beta, 0, 1)."""

    type_name: ClassVar[str] = "HARD_SIGMOID"
    alpha: float = 1 / 6
    beta: float = 0.5


@dataclass(frozen=True)
class Clip(Operator):
    """clip(x, minimum, maximum); infinities where there is no bound."""

    type_name: ClassVar[str] = "CLIP"
    minimum: float = -math.inf
    maximum: float = math.inf


@dataclass(frozen=True)
class Softplus(Operator):
    """log(1 + exp(x))."""

    type_name: ClassVar[str] = "SOFTPLUS"


@dataclass(frozen=True)
class Softsign(Operator):
    """x / (1 + |x|)."""

    type_name: ClassVar[str] = "SOFTSIGN"
