"""Descriptors on the Verilated compute unit and in the model."""

from __future__ import annotations

import numpy as np
from compute_bench import Background, Bench, Ran, differences
from compute_cases import Draw

from smidgen.npu.descriptor import Add, Convolution, Depthwise, Descriptor, MaxPool, Window
from smidgen.npu.model import Model

KINDS = (Convolution, Depthwise, MaxPool, Add)


class Comparison:
    """Descriptors one after the other, on the bench and in the model, whose buffers start the same."""

    def __init__(self, bench: Bench, *seed: int) -> None:
        self.bench, self.draw = bench, Draw(bench.engine, *seed)
        self.model = Model(np.zeros(4, np.uint8), bench.engine)
        self.model.activations[:] = self.draw.bytes(bench.engine.activation_bytes)
        self.model.weights[:] = self.draw.bytes(bench.engine.weight_bytes)
        bench.fill(self.model.activations, self.model.weights)
        self.expected: list[tuple[Descriptor, np.ndarray, np.ndarray]] = []

    def run(self, descriptor: Descriptor, disturbed: bool = True) -> None:
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

    def check(self) -> list[Ran]:
        """How each ran."""
        ran, got = self.bench.go()
        assert len(ran) == len(self.expected)
        for number, (descriptor, *parts) in enumerate(self.expected):
            for name, expected in zip(("stores read", "then the buffer has"), parts, strict=True):
                wrong = differences(got[: expected.size], expected)
                assert not wrong, f"descriptor {number}: {descriptor}: {name} at {wrong}"
                got = got[expected.size :]
        self.expected = []
        return ran


def compare_random(bench: Bench, kind: type[Descriptor], count: int, seed: int) -> list[Ran]:
    comparison = Comparison(bench, seed, KINDS.index(kind))
    for _ in range(count):
        comparison.run(comparison.draw.descriptor(kind))
    return comparison.check()
