"""A small float model whose search is real, with labels that it is right about."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from smidgen.explore.evaluate import Setup, prepare
from smidgen.graph.reference import run

sys.path.insert(0, str(Path(__file__).parents[1] / "compress"))
from float_graphs import float_model, float_samples

SAMPLES = float_samples(160)
LABELS = np.array([int(run(float_model(), sample).outputs[0].argmax()) for sample in SAMPLES])


def real_setup() -> Setup:
    """Quantized with 60 samples, chosen on 100."""
    return prepare(float_model(), SAMPLES[:60], SAMPLES[60:], LABELS[60:])
