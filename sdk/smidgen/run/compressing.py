"""Compress: from a float model file, data and a recipe to an integer graph and what it cost."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from smidgen.compile.firmware import TooBig
from smidgen.compile.memory_map import region
from smidgen.compress.batches import Sample, Track, untracked
from smidgen.compress.evidence import Evidence, gather_evidence
from smidgen.compress.layers import weight_layers
from smidgen.compress.plausible import doubts
from smidgen.compress.prune_channels import Size, size
from smidgen.compress.quantize import check_float, equalize, gather, quantize, reconstruct
from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.explore.budgets import limits
from smidgen.explore.choosing import check_possible, meeting, meets, none_meets
from smidgen.explore.costs import Costs, measure_costs
from smidgen.explore.engine import open_engine
from smidgen.explore.evaluate import digest, evaluate, prepare
from smidgen.explore.latency import ModelCost, check_counts, measure_model
from smidgen.explore.search import Found, Point, search
from smidgen.explore.store import Store
from smidgen.graph import Graph
from smidgen.graph.operators import Gru, Lstm
from smidgen.importers import load_model
from smidgen.paths import cache_folder
from smidgen.run.data import load_data
from smidgen.run.inputs import Inputs
from smidgen.run.recipe import CALIBRATE, SEARCH_CALIBRATE, Recipe
from smidgen.targets import Target, load_target

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Workers:
    """Where a search runs: an engine of `explore.engine`, and how many processes it has here."""

    engine: str = "local"
    count: int = 1


@dataclass(frozen=True, eq=False)
class Parts:
    """The data, cut in the order of the file: calibration to quantize with, chosen to search and (with
    calibration) to train with, unseen to report on. Labels are None, or of the three parts."""

    calibration: list[Sample]
    chosen: list[Sample]
    unseen: list[Sample]
    labels: tuple[np.ndarray, np.ndarray, np.ndarray] | None

    @property
    def known_labels(self) -> np.ndarray | None:
        return None if self.labels is None else np.concatenate(self.labels[:2])


@dataclass(frozen=True, eq=False)
class Searched:
    """found: the front; limits: the budgets, by the name of a point's figure; costs: where points' figures
    are from; point: the one that was chosen."""

    found: Found
    limits: Mapping[str, float]
    costs: Costs
    point: Point


@dataclass(frozen=True, eq=False)
class Compression:
    """graph: the integer model; parts: the data; evidence: on unseen data; warnings: what is doubtful;
    searched: with the step search; before, after: int8 and this model on the target, if there is one;
    digests: SHA-256 of model and data; sizes: with the step prune, before and after it."""

    graph: Graph
    recipe: Recipe
    parts: Parts
    evidence: Evidence
    warnings: tuple[str, ...]
    searched: Searched | None
    before: ModelCost | None
    after: ModelCost | None
    digests: Mapping[str, str]
    sizes: tuple[Size, Size] | None = None


def compress(
    model: Path,
    recipe: Recipe,
    workers: Workers | None = None,
    warn: Warn = lambda text: None,
    track: Track = untracked,
) -> Compression:
    """Do what the recipe says with a float model, and compare it on data that nothing was chosen on.

    warn: told at once what is doubtful. Raises ModelError, UsageError and, with a target, BuildError and
    DeviceError.
    """
    target = None if recipe.target is None else load_target(recipe.target)
    if target is not None:
        check_counts(target)
    training = [step for step in ("prune", "fine_tune") if step in recipe.steps]
    if training and importlib.util.find_spec("tensorflow") is None:
        fix = "install it with: pip install 'smidgen[train]'"
        raise UsageError(Problem(f"step {training[0]}", "TensorFlow is not installed", fix))
    if target is None:
        # Bad budgets are refused now, rather than after the layers have been learned.
        limits(recipe.budgets, ModelCost("", 0, 0, 0, 0, 0), None, "no target")
    if recipe.data is None or not recipe.data.source:
        raise UsageError(Problem("--data", "is missing", "name the data here or in the recipe"))
    graph = load_model(model)
    check_float(graph)
    inputs = load_data(graph, recipe.data, track)
    parts = split(inputs, recipe)
    _check_labels(graph, inputs, recipe)
    _check_layers(graph, recipe)
    warnings: list[str] = []

    def warn_of(where: str, what: str) -> None:
        warnings.append(f"{where}: {what}")
        warn(warnings[-1])

    for doubt in _doubts(graph, inputs, parts):
        warn_of(recipe.data.source, doubt)
    recurrent = [node.id for node in graph.nodes if isinstance(node.operator, Lstm | Gru)]
    if recurrent and (recipe.bits < 8 or "search" in recipe.steps):
        warn_of(
            graph.name,
            f"the weights of {', '.join(recurrent)} keep 8 bits, as those of every LSTM and GRU do",
        )
    given, graph = graph, _prune(graph, parts, recipe, track)
    teacher = graph
    if "search" in recipe.steps:
        searched, integer, after = _search(graph, parts, recipe, target, workers or Workers(), warn_of, track)
        before = searched.costs.base if target is not None else None
    else:
        searched, before = None, None
        bits = {**dict.fromkeys((node.id for node in weight_layers(graph)), recipe.bits), **recipe.layers}
        if "equalize" in recipe.steps:
            teacher = equalize(graph, parts.calibration, bits, track)
        integer = _train(teacher, _quantize(teacher, parts, recipe, bits, track), parts, recipe, track)
        after = _measure(integer, target, recipe)
    unseen_labels = None if parts.labels is None else parts.labels[2]
    evidence = gather_evidence(given, integer, parts.unseen, unseen_labels, track, teacher)
    digests = {"model": file_digest(model), "data": _data_digest(inputs.samples, inputs.labels)}
    sizes = (size(given), size(graph)) if "prune" in recipe.steps else None
    return Compression(
        integer, recipe, parts, evidence, tuple(warnings), searched, before, after, digests, sizes
    )


def split(inputs: Inputs, recipe: Recipe) -> Parts:
    """Raises UsageError when a part would be empty."""
    total, chooses = len(inputs), not {"prune", "search", "fine_tune"}.isdisjoint(recipe.steps)
    count = min(CALIBRATE, total // (4 if chooses else 2)) if recipe.calibrate is None else recipe.calibrate
    unseen = recipe.unseen
    if unseen is None:
        unseen = total // 2 if chooses else total - count
    problems = ProblemList()
    if not 1 <= count < total:
        what = f"{count} of {total} samples to calibrate with leave none to report on"
        fix = "give more samples" if total < 2 else f"choose from 1 to {total - 1}"
        problems.add("--calibrate" if recipe.calibrate is not None else inputs.source, what, fix)
    elif not 1 <= unseen <= total - count or (chooses and unseen == total - count):
        what = (
            f"{count} of {total} samples to calibrate with and {unseen} to report on leave none to choose on"
        )
        problems.add(inputs.source, what, "give more samples, or change 'calibrate' and 'unseen'")
    problems.stop_if_any(UsageError)
    start, end = count, total - unseen
    samples, labels = inputs.samples, inputs.labels
    cut = None if labels is None else (labels[:start], labels[start:end], labels[end:])
    return Parts(samples[:start], samples[start:end], samples[end:], cut)


def _check_labels(graph: Graph, inputs: Inputs, recipe: Recipe) -> None:
    if inputs.labels is None and any(budget.name == "accuracy" for budget in recipe.budgets):
        fix = "add labels 'y' to the data, or limit what the model costs instead"
        raise UsageError(Problem(inputs.source, "holds no labels, which a budget on accuracy needs", fix))
    classes = graph.tensor(graph.outputs[0]).elements
    if inputs.labels is not None and not 0 <= inputs.labels.min() <= inputs.labels.max() < classes:
        what = f"its labels run from {inputs.labels.min()} to {inputs.labels.max()}"
        fix = f"the model has {classes} outputs: labels are from 0 to {classes - 1}"
        raise UsageError(Problem(inputs.source, what, fix))


def _check_layers(graph: Graph, recipe: Recipe) -> None:
    """The layers whose bits the recipe sets have weights, and those can have these bits."""
    known = [node.id for node in weight_layers(graph)]
    recurrent = [node.id for node in graph.nodes if isinstance(node.operator, Lstm | Gru)]
    problems = ProblemList()
    for name in recipe.layers:
        if name in recurrent:
            problems.add(f"bits of '{name}'", "all LSTM and GRU have 8-bit weights", "leave it out")
        elif name not in known:
            problems.add(
                f"bits of '{name}'", "no layer with weights has this name", f"use {', '.join(known)}"
            )
    problems.stop_if_any(UsageError)


def _search(
    graph: Graph,
    parts: Parts,
    recipe: Recipe,
    target: Target | None,
    workers: Workers,
    warn_of: Callable[[str, str], None],
    track: Track,
) -> tuple[Searched, Graph, ModelCost | None]:
    labels = None if parts.labels is None else parts.labels[1][: recipe.samples]
    setup = prepare(
        graph,
        parts.calibration[:SEARCH_CALIBRATE],
        parts.chosen[: recipe.samples],
        labels,
        recipe.ranges,
        track,
    )
    costs = measure_costs(setup.base, target, recipe.optimize, track)
    where = f"target '{target.name}'" if target is not None else "no target"
    wanted = limits(recipe.budgets, costs.base, target.core.clock_hz if target else None, where)
    check_possible(costs, wanted)
    aims = dict(wanted)
    if target is not None and costs.too_big is not None:
        what = "; ".join(problem.what for problem in costs.too_big.problems)
        warn_of(where, f"at 8 bits {what}: int8's figures are reckoned from its layers, fewer bits are tried")
        aims["flash"] = min(wanted.get("flash", math.inf), region(target, "flash").length)
    path = cache_folder() / "search" / f"{digest(setup)}.sqlite"
    with Store(path) as store, open_engine(workers.engine, workers.count, evaluate, setup) as engine:
        found = search(setup, costs, aims, engine, store, recipe.evaluations, track)
    unit, memory = costs.base.unit, aims.get("flash", math.inf)
    fitting = tuple(point for point in found.points if point.flash_bytes <= memory)
    if not fitting:
        raise none_meets(found.points, aims, unit)
    built: list[Point] = []
    too_big = costs.too_big
    for point in meeting(replace(found, points=fitting), wanted, unit):
        bits = dict(zip(found.layers, point.bits, strict=True))
        integer = _quantize(graph, parts, recipe, bits, track)
        try:
            after = _measure(integer, target, recipe)
            as_built = _as_built(point, after)
            # Training takes longest, so what is too large is not trained.
            if meets(as_built, wanted) and "fine_tune" in recipe.steps:
                integer = _train(graph, integer, parts, recipe, track)
                after = _measure(integer, target, recipe)
                as_built = _as_built(point, after)
        except TooBig as error:
            too_big = error
            continue
        if meets(as_built, wanted):
            return Searched(found, wanted, costs, point), integer, after
        built.append(as_built)
    raise none_meets(built, wanted, unit) if built or too_big is None else too_big


def _measure(graph: Graph, target: Target | None, recipe: Recipe) -> ModelCost | None:
    return None if target is None else measure_model(graph, target, recipe.optimize)


def _as_built(point: Point, cost: ModelCost | None) -> Point:
    """With the costs that were measured, if any, in the place of predicted ones."""
    if cost is None:
        return point
    figures = {name: getattr(cost, name) for name in ("taken", "weight_bytes", "flash_bytes", "ram_bytes")}
    return replace(point, **figures)


def _prune(graph: Graph, parts: Parts, recipe: Recipe, track: Track) -> Graph:
    """The float model after the step prune, if there is one."""
    if "prune" not in recipe.steps:
        return graph
    # TensorFlow is an optional dependency, and slow to load.
    from smidgen.train.prune import prune

    samples, labels = [*parts.calibration, *parts.chosen], parts.known_labels
    return prune(
        graph, samples, labels, recipe.shares, recipe.rounds, seed=recipe.seed,
        state=cache_folder() / "training" / _data_digest(samples, labels), track=track,
    )  # fmt: skip


def _quantize(graph: Graph, parts: Parts, recipe: Recipe, bits: Mapping[str, int], track: Track) -> Graph:
    integer = quantize(graph, gather(graph, parts.calibration, track), bits, recipe.ranges)
    return reconstruct(graph, integer, parts.calibration, track) if "reconstruct" in recipe.steps else integer


def _train(graph: Graph, integer: Graph, parts: Parts, recipe: Recipe, track: Track) -> Graph:
    """The integer model after the step fine_tune, if there is one."""
    if "fine_tune" not in recipe.steps:
        return integer
    # TensorFlow is an optional dependency, and slow to load.
    from smidgen.train.checkpoint import fingerprint
    from smidgen.train.qat import Options, fine_tune

    options = Options() if recipe.learning_rate is None else Options(learning_rate=recipe.learning_rate)
    samples = [*parts.calibration, *parts.chosen]
    data = _data_digest(samples, parts.known_labels)
    training = fingerprint((graph, integer), data, recipe.epochs, recipe.seed, options)
    folder = cache_folder() / "training"
    folder.mkdir(parents=True, exist_ok=True)  # what cannot be written is known before the first epoch
    return fine_tune(
        graph, integer, samples, parts.known_labels,
        epochs=recipe.epochs, seed=recipe.seed, options=options,
        state=folder / f"{training}.npz", track=track,
    )  # fmt: skip


def _doubts(graph: Graph, inputs: Inputs, parts: Parts) -> list[str]:
    """About the data, in words."""
    found = doubts(graph, inputs.samples, inputs.labels)
    if inputs.labels is None or parts.known_labels is None or parts.labels is None:
        return [*found, "no labels 'y': answers are compared with the float model's only"]
    return found + _unseen_labels(parts.known_labels, parts.labels[2])


def _unseen_labels(known: np.ndarray, unseen: np.ndarray) -> list[str]:
    missing = sorted(set(unseen.tolist()) - set(known.tolist()))
    if not missing:
        return []
    listed = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
    return [f"no sample to calibrate with has the label {listed}: shuffle the data if they are sorted"]


def file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _data_digest(samples: Sequence[Sample], labels: np.ndarray | None) -> str:
    """Of what was read, since data may come from many files, or from a function."""
    whole = hashlib.sha256()
    for sample in samples:
        for array in sample:
            whole.update(np.ascontiguousarray(array).tobytes())
    whole.update(b"" if labels is None else labels.tobytes())
    return whole.hexdigest()
