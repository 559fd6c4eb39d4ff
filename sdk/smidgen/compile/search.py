"""The search for a small arena: kernels that need little memory, and the first layers in bands of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smidgen.compile.assemble import assemble
from smidgen.compile.kernels.spec import KernelSpec
from smidgen.compile.lower.patches import cut, cuts
from smidgen.compile.plan import plan, quick_bytes
from smidgen.compile.relations import relations
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


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A way to cut a graph: how many of its nodes, in how many bands; bytes: an arena that is enough."""

    graph: Graph
    schedule: Schedule
    layers: int
    bands: int
    bytes: int
    recomputed_macs: int


def fastest(graph: Graph, specs: list[KernelSpec], optimize: str) -> Plan:
    """The cheapest kernels, nothing computed twice."""
    return Plan(graph, plan(assemble(graph, Selector(specs, optimize))))


def smallest(graph: Graph, specs: list[KernelSpec], optimize: str, limit: int | None = None) -> Plan:
    """The plan with the smallest arena that is found; of several, the one that computes least twice.

    limit: bytes that are small enough; the plan that computes least twice among those that need no more is
    then taken, if there is one.
    """
    selector = Selector(specs, optimize, small=True)
    uncut = assemble(graph, selector)
    best = Plan(graph, plan(uncut))
    if limit is not None and best.schedule.arena_bytes <= limit:
        return best
    macs = sum(call.macs for call in uncut.calls)
    found = sorted(_candidates(graph, selector, macs), key=lambda one: _rank(one, limit))
    for one in found[:PLANNED]:
        planned = Plan(one.graph, plan(one.schedule), one.layers, one.bands, one.recomputed_macs)
        if _rank_of_plan(planned, limit) < _rank_of_plan(best, limit):
            best = planned
    return best


def _candidates(graph: Graph, selector: Selector, macs: int) -> Iterator[_Candidate]:
    for layers in cuts(graph):
        height = graph.tensor(graph.nodes[layers - 1].outputs[0]).shape[1]
        for bands in (count for count in BANDS if count <= min(height, MOST_CALLS // layers)):
            banded = cut(graph, layers, bands)
            schedule = assemble(banded, selector)
            recomputed = sum(call.macs for call in schedule.calls) - macs
            size = quick_bytes(schedule, relations(schedule))
            yield _Candidate(banded, schedule, layers, bands, size, recomputed)


def _rank(one: _Candidate, limit: int | None) -> tuple[int, int]:
    return _order(one.bytes, one.recomputed_macs, limit)


def _rank_of_plan(one: Plan, limit: int | None) -> tuple[int, int]:
    return _order(one.schedule.arena_bytes, one.recomputed_macs, limit)


def _order(size: int, recomputed: int, limit: int | None) -> tuple[int, int]:
    """Lower is better: what fits comes first, by what it computes twice; the rest by size."""
    return (size if limit is None or size > limit else 0, recomputed)
