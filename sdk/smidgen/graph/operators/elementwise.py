"""Element by element, on two inputs that broadcast as in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Activation, Operator


@dataclass(frozen=True)
class Add(Operator):
    type_name: ClassVar[str] = "ADD"
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class Sub(Operator):
    type_name: ClassVar[str] = "SUB"
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class Mul(Operator):
    type_name: ClassVar[str] = "MUL"
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class Minimum(Operator):
    type_name: ClassVar[str] = "MINIMUM"


@dataclass(frozen=True)
class Maximum(Operator):
    type_name: ClassVar[str] = "MAXIMUM"


@dataclass(frozen=True)
class Div(Operator):
    type_name: ClassVar[str] = "DIV"
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class SquaredDifference(Operator):
    """(a - b)^2."""

    type_name: ClassVar[str] = "SQUARED_DIFFERENCE"


@dataclass(frozen=True)
class Pow(Operator):
    """a to the power of b. On integers b is one constant."""

    type_name: ClassVar[str] = "POW"
