"""Reductions over axes. Input: x of any shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Operator


@dataclass(frozen=True)
class Mean(Operator):
    """Mean over `axes` (non-negative, ascending)."""

    type_name: ClassVar[str] = "MEAN"
    axes: tuple[int, ...] = ()
    keep_dims: bool = False
