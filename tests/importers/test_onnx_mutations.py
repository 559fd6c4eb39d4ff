"""ONNX files that are damaged at random end in an error, or compute what they then say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto
from onnx_builder import OnnxBuilder, computed, expected, sample
from test_onnx_networks import NETWORKS
from test_onnx_qdq import QdqBuilder
from test_onnx_qdq import network as quantized_network

from smidgen.errors import SmidgenError
from smidgen.importers import onnx as importer

PATH = Path("folder/model.onnx")


def network(name: str) -> ModelProto:
    builder = OnnxBuilder(seed=3)
    NETWORKS[name][0](builder)
    return builder.model()


def _expect_error_or_the_same(seeds: range) -> None:
    quantized = QdqBuilder(seed=5)
    quantized_network(quantized)
    models = [*(network(name) for name in NETWORKS), quantized.model()]
    contents = [model.SerializeToString() for model in models]
    structures = [_structure(content) for content in contents]
    accepted = 0
    for seed in seeds:
        which = seed % len(models)
        content = mutate(contents[which], structures[which], seed)
        try:
            graph = importer.load(content, PATH)
        except SmidgenError as error:
            assert error.problems, f"seed {seed}"
            continue
        accepted += 1
        model = ModelProto.FromString(content)
        feeds = sample(model)
        ours = computed(model, graph, feeds)
        try:
            with np.errstate(all="ignore"):
                theirs = expected(model, feeds)
        except Exception:  # the evaluator refuses what is as good as another file to us
            continue
        steps = 0.05 if which == len(models) - 1 else 1e-3  # integers round on the way
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-2, atol=steps, err_msg=f"seed {seed}")
    assert len(seeds) // 30 <= accepted < len(seeds) // 2


def test_damaged_models_give_an_error_or_compute_what_they_say() -> None:
    _expect_error_or_the_same(range(120))


@pytest.mark.slow
def test_many_damaged_models_give_an_error_or_compute_what_they_say() -> None:
    _expect_error_or_the_same(range(20_000, 23_000))


def _structure(content: bytes) -> np.ndarray:
    """Positions of the bytes that are not weights."""
    structural = np.ones(len(content), bool)
    for tensor in ModelProto.FromString(content).graph.initializer:
        if len(tensor.raw_data) >= 32:
            start = content.find(tensor.raw_data)
            structural[start : start + len(tensor.raw_data)] = False
    return np.flatnonzero(structural)


def mutate(content: bytes, structure: np.ndarray, seed: int) -> bytes:
    """A damaged copy of a model, the same for the same seed."""
    random = np.random.default_rng(seed)
    changed = bytearray(content)
    kind = int(random.integers(6))
    for _ in range(int(random.choice([1, 1, 1, 2, 4]))):
        at = min(int(structure[random.integers(len(structure))]), len(changed) - 1)
        if kind == 0:
            changed[at] ^= 1 << int(random.integers(8))
        elif kind == 1:
            changed[at] = int(random.choice([0, 1, 2, 7, 8, 127, 128, 255, random.integers(256)]))
        elif kind == 2:
            changed[at] = (changed[at] + int(random.integers(-3, 4))) % 256
        elif kind == 3:
            size, other = int(random.choice([1, 2, 8])), int(structure[random.integers(len(structure))])
            changed[at : at + size] = changed[other : other + size]
        elif kind == 4:
            changed[at] = ord("0") + int(random.integers(10))
        else:
            del changed[at : at + int(random.choice([1, 2, 4]))]
    return bytes(changed)
