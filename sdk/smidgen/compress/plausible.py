"""Whether data look like what a float model was trained on: scaled in another way, it is only guessing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smidgen.compress.batches import BatchReference, Sample
from smidgen.compress.evidence import compare
from smidgen.graph import Graph

_PROBES = 128
_SIGNIFICANT = 1e-3
_ONE_ANSWER = 0.98  # share of samples with one answer from which on it is suspicious
_FEW = 32  # samples, from which on such a share says anything

# How images are usually scaled, from how they may have been given.
_SCALINGS = (
    ("x / 255", lambda x: x / 255),
    ("x / 127.5 - 1", lambda x: x / 127.5 - 1),
    ("x * 255", lambda x: x * 255),
    ("2 x - 1", lambda x: 2 * x - 1),
    ("(x + 1) / 2", lambda x: (x + 1) / 2),
)


def doubts(graph: Graph, samples: Sequence[Sample], labels: np.ndarray | None) -> list[str]:
    """Warnings, in words: another scaling that suits the model better, or one answer for everything.

    Without labels only the latter can be seen.
    """
    chosen = np.linspace(0, len(samples) - 1, min(_PROBES, len(samples))).astype(int)
    probes = [samples[index] for index in chosen]
    reference = BatchReference(graph)
    answers = _answers(reference, probes)
    low, high = (float(f([f(array) for sample in probes for array in sample])) for f in (np.min, np.max))
    given = f"the inputs lie between {low:g} and {high:g}"
    if labels is not None:
        right = answers == labels[chosen]
        for text, scaling in _SCALINGS:
            scaled = [[scaling(array).astype(np.float32) for array in sample] for sample in probes]
            comparison = compare(right, _answers(reference, scaled) == labels[chosen])
            if comparison.difference > 0 and comparison.mcnemar < _SIGNIFICANT:
                before, after = 100 * comparison.before.value, 100 * comparison.after.value
                return [
                    f"{given}, where the float model is right on {before:.0f} % of {len(probes)}; with "
                    f"{text} it is right on {after:.0f} %: scale the data as for training"
                ]
    share = np.bincount(answers).max() / len(answers)
    if len(probes) >= _FEW and share >= _ONE_ANSWER and graph.tensor(graph.outputs[0]).elements > 1:
        return [
            f"the float model gives one answer for {100 * share:.0f} % of the inputs; {given}: are they "
            "scaled as for training?"
        ]
    return []


def _answers(reference: BatchReference, samples: Sequence[Sample]) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):  # of no answer; `gather` says where
        return reference.outputs(samples)[0].reshape(len(samples), -1).argmax(axis=1)
