"""What a choice of bits costs on a target: measured layers, and what the rest of the model takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smidgen.compile import compile_model
from smidgen.compile.firmware import TooBig
from smidgen.compile.schedule import Schedule
from smidgen.compress.batches import Track, untracked
from smidgen.compress.layers import WEIGHTS, weight_layers
from smidgen.compress.requantize import BITS, requantize_weights
from smidgen.errors import BuildError, Problem
from smidgen.explore.evaluate import Bits
from smidgen.explore.latency import Latencies, LayerCost, ModelCost, measure_layers, measure_model
from smidgen.graph import Graph
from smidgen.graph.packing import storage_bytes
from smidgen.targets import Target

WIDTHS = (8, 4, 2)


@dataclass(frozen=True, eq=False)
class Costs:
    """base: the int8 model, `unit` is "" without a target and only weight_bytes counts then; schedule: its
    fastest plan on the target; too_big: why it cannot be built there, in which case `base` is predicted."""

    graph: Graph
    layers: tuple[str, ...]
    latencies: Latencies
    base: ModelCost
    target: Target | None
    optimize: str
    schedule: Schedule | None = None
    too_big: TooBig | None = None

    def of(self, bits: Bits) -> ModelCost:
        """What the model takes with these bits; its RAM changes with the arena alone and is left out here."""
        return _moved(self.base, self.layers, self.latencies, (8,) * len(self.layers), bits)

    def ram_bytes(self, bits: Bits) -> int:
        """From the planner: some kernels need scratch memory at one width and not at another."""
        if self.target is None or self.schedule is None:
            return 0
        graph = requantize_weights(self.graph, dict(zip(self.layers, bits, strict=True)))
        arena = compile_model(graph, self.target, self.optimize).arena_bytes
        return self.base.ram_bytes + arena - self.schedule.arena_bytes

    @property
    def least_ram_bytes(self) -> int:
        """No bits make it less, because none make the tensors between layers smaller."""
        if self.schedule is None:
            return 0
        saved = self.schedule.arena_bytes - self.schedule.arena_lower_bound_bytes
        return self.base.ram_bytes - saved

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
    """Of the int8 model on a target; without a target, the bytes of weights and biases alone.

    Raises BuildError when the model does not even fit with the fewest bits.
    """
    layers = tuple(node.id for node in weight_layers(base))
    if target is None:
        stored = _stored(base)
        whole = sum(stored[layer, 8].weight_bytes for layer in layers)
        return Costs(base, layers, stored, ModelCost("", 0.0, whole, 0, 0, 0), None, optimize)
    latencies = measure_layers(base, target, optimize, track)
    schedule = compile_model(base, target, optimize)
    cost, too_big = _int8(base, layers, latencies, target, optimize, schedule)
    return Costs(base, layers, latencies, cost, target, optimize, schedule, too_big)


def _int8(
    base: Graph,
    layers: tuple[str, ...],
    latencies: Latencies,
    target: Target,
    optimize: str,
    schedule: Schedule,
) -> tuple[ModelCost, TooBig | None]:
    """The int8 model's cost: measured or, where it does not fit, reckoned from the widest that does."""
    try:
        return measure_model(base, target, optimize), None
    except TooBig as error:
        too_big = last = error
    int8 = (8,) * len(layers)
    for width in WIDTHS[1:]:
        narrow = requantize_weights(base, width)
        try:
            measured = measure_model(narrow, target, optimize)
        except TooBig as error:
            last = error
            continue
        cost = _moved(measured, layers, latencies, (width,) * len(layers), int8)
        arena = schedule.arena_bytes - compile_model(narrow, target, optimize).arena_bytes
        ram, arena = cost.ram_bytes + arena, cost.arena_bytes + arena
        return replace(cost, ram_bytes=ram, arena_bytes=arena), too_big
    raise BuildError(
        Problem(
            f"{target.name}, {kind}",
            f"with {WIDTHS[-1]}-bit weights everywhere the image is still {count:,} bytes too big",
            "make the model smaller, or take a target with more memory",
        )
        for kind, count in last.overflows.items()
    )


def _moved(
    cost: ModelCost, layers: tuple[str, ...], latencies: Latencies, start: Bits, end: Bits
) -> ModelCost:
    """What a model takes with other bits, but for its arena."""
    before = [latencies[pair] for pair in zip(layers, start, strict=True)]
    after = [latencies[pair] for pair in zip(layers, end, strict=True)]
    stored = sum(one.weight_bytes for one in after) - sum(one.weight_bytes for one in before)
    return replace(
        cost,
        taken=cost.taken + sum(one.taken for one in after) - sum(one.taken for one in before),
        weight_bytes=cost.weight_bytes + stored,
        flash_bytes=cost.flash_bytes + stored,
    )


def _stored(graph: Graph) -> dict[tuple[str, int], LayerCost]:
    stored = {}
    for node in weight_layers(graph):
        weights, *others = (graph.tensor(name) for name in node.inputs[WEIGHTS:] if name is not None)
        rest = sum(storage_bytes(tensor.dtype, tensor.elements) for tensor in others)
        for bits in WIDTHS:
            stored[node.id, bits] = LayerCost(0.0, storage_bytes(BITS[bits], weights.elements) + rest)
    return stored
