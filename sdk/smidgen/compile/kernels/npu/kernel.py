"""EngineKernel: a kernel for an engine of any size, declared once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from smidgen.compile.kernels.npu import NPU
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Operator
from smidgen.npu.descriptor import Engine


@dataclass(frozen=True)
class EngineKernel:
    """See KernelSpec. refuse and lower are told the engine first."""

    name: str
    family: str
    operators: tuple[type[Operator], ...]
    refuse: Callable[[Engine, Graph, Node], str | None]
    lower: Callable[[Engine, Graph, Node, str], Lowered]

    def on(self, engine: Engine) -> KernelSpec:
        refuse, lower = partial(self.refuse, engine), partial(self.lower, engine)
        return KernelSpec(self.name, self.family, NPU, self.operators, refuse, lower)
