"""A search whose evaluations are made up: noise that nearly adds up, and costs as on a target."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np

from smidgen.explore.costs import WIDTHS, Costs
from smidgen.explore.evaluate import Bits
from smidgen.explore.latency import LayerCost, ModelCost
from smidgen.explore.search import Point, pareto

SAMPLES = 1000


class MadeUp:
    """layers: how many; seed: of everything in it."""

    def __init__(self, layers: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.names = tuple(f"layer{index}" for index in range(layers))
        four = rng.lognormal(-7, 1.0, layers)
        self.noises = np.column_stack([np.zeros(layers), four, four * rng.uniform(3, 30, layers)])
        # Some pairs of narrow layers make more noise, or less, than each alone.
        self.pairs = rng.normal(0, 0.15, (layers, layers))
        eight = rng.integers(1_000, 100_000, layers)
        shares = np.column_stack(
            [np.ones(layers), rng.uniform(0.5, 0.9, layers), rng.uniform(0.3, 0.6, layers)]
        )
        self.latencies = {
            (name, bits): LayerCost(int(eight[i] * shares[i, k]), int(eight[i] * bits / 80) + 9)
            for i, name in enumerate(self.names)
            for k, bits in enumerate(WIDTHS)
        }
        whole = [self.latencies[name, 8] for name in self.names]
        base = ModelCost(
            "cycles",
            sum(c.taken for c in whole) + 5_000,
            sum(c.weight_bytes for c in whole),
            90_000,
            9_000,
            500,
        )
        self.costs = Costs(None, self.names, self.latencies, base, None, "speed")  # type: ignore[arg-type]
        self.setup = SimpleNamespace(labels=np.zeros(SAMPLES, int), samples=range(SAMPLES), float_right=900)

    def noise(self, bits: Bits) -> float:
        chosen = np.array([self.noises[i, WIDTHS.index(b)] for i, b in enumerate(bits)])
        together = 1 + float(np.tanh(self.pairs @ np.sqrt(chosen / (chosen.sum() + 1e-9))).mean())
        return 1e-4 + float(chosen.sum()) * together

    def evaluate(self, setup: object, job: tuple[str, Bits]) -> dict[str, float]:
        """As `explore.evaluate.evaluate`: the more noise, the fewer right answers."""
        noise = self.noise(job[1])
        right = int(900 - 2_000 * noise)
        return {"noise": noise, "same": right, "right": right}

    def point(self, bits: Bits) -> Point:
        score, cost = self.evaluate(None, ("whole", bits)), self.costs.of(bits)
        right = int(score["right"])
        return Point(
            bits, SAMPLES, score["noise"], right, right, 900,
            cost.taken, cost.weight_bytes, cost.flash_bytes, 0,
        )  # fmt: skip

    def exhaustive(self) -> tuple[Point, ...]:
        return pareto([self.point(bits) for bits in itertools.product(WIDTHS, repeat=len(self.names))])
