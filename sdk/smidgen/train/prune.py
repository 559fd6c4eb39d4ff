"""Pruning channels step by step, with training in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from smidgen.compress.batches import Sample, Track, untracked
from smidgen.compress.coupling import couple
from smidgen.compress.prune_channels import Rounds, Shares, choose, remove_channels, size
from smidgen.compress.quantize import check_float
from smidgen.errors import Problem, UsageError
from smidgen.graph import Graph
from smidgen.train.checkpoint import fingerprint
from smidgen.train.importance import importance
from smidgen.train.qat import Options, fine_tune

# Answers to weigh channels on, and samples at least: more change the order of few.
ANSWERS, LEAST = 256, 32


def prune(
    graph: Graph,
    samples: Sequence[Sample],
    labels: np.ndarray | None,
    shares: Shares,
    rounds: Rounds,
    *,
    seed: int,
    state: Path | None = None,
    track: Track = untracked,
) -> Graph:
    """The float graph with so few channels that these shares of it are left, trained towards the given
    graph's answers and the labels (as in `fine_tune`).

    state: a folder for the states of trainings on these samples, so that one that was stopped goes on. Raises
    ModelError for a model that is quantized or cannot be trained, UsageError for shares out of reach.
    """
    where = f"pruning {graph.name}"
    check_float(graph)
    shares.check(where)
    if not len(samples):
        raise UsageError(Problem(where, "there are no samples", "give at least one"))
    whole, student = size(graph), graph
    # Known before the first training, which may take hours.
    coupling = couple(graph)
    choose(graph, coupling, np.zeros(len(coupling.removable)), shares)
    options = Options(batch=rounds.batch, balanced=rounds.balanced)
    if rounds.learning_rate is not None:
        options = replace(options, learning_rate=rounds.learning_rate)
    count = max(ANSWERS // (1 if labels is None else labels[0].size), LEAST)
    chosen = samples[:: max(len(samples) // count, 1)][:count]
    for number in range(1, rounds.count + 1):
        part = number / rounds.count
        now = replace(shares, parameters=shares.parameters**part, operations=shares.operations**part)
        coupling = couple(student)
        weight = importance(student, coupling, chosen, labels is not None, seed + number, track)
        student = remove_channels(student, coupling, choose(student, coupling, weight, now, whole))
        epochs = rounds.last_epochs if number == rounds.count else rounds.epochs
        name = fingerprint((graph, student), len(samples), epochs, seed, options)
        student = fine_tune(
            graph, student, samples, labels, epochs=epochs, seed=seed, options=options,
            state=None if state is None else state / f"{name}.npz", track=track,
        )  # fmt: skip
    return student
