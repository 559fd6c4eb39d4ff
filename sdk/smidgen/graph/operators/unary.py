"""Mathematical functions of one value, element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Operator


@dataclass(frozen=True)
class Abs(Operator):
    type_name: ClassVar[str] = "ABS"


@dataclass(frozen=True)
class Neg(Operator):
    type_name: ClassVar[str] = "NEG"


@dataclass(frozen=True)
class Sign(Operator):
    """-1, 0 or 1."""

    type_name: ClassVar[str] = "SIGN"


@dataclass(frozen=True)
class Exp(Operator):
    type_name: ClassVar[str] = "EXP"


@dataclass(frozen=True)
class Log(Operator):
    """The natural logarithm."""

    type_name: ClassVar[str] = "LOG"


@dataclass(frozen=True)
class Sqrt(Operator):
    type_name: ClassVar[str] = "SQRT"


@dataclass(frozen=True)
class Rsqrt(Operator):
    """1 / sqrt(x)."""

    type_name: ClassVar[str] = "RSQRT"


@dataclass(frozen=True)
class Square(Operator):
    type_name: ClassVar[str] = "SQUARE"


@dataclass(frozen=True)
class Reciprocal(Operator):
    """1 / x."""

    type_name: ClassVar[str] = "RECIPROCAL"


@dataclass(frozen=True)
class Erf(Operator):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""

    type_name: ClassVar[str] = "ERF"


@dataclass(frozen=True)
class Sin(Operator):
    type_name: ClassVar[str] = "SIN"


@dataclass(frozen=True)
class Cos(Operator):
    type_name: ClassVar[str] = "COS"


@dataclass(frozen=True)
class Floor(Operator):
    type_name: ClassVar[str] = "FLOOR"


@dataclass(frozen=True)
class Ceil(Operator):
    type_name: ClassVar[str] = "CEIL"


@dataclass(frozen=True)
class Round(Operator):
    """To the nearest integer, ties to the even one."""

    type_name: ClassVar[str] = "ROUND"
