"""The figures of the evidence against values that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from float_graphs import float_model, float_samples

from smidgen.compress.evidence import Comparison, Share, compare, gather_evidence
from smidgen.compress.plausible import doubts
from smidgen.compress.quantize import gather, quantize
from smidgen.graph.reference import run


def test_wilson_interval() -> None:
    """E. B. Wilson, 1927: 81 of 263 at 95 % is 0.2553 to 0.3662 (R. Newcombe, 1998, table I)."""
    low, high = Share(81, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = Share(0, 20).interval
    assert (low, round(high, 4)) == (0.0, 0.1611)


@pytest.mark.parametrize(
    ("lost", "gained", "p"),
    [(0, 0, 1.0), (1, 1, 1.0), (5, 0, 2 / 32), (0, 10, 2 / 1024), (8, 2, 2 * (1 + 10 + 45) / 1024)],
)
def test_mcnemar_is_the_exact_binomial_test(lost: int, gained: int, p: float) -> None:
    share = Share(50, 100)
    assert math.isclose(Comparison(share, share, lost, gained).mcnemar, p, rel_tol=1e-9)


def test_compare_counts_what_changed() -> None:
    before = np.array([1, 1, 1, 0, 0, 1], bool)
    after = np.array([1, 0, 0, 1, 0, 1], bool)
    comparison = compare(before, after)
    assert (comparison.before.count, comparison.after.count) == (4, 3)
    assert (comparison.lost, comparison.gained) == (2, 1)
    assert math.isclose(comparison.difference, -1 / 6)
    low, high = comparison.interval
    assert low < -1 / 6 < high


def test_evidence_of_a_model_and_its_bytes() -> None:
    graph, samples = float_model(), float_samples(40)
    labels = np.array([int(run(graph, sample).outputs[0].argmax()) for sample in samples])
    integer = quantize(graph, gather(graph, samples), 8)
    evidence = gather_evidence(graph, integer, samples, labels)
    assert evidence.accuracy.before.value == 1.0
    assert evidence.accuracy.after == evidence.answers
    weights = {"conv": 216, "depthwise": 72, "grouped": 32, "strided": 576, "dense": 60}
    biases = 4 * (8 + 8 + 8 + 12 + 5)
    assert evidence.weight_bytes == sum(weights.values()) + biases
    assert evidence.float_weight_bytes == 4 * sum(weights.values()) + biases
    assert {layer.id: layer.weight_bytes for layer in evidence.layers if layer.bits} == weights
    assert all(layer.sqnr > 20 for layer in evidence.layers)


def test_data_of_another_scale_are_doubted() -> None:
    graph, samples = float_model(), float_samples(200)
    labels = np.array([int(run(graph, sample).outputs[0].argmax()) for sample in samples])
    assert doubts(graph, samples, labels) == []
    small = [[sample[0] / 255] for sample in samples]
    (doubt,) = doubts(graph, small, labels)
    assert "x * 255" in doubt
    (doubt,) = doubts(graph, [[sample[0] * 0] for sample in samples], None)
    assert "one answer for 100 %" in doubt
