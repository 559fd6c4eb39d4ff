"""Conditions: comparing, combining and choosing by booleans, and changing the type of a number.

Inputs broadcast as in NumPy.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Operator


class Comparison(enum.Enum):
    EQUAL = "equal"
    NOT_EQUAL = "not_equal"
    LESS = "less"
    LESS_EQUAL = "less_equal"
    GREATER = "greater"
    GREATER_EQUAL = "greater_equal"


class Connective(enum.Enum):
    AND = "logical_and"
    OR = "logical_or"
    XOR = "logical_xor"


@dataclass(frozen=True)
class Compare(Operator):
    """Inputs a, b of one type; output bool: whether a is `kind` b."""

    type_name: ClassVar[str] = "COMPARE"
    kind: Comparison = Comparison.EQUAL


@dataclass(frozen=True)
class Logical(Operator):
    """Inputs a, b and output bool."""

    type_name: ClassVar[str] = "LOGICAL"
    kind: Connective = Connective.AND


@dataclass(frozen=True)
class LogicalNot(Operator):
    type_name: ClassVar[str] = "LOGICAL_NOT"


@dataclass(frozen=True)
class Select(Operator):
    """Inputs condition (bool), a, b: a where the condition holds, else b. It does not rescale."""

    type_name: ClassVar[str] = "SELECT"


@dataclass(frozen=True)
class Cast(Operator):
    """The stored number in the output tensor's type: floats are truncated towards zero and saturate (not a
    number becomes 0), integers wrap, booleans are 0 and 1. A quantization is not looked at."""

    type_name: ClassVar[str] = "CAST"
