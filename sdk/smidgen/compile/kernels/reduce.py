"""Kernels of firmware/kernels/portable/reduce.h."""

from __future__ import annotations

import math

import numpy as np

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.overlap import overlap_of_steps
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import DType, Graph, Node
from smidgen.graph.fixed_point import integer_range
from smidgen.graph.operators import ArgMax, ArgMin, Mean, ReduceMax, ReduceMin, Sum
from smidgen.graph.reference.reduce import mean_parameters, sum_parameters

_GROUPS = ("kept_0", "reduced_0", "kept_1", "reduced_1", "kept_2")


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


def refuse_pattern(graph: Graph, node: Node) -> str | None:
    groups = _groups(graph.tensor(node.inputs[0]).shape, node.operator.axes)
    if len(groups) > 5:
        return f"it reduces axes {node.operator.axes}, three runs of axes apart from each other"
    return None


def _refuse(graph: Graph, node: Node) -> str | None:
    return refuse_pattern(graph, node) or refuse_other_types(graph, node)


def _five_groups(graph: Graph, node: Node) -> list[int]:
    groups = _groups(graph.tensor(node.inputs[0]).shape, node.operator.axes)
    return groups + [1] * (5 - len(groups))


def mean_fields(graph: Graph, node: Node) -> dict[str, int]:
    """The fields of struct smidgen_mean_shape."""
    p = (sum_parameters if isinstance(node.operator, Sum) else mean_parameters)(graph, node)
    low, high = integer_range(graph.tensor(node.outputs[0]).dtype.bits)
    return {
        **dict(zip(_GROUPS, _five_groups(graph, node), strict=True)),
        "offset": -p.count * p.input_zero_point,
        "multiplier": doubled(p.multiplier),
        "shift": -p.shift,
        "output_zero_point": p.output_zero_point,
        "activation_min": low,
        "activation_max": high,
    }


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    return Lowered(
        symbol="smidgen_mean",
        shape_type="struct smidgen_mean_shape",
        shape=mean_fields(graph, node),
        reads=node.inputs[:1],
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=_overlap(_five_groups(graph, node)),
    )


def _lower_extremum(graph: Graph, node: Node, optimize: str) -> Lowered:
    groups = _five_groups(graph, node)
    return Lowered(
        symbol="smidgen_reduce_max" if isinstance(node.operator, ReduceMax) else "smidgen_reduce_min",
        shape_type="struct smidgen_reduce_extremum_shape",
        shape=dict(zip(_GROUPS, groups, strict=True)),
        reads=node.inputs,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
        overlap=_overlap(groups),
    )


def _refuse_index(graph: Graph, node: Node) -> str | None:
    x = graph.tensor(node.inputs[0])
    return None if x.dtype is DType.I8 else f"needs int8, but '{x.name}' is {x.dtype.value}"


def _lower_index(graph: Graph, node: Node, optimize: str) -> Lowered:
    shape, axis = graph.tensor(node.inputs[0]).shape, node.operator.axis
    return Lowered(
        symbol="smidgen_arg_extremum",
        shape_type="struct smidgen_arg_extremum_shape",
        shape={
            "outer": math.prod(shape[:axis]),
            "count": shape[axis],
            "inner": math.prod(shape[axis + 1 :]),
            "sign": 1 if isinstance(node.operator, ArgMax) else -1,
        },
        reads=node.inputs,
        specialise=False,
        constants=constant_operands(graph, node.inputs),
    )


MEAN = KernelSpec("mean", "reduce", PORTABLE, (Mean, Sum), _refuse, _lower)
KERNELS = (
    MEAN,
    KernelSpec("reduce_extremum", "reduce", PORTABLE, (ReduceMax, ReduceMin), _refuse, _lower_extremum),
    KernelSpec("arg_extremum", "reduce", PORTABLE, (ArgMax, ArgMin), _refuse_index, _lower_index),
)
