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


@dataclass(frozen=True)
class Sum(Operator):
    """Sum over `axes` (non-negative, ascending)."""

    type_name: ClassVar[str] = "SUM"
    axes: tuple[int, ...] = ()
    keep_dims: bool = False


@dataclass(frozen=True)
class ReduceMax(Operator):
    """Largest value over `axes` (non-negative, ascending). It does not rescale."""

    type_name: ClassVar[str] = "REDUCE_MAX"
    axes: tuple[int, ...] = ()
    keep_dims: bool = False


@dataclass(frozen=True)
class ReduceMin(Operator):
    """Smallest value over `axes` (non-negative, ascending). It does not rescale."""

    type_name: ClassVar[str] = "REDUCE_MIN"
    axes: tuple[int, ...] = ()
    keep_dims: bool = False


@dataclass(frozen=True)
class ArgMax(Operator):
    """Index (i32) of the first largest value along `axis` (non-negative)."""

    type_name: ClassVar[str] = "ARG_MAX"
    axis: int = 0


@dataclass(frozen=True)
class ArgMin(Operator):
    """Index (i32) of the first smallest value along `axis` (non-negative)."""

    type_name: ClassVar[str] = "ARG_MIN"
    axis: int = 0
