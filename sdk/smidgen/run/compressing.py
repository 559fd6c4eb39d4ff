"""Compress: from a float model file and data to an integer graph and what it cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smidgen.compress.batches import Track, untracked
from smidgen.compress.evidence import Evidence, gather_evidence
from smidgen.compress.plausible import doubts
from smidgen.compress.quantize import check_float, gather, quantize, reconstruct
from smidgen.errors import Problem, UsageError
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.run.inputs import Inputs, load_inputs

# Samples to calibrate with unless said otherwise: more gain little, and each takes time.
CALIBRATE = 512


@dataclass(frozen=True, eq=False)
class Compression:
    """graph: the integer model; calibrated: how many samples it was made with; evidence: on the others;
    warnings: what is doubtful about the data."""

    graph: Graph
    calibrated: int
    evidence: Evidence
    warnings: tuple[str, ...]


def _silent(text: str) -> None:
    pass


def compress(
    model: Path,
    data: Path,
    bits: int = 8,
    calibrate: int | None = None,
    ranges: str = "mse",
    warn: Callable[[str], None] = _silent,
    track: Track = untracked,
) -> Compression:
    """Quantize a float model with the first samples of a file, and compare it on the others.

    calibrate: how many samples to quantize with; None takes CALIBRATE, at most half; warn: told at once what
    is doubtful about the data.
    Raises ModelError and UsageError.
    """
    graph = load_model(model)
    check_float(graph)
    inputs = load_inputs(graph, data)
    count = min(CALIBRATE, len(inputs) // 2) if calibrate is None else calibrate
    if not 1 <= count < len(inputs):
        what = f"{count} of {len(inputs)} samples to calibrate with leave none to report on"
        fix = "give more samples" if len(inputs) < 2 else f"choose from 1 to {len(inputs) - 1}"
        raise UsageError(Problem("--calibrate" if calibrate is not None else str(data), what, fix))
    known, unseen = inputs.samples[:count], inputs.samples[count:]
    labels = inputs.labels
    warnings = _warnings(graph, inputs, count)
    for warning in warnings:
        warn(warning)
    integer = quantize(graph, gather(graph, known, track), bits, ranges)
    integer = reconstruct(graph, integer, known, track)
    evidence = gather_evidence(graph, integer, unseen, None if labels is None else labels[count:], track)
    return Compression(integer, count, evidence, tuple(warnings))


def _warnings(graph: Graph, inputs: Inputs, calibrated: int) -> list[str]:
    warnings = doubts(graph, inputs.samples, inputs.labels)
    if inputs.labels is None:
        return [*warnings, "no labels 'y': answers are compared with the float model's only"]
    return warnings + _unseen_labels(inputs.labels[:calibrated], inputs.labels[calibrated:])


def _unseen_labels(known: np.ndarray, unseen: np.ndarray) -> list[str]:
    missing = sorted(set(unseen.tolist()) - set(known.tolist()))
    if not missing:
        return []
    listed = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
    return [f"no sample to calibrate with has the label {listed}: shuffle the data if they are sorted"]
