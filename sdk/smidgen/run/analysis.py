"""Analyze: what a model needs on a target, and everything that stands in its way."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from smidgen.compile import compile_model
from smidgen.compile.build import Progress, build, silent, weights_bytes
from smidgen.compile.figures import Figures
from smidgen.compile.schedule import Schedule
from smidgen.errors import BuildError, ModelError, Problem
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.run.result import Result
from smidgen.run.session import static_result
from smidgen.targets import Target, load_target


@dataclass(frozen=True, eq=False)
class Analysis:
    """schedule and result: None when the model has operators that no kernel computes; problems: everything
    that keeps it off the target."""

    graph: Graph
    target: Target
    schedule: Schedule | None
    result: Result | None
    problems: tuple[Problem, ...]

    def operators(self) -> dict[str, int]:
        """How often each operator occurs in the file."""
        return dict(Counter(node.operator.type_name for node in self.graph.nodes).most_common())


def analyze(
    model: Path,
    target: str | Path,
    optimize: str = "speed",
    progress: Progress = silent,
) -> Analysis:
    """Import, plan and build, and go on as far as possible when something is in the way.

    Raises UsageError for a wrong name, and ModelError when the file cannot be imported (all reasons in it).
    """
    loaded_target = load_target(target)
    graph = load_model(model)
    try:
        schedule = compile_model(graph, loaded_target, optimize)
    except ModelError as error:
        return Analysis(graph, loaded_target, None, None, error.problems)
    try:
        with tempfile.TemporaryDirectory(prefix="smidgen-") as folder:
            bundle = build(graph, loaded_target, folder, optimize, progress)
        result = static_result(model, loaded_target, schedule, bundle, optimize)
        return Analysis(graph, loaded_target, schedule, result, ())
    except BuildError as error:
        result = static_result(model, loaded_target, schedule, None, optimize)
        result = result.with_figures(Figures(weights_bytes(schedule)))
        return Analysis(graph, loaded_target, schedule, result, error.problems)
