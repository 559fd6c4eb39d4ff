"""From a graph to a bundle: lower, select kernels, plan the arena, emit C, build firmware."""

from __future__ import annotations

from smidgen.compile.assemble import assemble
from smidgen.compile.kernels import kernels_for
from smidgen.compile.lower import lower
from smidgen.compile.plan import plan
from smidgen.compile.schedule import Schedule
from smidgen.compile.select import Selector
from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.graph import Graph
from smidgen.targets import Target

OPTIMIZE = ("speed", "size")


def compile_model(graph: Graph, target: Target, optimize: str = "speed") -> Schedule:
    """The planned schedule of a model for a target; `optimize` is "speed" or "size".

    Raises ModelError naming every operator that no kernel of the target computes.
    """
    return lower_and_plan(graph, target, optimize)[1]


def lower_and_plan(
    graph: Graph, target: Target, optimize: str = "speed"
) -> tuple[Graph, Schedule, dict[str, int]]:
    """`compile_model`, with the lowered graph and how often each lowering pass applied."""
    if optimize not in OPTIMIZE:
        raise UsageError(Problem("--optimize", f"'{optimize}' is not known", f"use {' or '.join(OPTIMIZE)}"))
    problems = ProblemList()
    for name in target.kernels:
        if not kernels_for([name]):
            problems.add(f"{target.path}, 'kernels'", f"there is no kernel set '{name}'", "see `smidgen ops`")
    problems.stop_if_any(UsageError)
    lowered, passes = lower(graph)
    return lowered, plan(assemble(lowered, Selector(kernels_for(target.kernels), optimize))), passes


__all__ = ["OPTIMIZE", "compile_model", "lower_and_plan"]
