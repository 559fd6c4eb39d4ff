"""From a graph to a bundle: lower, select kernels, plan the arena, emit C, build firmware."""

from __future__ import annotations

from smidgen.compile.external import specs_of
from smidgen.compile.kernels import kernels_for
from smidgen.compile.lower import lower
from smidgen.compile.schedule import Schedule
from smidgen.compile.search import Plan, fastest, smallest
from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.graph import Graph
from smidgen.targets import Target

OPTIMIZE = ("speed", "size")
ARENA = ("fast", "small")


def compile_model(graph: Graph, target: Target, optimize: str = "speed", arena: str = "fast") -> Schedule:
    """The planned schedule of a model for a target; see `lower_and_plan`."""
    return lower_and_plan(graph, target, optimize, arena)[0].schedule


def lower_and_plan(
    graph: Graph,
    target: Target,
    optimize: str = "speed",
    arena: str = "fast",
    limit: int | None = None,
    joins: bool = True,
) -> tuple[Plan, dict[str, int]]:
    """How a model runs on a target, and how often each lowering pass applied.

    optimize: "speed" or "size"; arena: "fast" for the fastest plan, "small" for that with the smallest arena;
    limit: bytes of an arena that is small enough; joins: whether one list of the neural engine may do several
    nodes, of which only the last one's result is then seen.
    Raises ModelError naming every operator that no kernel of the target computes.
    """
    for option, value, known in (("--optimize", optimize, OPTIMIZE), ("--arena", arena, ARENA)):
        if value not in known:
            raise UsageError(Problem(option, f"'{value}' is not known", f"use {' or '.join(known)}"))
    problems = ProblemList()
    for name in target.kernels:
        if not kernels_for([name]):
            problems.add(f"{target.path}, 'kernels'", f"there is no kernel set '{name}'", "see `smidgen ops`")
    problems.stop_if_any(UsageError)
    lowered, passes = lower(graph)
    specs = specs_of(target)
    plan = (
        smallest(lowered, specs, optimize, limit)
        if arena == "small"
        else fastest(lowered, specs, optimize, joins)
    )
    return plan, passes


__all__ = ["ARENA", "OPTIMIZE", "Plan", "compile_model", "lower_and_plan"]
