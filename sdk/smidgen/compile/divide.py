"""How the layers of a model are divided between the neural engine and the core, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smidgen.compile.kernels import willing
from smidgen.compile.kernels.midge import MIDGE
from smidgen.compile.kernels.npu import NPU
from smidgen.compile.kernels.spec import KernelSpec
from smidgen.compile.schedule import KernelCall
from smidgen.compile.search import Plan
from smidgen.graph import Graph, Node


@dataclass(frozen=True)
class Share:
    """One layer: where it runs, what each would take by itself (predicted, None where that is not known) and
    why. Layers that share a list of the engine take fewer cycles there than those by themselves."""

    name: str
    type_name: str
    on_engine: bool
    engine_cycles: int | None
    core_cycles: int | None
    why: str


def divide(plan: Plan, specs: Sequence[KernelSpec], optimize: str = "speed") -> list[Share]:
    """The layers of a plan in order; specs: of the target. Empty for a target without the engine."""
    if not any(spec.kernel_set == NPU for spec in specs):
        return []
    nodes = {node.id: node for node in plan.graph.nodes}
    return [
        _share(plan.graph, nodes[name], call, specs, optimize)
        for call in plan.schedule.calls
        for name in call.nodes
    ]


def _share(graph: Graph, node: Node, call: KernelCall, specs: Sequence[KernelSpec], optimize: str) -> Share:
    able, reasons = willing(graph, node, specs)

    def cycles(kernel_set: str) -> int | None:
        costs = [spec.lower(graph, node, optimize).cost for spec in able if spec.kernel_set == kernel_set]
        return min((cost.cycles for cost in costs if cost is not None), default=None)

    engine, core = cycles(NPU), cycles(MIDGE)
    refusals = [reasons[spec.name] for spec in specs if spec.kernel_set == NPU and spec.name in reasons]
    if engine is None:
        why = refusals[0] if refusals else "the engine has no such operation"
    elif core is None:
        why = "the core's cycles are not predicted"
    elif engine == core:
        why = "both take as long"
    else:
        faster = "engine" if engine < core else "core"
        why = f"the {faster} is {max(engine, core) / min(engine, core):.1f} times as fast"
    if call.parts and call.cost is not None:
        others = len(call.parts) - 1
        why += f"; in one list with {others} other{'s' if others > 1 else ''}, of {call.cost.cycles:,} cycles"
    return Share(node.id, node.operator.type_name, call.kernel_set == NPU, engine, core, why)
