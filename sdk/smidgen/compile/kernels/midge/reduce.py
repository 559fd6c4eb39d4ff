"""Kernels of firmware/kernels/midge/reduce.h."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from smidgen.compile.kernels import reduce as portable
from smidgen.compile.kernels.midge import MIDGE
from smidgen.compile.kernels.midge.lanes import LANES
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Cost
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Mean

_PORTABLE = portable.MEAN

# Measured on the simulated core.
KERNEL = 150
BLOCK = 17  # four channels' sums, requantized
RUN = 14  # of neighbouring positions, four at a time
REST = 9  # of a run


def mean_cost(shape: Mapping[str, int]) -> Cost:
    """Of the C function with this shape: a word of four channels is loaded for every position."""
    outputs = shape["kept_0"] * shape["kept_1"] * shape["kept_2"]
    blocks = shape["kept_0"] * shape["kept_1"] * -(-shape["kept_2"] // LANES)
    runs = blocks * shape["reduced_0"]
    words = runs * shape["reduced_1"]
    twice = words * 3 // 4 if shape["kept_2"] % LANES else 0  # loads off the word
    return Cost(
        cycles=KERNEL
        + blocks * BLOCK
        + runs * (RUN + (REST if shape["reduced_1"] % 4 else 0))
        + words
        + twice,
        data_port=words + twice + outputs,
        requantizer=outputs,
    )


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    lowered = _PORTABLE.lower(graph, node, optimize)
    shape = {**lowered.shape, "weight": 1}
    if shape["reduced_1"] == shape["kept_2"] == 1:
        # One run of axes is reduced: what is kept behind it are the channels.
        shape |= {"reduced_0": 1, "kept_1": 1}
        shape |= {"reduced_1": lowered.shape["reduced_0"], "kept_2": lowered.shape["kept_1"]}
    return replace(
        lowered,
        symbol="smidgen_midge_mean",
        shape_type="struct smidgen_midge_mean_shape",
        shape=shape,
        cost=mean_cost(shape),
    )


KERNELS = (KernelSpec("midge_mean", "reduce", MIDGE, (Mean,), _PORTABLE.refuse, _lower),)
