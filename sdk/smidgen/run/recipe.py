"""Recipes: TOML files that say how a model is compressed, so that it can be done again to the byte."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from smidgen.compress.prune_channels import Rounds, Shares
from smidgen.compress.quantize.ranges import METHODS
from smidgen.compress.requantize import BITS
from smidgen.errors import ProblemList, UsageError
from smidgen.explore.budgets import Budget, parse_budgets
from smidgen.explore.search import EVALUATIONS
from smidgen.run.data import DataSource, is_function
from smidgen.targets.table import Table, read_toml

# In the order in which they are done.
STEPS = ("prune", "equalize", "quantize", "reconstruct", "search", "fine_tune")
# Unless said otherwise; channels are equalized for bits that are known, so not before a search.
USUAL_STEPS, SEARCH_STEPS = STEPS[1:4], STEPS[2:5]
# Samples to quantize with unless said otherwise: more gain little, and each takes time.
CALIBRATE = 512
# Of them, those that a model is reconstructed with while searching, and others to choose on.
SEARCH_CALIBRATE = 256
SEARCH_SAMPLES = 1000


@dataclass(frozen=True)
class Recipe:
    """steps: of STEPS; bits: of every layer, layers: of some by name; calibrate: how many of the first
    samples to quantize with; unseen: how many of the last to report on, which nothing is chosen on; both None
    for the usual; evaluations, samples: of the search; epochs, learning_rate: of the training (None for the
    usual rate); shares, rounds: of the pruning."""

    steps: tuple[str, ...] = USUAL_STEPS
    data: DataSource | None = None
    calibrate: int | None = None
    unseen: int | None = None
    bits: int = 8
    layers: dict[str, int] = field(default_factory=dict)
    ranges: str = "mse"
    budgets: tuple[Budget, ...] = ()
    evaluations: int = EVALUATIONS
    samples: int = SEARCH_SAMPLES
    epochs: int = 4
    learning_rate: float | None = None
    seed: int = 1
    shares: Shares = field(default_factory=Shares)
    rounds: Rounds = field(default_factory=Rounds)
    target: str | None = None
    optimize: str = "speed"

    def to_json(self) -> dict[str, Any]:
        budgets = {budget.name: budget.text for budget in self.budgets}
        return {**asdict(self), "data": None if self.data is None else self.data.source, "budgets": budgets}


def read_recipe(path: Path) -> Recipe:
    """Raises UsageError naming every key that is unknown, missing or wrong."""
    values = read_toml(path, "recipe")
    problems = ProblemList()
    top = Table(path, "", values, problems)
    recipe = Recipe(steps=_steps(top), seed=top.number("seed", 1) or 0, budgets=_budgets(top))
    target = top.text("target", "") or None
    recipe = replace(recipe, target=target, optimize=top.choice("optimize", ("speed", "size"), "speed"))
    recipe = _data(top, recipe)
    recipe = _prune(top, recipe)
    if table := _step_table(top, "quantize", recipe):
        bits = _bits(table, "bits", table.number("bits", 8))
        layers = table.table("layers", required=False)
        named = {} if layers is None else {name: layers.number(name) for name in layers.values}
        chosen = {name: _bits(layers, name, number) for name, number in named.items() if layers is not None}
        recipe = replace(recipe, bits=bits, layers=chosen, ranges=table.choice("ranges", METHODS, "mse"))
        table.finish()
    if table := _step_table(top, "search", recipe):
        evaluations = _at_least_1(table, "evaluations", EVALUATIONS)
        recipe = replace(
            recipe, evaluations=evaluations, samples=_at_least_1(table, "samples", SEARCH_SAMPLES)
        )
        table.finish()
    if table := _step_table(top, "fine_tune", recipe):
        rate = table.real("learning_rate", None)
        if rate is not None and rate <= 0:
            table.problem("learning_rate", f"is {rate:g}", "give a number above 0, such as 0.001")
        recipe = replace(recipe, epochs=_at_least_1(table, "epochs", 4), learning_rate=rate)
        table.finish()
    if "search" in recipe.steps and (recipe.layers or recipe.bits != 8):
        top.problem("quantize", "sets bits, which the step 'search' is to find", "leave one of them out")
    if recipe.budgets and "search" not in recipe.steps:
        top.problem("budget", "limits nothing without the step 'search'", "add it to 'steps'")
    top.finish()
    problems.stop_if_any(UsageError)
    return recipe


def _steps(top: Table) -> tuple[str, ...]:
    steps = top.texts("steps", list(USUAL_STEPS))
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        top.problem("steps", f"names '{unknown[0]}'", f"use some of: {', '.join(STEPS)}")
    elif "quantize" not in steps:
        top.problem("steps", "leaves out 'quantize', without which there is no integer model", "add it")
    elif list(steps) != [step for step in STEPS if step in steps]:
        top.problem("steps", "are not in an order that works", f"keep the order {', '.join(STEPS)}")
    elif "equalize" in steps and "search" in steps:
        top.problem("steps", "has 'equalize' before the bits are known", "leave it out, or 'search'")
    return tuple(steps)


def _step_table(top: Table, step: str, recipe: Recipe) -> Table | None:
    table = top.table(step, required=False)
    if table is not None and step not in recipe.steps:
        top.problem(step, "is set, but 'steps' leaves it out")
    return table


def _prune(top: Table, recipe: Recipe) -> Recipe:
    table = _step_table(top, "prune", recipe)
    if table is None:
        if "prune" in recipe.steps:
            fix = "add a table, such as: [prune] parameters = 0.5"
            top.problem("prune", "is missing, so nothing says how much is to be left", fix)
        return recipe
    shares = Shares(
        table.real("parameters", 1.0) or 0.0,
        table.real("operations", 1.0) or 0.0,
        _at_least_1(table, "multiple", 1),
    )
    usual = Rounds()
    rounds = Rounds(
        _at_least_1(table, "rounds", usual.count),
        _at_least_1(table, "epochs", usual.epochs),
        _at_least_1(table, "last_epochs", usual.last_epochs),
        _at_least_1(table, "batch", usual.batch),
        table.real("learning_rate", None),
        table.flag("balanced", False),
    )
    table.finish()
    try:
        shares.check(f"{top.file}, 'prune'")
    except UsageError as error:
        top.problems.problems += error.problems
    return replace(recipe, shares=shares, rounds=rounds)


def _budgets(top: Table) -> tuple[Budget, ...]:
    table = top.table("budget", required=False)
    if table is None:
        return ()
    table.known |= set(table.values)
    try:
        return parse_budgets(
            [f"{name}={value}" for name, value in table.values.items()], f"{top.file}, 'budget'"
        )
    except UsageError as error:
        top.problems.problems += error.problems
        return ()


def _data(top: Table, recipe: Recipe) -> Recipe:
    table = top.table("data", required=False)
    if table is None:
        return recipe
    source, labels, folder = table.text("source", ""), table.text("labels", ""), top.file.parent
    if source and not is_function(source):
        source = str(folder / source)
    data = DataSource(
        source,
        folder,
        folder / labels if labels else None,
        table.texts("classes", []),
        table.real("scale", 1 / 255) or 0.0,
        table.real("offset", 0.0) or 0.0,
    )
    counts = {name: table.number(name, required=False) for name in ("calibrate", "unseen")}
    table.finish()
    return replace(recipe, data=data, **counts)


def _bits(table: Table, key: str, value: int | None) -> int:
    if value is not None and value not in BITS:
        table.problem(key, f"is {value}", f"choose one of {', '.join(map(str, BITS))}")
    return value or 8


def _at_least_1(table: Table, key: str, default: int) -> int:
    value = table.number(key, default)
    if value == 0:
        table.problem(key, "is 0", "give 1 or more")
    return value or default
