"""Kernels of firmware/kernels/portable/reduce.h."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.overlap import overlap_of_steps
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.fixed_point import integer_range
from smidgen.graph.operators import Mean
from smidgen.graph.reference.reduce import mean_parameters


def _groups(shape: tuple[int, ...], axes: tuple[int, ...]) -> list[int]:
    """Sizes of runs of neighbouring axes: kept, reduced, kept, ... (1 where a run is empty), ends kept."""
    groups = [1]
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        if (axis in axes) == (len(groups) % 2 == 0):
            groups[-1] *= size
        else:
            groups.append(size)
    return groups if len(groups) % 2 else [*groups, 1]


def _overlap(groups: list[int]) -> int:
    """The elements of the output are written in order, each after what it is the mean of has been read."""
    kept_0, reduced_0, kept_1, reduced_1, kept_2 = groups
    row = reduced_1 * kept_2
    starts = np.arange(kept_0)[:, None, None] * (reduced_0 * kept_1 * row)
    reads = (starts + np.arange(kept_1)[:, None] * row + np.arange(kept_2)).reshape(-1)
    return overlap_of_steps(reads, np.arange(1, len(reads) + 1))


def _refuse(graph: Graph, node: Node) -> str | None:
    groups = _groups(graph.tensor(node.inputs[0]).shape, node.operator.axes)
    if len(groups) > 5:
        return f"it reduces axes {node.operator.axes}, three runs of axes apart from each other"
    return refuse_other_types(graph, node)


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    groups = _groups(graph.tensor(node.inputs[0]).shape, node.operator.axes)
    groups += [1] * (5 - len(groups))
    p = mean_parameters(graph, node)
    low, high = integer_range(8)
    names = ("kept_0", "reduced_0", "kept_1", "reduced_1", "kept_2")
    return Lowered(
        symbol="smidgen_mean",
        shape_type="struct smidgen_mean_shape",
        shape={
            **dict(zip(names, groups, strict=True)),
            "offset": -p.count * p.input_zero_point,
            "multiplier": doubled(p.multiplier),
            "shift": -p.shift,
            "output_zero_point": p.output_zero_point,
            "activation_min": low,
            "activation_max": high,
        },
        reads=node.inputs[:1],
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=_overlap(groups),
    )


KERNELS = (KernelSpec("mean", "reduce", PORTABLE, (Mean,), _refuse, _lower),)
