"""The search for a small arena: kernels that need little memory, and the first layers in bands of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from smidgen.compile.assemble import assemble
from smidgen.compile.kernels.npu import NPU
from smidgen.compile.kernels.spec import KernelSpec
from smidgen.compile.lower.patches import cut, cuts
from smidgen.compile.plan import plan, quick_bytes
from smidgen.compile.schedule import Schedule
from smidgen.compile.select import Selector
from smidgen.graph import Graph

BANDS = (2, 3, 4, 6, 8, 12, 16, 24)
MOST_CALLS = 64  # of all bands together, since each call takes code
PLANNED = 2  # candidates that are planned with care, of those that look best


@dataclass(frozen=True, eq=False)
class Plan:
    """A planned model. graph: what the schedule runs; layers: how many of the first nodes run in bands of
    rows, 0 when none do; bands: how many; recomputed_macs: multiply-accumulates that this adds."""

    graph: Graph
    schedule: Schedule
    layers: int = 0
    bands: int = 1
    recomputed_macs: int = 0

    @property
    def recomputed_share(self) -> float:
        """Of the multiply-accumulates that there would be without bands."""
        macs = sum(call.macs for call in self.schedule.calls) - self.recomputed_macs
        return self.recomputed_macs / macs if macs else 0.0


def fastest(graph: Graph, specs: list[KernelSpec], optimize: str, joins: bool = True) -> Plan:
    """The cheapest kernels, nothing computed twice. joins: see `assemble`."""
    return Plan(graph, plan(assemble(graph, Selector(specs, optimize), joins=joins)))


def smallest(graph: Graph, specs: list[KernelSpec], optimize: str, limit: int | None = None) -> Plan:
    """The plan with the smallest arena that is found; of several, the one that computes least twice.

    limit: bytes that are small enough; the plan that computes least twice among those that need no more is
    then taken, if there is one.
    """
    selector = Selector(specs, optimize)
    joined = fastest(graph, specs, optimize) if any(spec.kernel_set == NPU for spec in specs) else None
    if joined is not None and joined.schedule.arena_bytes <= (limit or 0):
        return joined
    uncut = Plan(graph, assemble(graph, selector, {}))
    best = replace(uncut, schedule=plan(uncut.schedule))
    if limit is None or best.schedule.arena_bytes > limit:
        found = sorted(_banded(uncut, selector), key=lambda one: _rank(*one, limit))
        for _, one in found[:PLANNED]:
            planned = replace(one, schedule=plan(one.schedule))
            best = min(best, planned, key=lambda plan: _rank(plan.schedule.arena_bytes, plan, limit))
    best = _faster(best, selector, limit)
    return best if joined is None else min(joined, best, key=lambda plan: plan.schedule.arena_bytes)


def _banded(uncut: Plan, selector: Selector) -> Iterator[tuple[int, Plan]]:
    """Ways to cut a graph, not planned yet, each with the bytes of an arena that is enough."""
    graph = uncut.graph
    macs = sum(call.macs for call in uncut.schedule.calls)
    for layers in cuts(graph):
        height = graph.tensor(graph.nodes[layers - 1].outputs[0]).shape[1]
        for bands in (count for count in BANDS if count <= min(height, MOST_CALLS // layers)):
            banded = cut(graph, layers, bands)
            schedule = assemble(banded, selector, {})
            recomputed = sum(call.macs for call in schedule.calls) - macs
            yield quick_bytes(schedule), Plan(banded, schedule, layers, bands, recomputed)


def _rank(size: int, one: Plan, limit: int | None) -> tuple[int, int]:
    """Lower is better: what fits comes first, by what it computes twice; the rest by size."""
    return size if limit is None or size > limit else 0, one.recomputed_macs


def _faster(best: Plan, selector: Selector, limit: int | None) -> Plan:
    """The plan with faster kernels where their calls have room for them, if the arena stays as small."""
    schedule = best.schedule
    most = max(schedule.arena_bytes, limit or 0)
    room = {}
    for index, call in enumerate(schedule.calls):
        own = {*call.reads, *call.writes, call.scratch}
        own |= {schedule.buffers[name].within for name in own if name in schedule.buffers}
        live = [b for b in schedule.buffers.values() if b.within is None and b.first <= index <= b.last]
        room[call.id] = most - sum(buffer.bytes for buffer in live if buffer.name not in own)
    faster = plan(assemble(best.graph, selector, room))
    return replace(best, schedule=faster) if faster.arena_bytes <= most else best
