"""The compute unit of the neural engine equals its model: buffers byte for byte, while loads and stores go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from compute_bench import Background, Bench, differences, simulator
from compute_cases import INPUT_BYTES, LOADED, STORED, Draw

from smidgen.npu.descriptor import Add, Convolution, Depthwise, Descriptor, Engine, MaxPool, Window
from smidgen.npu.model import Model

SEED = 3
CASES = 12  # of each kind
MANY = 300
KINDS = (Convolution, Depthwise, MaxPool, Add)


def bench_with(lanes: int, variant: str, folders: pytest.TempPathFactory) -> Bench:
    return Bench(simulator(lanes, variant, folders.mktemp(f"npu-compute-{lanes}-{variant}")), lanes)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench_with(16, "simulator", tmp_path_factory)


class Comparison:
    """Descriptors one after the other, on the bench and in the model, whose buffers start the same."""

    def __init__(self, bench: Bench, *seed: int) -> None:
        self.bench, self.draw = bench, Draw(bench.engine, *seed)
        self.model = Model(np.zeros(4, np.uint8), bench.engine)
        self.model.activations[:] = self.draw.bytes(bench.engine.activation_bytes)
        self.model.weights[:] = self.draw.bytes(bench.engine.weight_bytes)
        bench.fill(self.model.activations, self.model.weights)
        self.expected: list[tuple[Descriptor, np.ndarray, np.ndarray]] = []

    def run(self, descriptor: Descriptor, disturbed: bool) -> None:
        """disturbed: loads and stores go on."""
        model, draw, engine = self.model, self.draw, self.bench.engine
        end = 0
        if isinstance(descriptor, Window) and not isinstance(descriptor, MaxPool):
            weights, at = draw.weights(descriptor), descriptor.weight_word * engine.word_bytes
            model.weights[at : at + weights.size] = weights
            self.bench.write(1, at, weights)
            end = descriptor.weight_word + descriptor.blocks * engine.block_words(descriptor)
        background = draw.background(end) if disturbed else Background()
        self.bench.run(descriptor, draw.number(0, 1 << 31), background)
        self.bench.read()
        model.do(descriptor)
        loaded = model.weights if background.load_buffer else model.activations
        first = background.load_address
        loaded[first : first + background.load_data.size] = background.load_data
        stored = background.store_line * engine.lanes
        stored = model.activations[stored : stored + background.store_lines * engine.lanes]
        self.expected.append((descriptor, stored.copy(), model.activations.copy()))

    def check(self) -> list[tuple[Descriptor, object]]:
        """Each descriptor, and how it ran."""
        ran, got = self.bench.go()
        assert len(ran) == len(self.expected)
        for number, (descriptor, *parts) in enumerate(self.expected):
            for name, expected in zip(("stores read", "then the buffer has"), parts, strict=True):
                wrong = differences(got[: expected.size], expected)
                assert not wrong, f"descriptor {number}: {descriptor}: {name} at {wrong}"
                got = got[expected.size :]
        return list(zip([descriptor for descriptor, *_ in self.expected], ran, strict=True))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_random_descriptors(bench: Bench, kind: type[Descriptor]) -> None:
    comparison = Comparison(bench, SEED, KINDS.index(kind))
    for _ in range(CASES):
        comparison.run(comparison.draw.descriptor(kind), disturbed=True)
    comparison.check()
