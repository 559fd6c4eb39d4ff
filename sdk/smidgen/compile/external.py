"""Kernels of a target with external memory: where weights and tensors lie there, calls take longer."""

from __future__ import annotations

from dataclasses import replace

from smidgen.compile.kernels import KernelSpec, Lowered, kernels_for
from smidgen.compile.kernels.npu import NPU
from smidgen.compile.schedule import Cost
from smidgen.graph import Graph, Node
from smidgen.targets import Memory, Target
from smidgen.targets.types import EXTERNAL


def specs_of(target: Target) -> list[KernelSpec]:
    """The target's kernels, in order of preference, with their costs on its memories."""
    specs, memory = kernels_for(target.kernels, target.engine), target.memory_of_kind(EXTERNAL)
    return specs if memory is None else [_outside(spec, memory) for spec in specs]


def _outside(spec: KernelSpec, memory: Memory) -> KernelSpec:
    def lower(graph: Graph, node: Node, optimize: str) -> Lowered:
        lowered = spec.lower(graph, node, optimize)
        if lowered.cost is None:
            return lowered
        return replace(lowered, cost=_cost(lowered.cost, spec.kernel_set == NPU, memory))

    return replace(spec, lower=lower)


def _cost(cost: Cost, on_engine: bool, memory: Memory) -> Cost:
    """The core waits for each access; the engine goes on while its bursts come in."""
    if on_engine:
        words = cost.data_port * memory.word_cycles
        return replace(cost, cycles=max(cost.cycles, words + memory.latency_cycles), data_port=words)
    waits = cost.data_port * (memory.latency_cycles - 1)
    return replace(cost, cycles=cost.cycles + waits, data_port=cost.data_port + waits)
