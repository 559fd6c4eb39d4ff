"""From a graph to a bundle: lower, select kernels, plan the arena, emit C, build firmware."""

from __future__ import annotations

from smidgen.compile.assemble import assemble
from smidgen.compile.kernels import kernels_for
from smidgen.compile.lower import lower
from smidgen.compile.plan import plan
from smidgen.compile.schedule import Schedule
from smidgen.errors import Problem, UsageError
from smidgen.graph import Graph
from smidgen.targets import Target

OPTIMIZE = ("speed", "size")


def compile_model(graph: Graph, target: Target, optimize: str = "speed") -> Schedule:
    """The planned schedule of a model for a target; `optimize` is "speed" or "size".

    Raises ModelError naming every operator that no kernel of the target computes.
    """
    if optimize not in OPTIMIZE:
        raise UsageError(Problem("--optimize", f"'{optimize}' is not known", f"use {' or '.join(OPTIMIZE)}"))
    lowered, _ = lower(graph)
    return plan(assemble(lowered, kernels_for(target.kernels), optimize))


__all__ = ["OPTIMIZE", "compile_model"]
