"""Analyze: what a model needs on a target, and everything that stands in its way."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smidgen.compile import Plan, lower_and_plan
from smidgen.compile.build import Progress, build, silent, weights_bytes
from smidgen.compile.divide import Share, divide
from smidgen.compile.external import specs_of
from smidgen.compile.figures import Figures
from smidgen.compile.traffic import Traffic, traffic
from smidgen.errors import BuildError, ModelError, Problem
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.run.result import Result
from smidgen.run.session import static_result
from smidgen.targets import Target, load_target
from smidgen.targets.types import EXTERNAL

_PLANS = {"fastest": "fast", "smallest": "small"}


@dataclass(frozen=True, eq=False)
class Analysis:
    """plan, the one asked for, and result: None when the model has operators that no kernel computes; plans:
    the fastest and the smallest; problems: everything that keeps it off the target."""

    graph: Graph
    target: Target
    plan: Plan | None
    result: Result | None
    plans: Mapping[str, Plan]
    problems: tuple[Problem, ...]
    optimize: str = "speed"

    def shares(self) -> list[Share]:
        """How the layers are divided between engine and core; empty for a target without the engine."""
        return divide(self.plan, specs_of(self.target), self.optimize) if self.plan else []

    def traffic(self) -> list[Traffic]:
        """What each layer on the engine moves; empty for a target without external memory."""
        engine, memory = self.target.engine, self.target.memory_of_kind(EXTERNAL)
        return traffic(self.plan, engine) if self.plan and engine and memory else []

    def operators(self) -> dict[str, int]:
        """How often each operator occurs in the file."""
        return dict(Counter(node.operator.type_name for node in self.graph.nodes).most_common())


def analyze(
    model: Path,
    target: str | Path,
    optimize: str = "speed",
    progress: Progress = silent,
    arena: str = "fast",
) -> Analysis:
    """Import, plan and build, and go on as far as possible when something is in the way.

    Raises UsageError for a wrong name, and ModelError when the file cannot be imported (all reasons in it).
    """
    loaded_target = load_target(target)
    graph = load_model(model)
    try:
        plans = {
            name: lower_and_plan(graph, loaded_target, optimize, arena)[0] for name, arena in _PLANS.items()
        }
    except ModelError as error:
        return Analysis(graph, loaded_target, None, None, {}, error.problems)
    try:
        with tempfile.TemporaryDirectory(prefix="smidgen-") as folder:
            bundle = build(graph, loaded_target, folder, optimize, progress, arena=arena)
        assert bundle.plan is not None
        result = static_result(model, loaded_target, bundle.plan, bundle, optimize)
        return Analysis(graph, loaded_target, bundle.plan, result, plans, (), optimize)
    except BuildError as error:
        plan = next(plans[name] for name, value in _PLANS.items() if value == arena)
        result = static_result(model, loaded_target, plan, None, optimize)
        result = result.with_figures(Figures(weights_bytes(plan.schedule)))
        return Analysis(graph, loaded_target, plan, result, plans, error.problems, optimize)
