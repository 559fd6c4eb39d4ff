"""What a choice of bits costs on a target: measured layers, and what the rest of the model takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.compile import lower_and_plan
from smidgen.compress.batches import Track, untracked
from smidgen.compress.layers import WEIGHTS, weight_layers
from smidgen.compress.requantize import BITS, requantize_weights
from smidgen.explore.evaluate import Bits
from smidgen.explore.latency import Latencies, LayerCost, ModelCost, measure_layers, measure_model
from smidgen.graph import Graph
from smidgen.graph.packing import storage_bytes
from smidgen.targets import Target

WIDTHS = (8, 4, 2)


@dataclass(frozen=True, eq=False)
class Costs:
    """base: the int8 model, `unit` is "" without a target and only weight_bytes counts then."""

    graph: Graph
    layers: tuple[str, ...]
    latencies: Latencies
    base: ModelCost
    target: Target | None
    optimize: str

    def of(self, bits: Bits) -> ModelCost:
        """What the model takes with these bits; its RAM changes with the arena alone and is left out here."""
        costs = [self.latencies[pair] for pair in zip(self.layers, bits, strict=True)]
        before = [self.latencies[layer, 8] for layer in self.layers]
        taken = sum(cost.taken for cost in costs) - sum(cost.taken for cost in before)
        stored = sum(cost.weight_bytes for cost in costs) - sum(cost.weight_bytes for cost in before)
        base = self.base
        return ModelCost(
            base.unit,
            base.taken + taken,
            base.weight_bytes + stored,
            base.flash_bytes + stored,
            base.ram_bytes,
            base.arena_bytes,
        )

    def ram_bytes(self, bits: Bits) -> int:
        """From the planner: some kernels need scratch memory at one width and not at another."""
        if self.target is None:
            return 0
        graph = requantize_weights(self.graph, dict(zip(self.layers, bits, strict=True)))
        plan, _ = lower_and_plan(graph, self.target, self.optimize)
        return self.base.ram_bytes + plan.schedule.arena_bytes - self.base.arena_bytes

    def options(self) -> list[np.ndarray]:
        """For each layer what its widths add to the costs: (widths, costs), in the order of WIDTHS."""
        columns = ("taken", "weight_bytes") if self.base.unit else ("weight_bytes",)
        return [
            np.array(
                [[getattr(self.latencies[layer, bits], name) for name in columns] for bits in WIDTHS], float
            )
            for layer in self.layers
        ]


def measure_costs(
    base: Graph, target: Target | None, optimize: str = "speed", track: Track = untracked
) -> Costs:
    """Of the int8 model on a target; without a target, the bytes of weights and biases alone."""
    layers = tuple(node.id for node in weight_layers(base))
    if target is None:
        stored = _stored(base)
        whole = sum(stored[layer, 8].weight_bytes for layer in layers)
        return Costs(base, layers, stored, ModelCost("", 0.0, whole, 0, 0, 0), None, optimize)
    latencies = measure_layers(base, target, optimize, track)
    return Costs(base, layers, latencies, measure_model(base, target, optimize), target, optimize)


def _stored(graph: Graph) -> dict[tuple[str, int], LayerCost]:
    stored = {}
    for node in weight_layers(graph):
        weights, *others = (graph.tensor(name) for name in node.inputs[WEIGHTS:] if name is not None)
        rest = sum(storage_bytes(tensor.dtype, tensor.elements) for tensor in others)
        for bits in WIDTHS:
            stored[node.id, bits] = LayerCost(0.0, storage_bytes(BITS[bits], weights.elements) + rest)
    return stored
