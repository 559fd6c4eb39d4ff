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
