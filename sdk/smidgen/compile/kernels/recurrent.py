"""Kernels of firmware/kernels/portable/recurrent.h."""

from __future__ import annotations

import math

import numpy as np

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.fixed_point import wrap_int32
from smidgen.graph.operators import Gru, Lstm
from smidgen.graph.reference.activation_int16 import sigmoid_table
from smidgen.graph.reference.recurrent import gru_parameters, lstm_parameters, refuse_integers


def _rows(
    graph: Graph,
    weights_name: str,
    bias_name: str | None,
    zero_points: np.ndarray,
    multiplier: np.ndarray,
    shift: np.ndarray,
    prefix: str = "",
) -> tuple[Blob, ...]:
    """Blobs of one kind of products; zero_points: by row, 0 where a kernel subtracts it itself."""
    weights = graph.tensor(weights_name).data
    bias = -zero_points * weights.astype(np.int64).sum(axis=1)
    if bias_name is not None:
        bias = bias + graph.tensor(bias_name).data
    return (
        Blob(f"{prefix}weights", weights.reshape(-1), "weights"),
        Blob(f"{prefix}bias", wrap_int32(bias).astype(np.int32), "bias"),
        Blob(f"{prefix}multiplier", 2 * multiplier.astype(np.uint32), "requantization"),
        Blob(f"{prefix}shift", (-shift).astype(np.int8), "requantization"),
    )


def _sizes(graph: Graph, node: Node) -> dict[str, int]:
    batches, time, inputs = graph.tensor(node.inputs[0]).shape
    return {
        "batches": batches,
        "time": time,
        "inputs": inputs,
        "units": graph.tensor(node.outputs[1]).shape[1],
    }


def _macs(graph: Graph, node: Node) -> int:
    """Of all rows, for all steps of all batches."""
    products = sum(graph.tensor(name).elements for name in node.inputs[1:3])
    return math.prod(graph.tensor(node.inputs[0]).shape[:2]) * products


def _table() -> Blob:
    return Blob("table", sigmoid_table(), "table")


def _lower_lstm(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = lstm_parameters(graph, node)
    x, weights, recurrent, bias, h, c = node.inputs
    count = graph.tensor(weights).shape[0]
    of_x, of_h = np.full(count, p.gates.input_zero_point), np.full(count, p.gates.hidden_zero_point)
    products = {"forget": p.forget, "update": p.update, "hidden": p.hidden}
    return Lowered(
        symbol="smidgen_lstm",
        shape_type="struct smidgen_lstm_shape",
        shape={
            **_sizes(graph, node),
            "hidden_zero_point": p.gates.hidden_zero_point,
            **{f"{name}_multiplier": doubled(multiplier) for name, (multiplier, _) in products.items()},
            **{f"{name}_shift": -shift for name, (_, shift) in products.items()},
            "cell_clip": p.cell_clip,
            "cell_multiplier": p.cell.multiplier,
            "cell_shift": p.cell.shift,
        },
        reads=(x, h, c),
        blobs=(
            *_rows(graph, weights, bias, of_x, p.gates.input_multiplier, p.gates.input_shift),
            *_rows(
                graph, recurrent, None, of_h, p.gates.hidden_multiplier, p.gates.hidden_shift, "recurrent_"
            ),
            _table(),
        ),
        macs=_macs(graph, node),
        specialise=False,
        constants=constant_operands(graph, (x, h, c)),
    )


def _lower_gru(graph: Graph, node: Node, optimize: str) -> Lowered:
    p = gru_parameters(graph, node)
    x, weights, recurrent, bias, recurrent_bias, h = node.inputs
    sizes = _sizes(graph, node)
    units, reset_after = sizes["units"], node.operator.reset_after
    of_x, of_h = np.full(3 * units, p.gates.input_zero_point), np.full(3 * units, p.gates.hidden_zero_point)
    if not reset_after:
        of_h[2 * units :] = 0
    return Lowered(
        symbol="smidgen_gru" if reset_after else "smidgen_gru_reset_before",
        shape_type="struct smidgen_gru_shape",
        shape={
            **sizes,
            "hidden_zero_point": p.gates.hidden_zero_point,
            "multiplier": doubled(p.multiplier),
            "shift": -p.shift,
        },
        reads=(x, h),
        blobs=(
            *_rows(graph, weights, bias, of_x, p.gates.input_multiplier, p.gates.input_shift),
            *_rows(
                graph, recurrent, recurrent_bias, of_h, p.gates.hidden_multiplier, p.gates.hidden_shift,
                "recurrent_",
            ),
            _table(),
        ),
        scratch_bytes=0 if reset_after else 2 * units,
        macs=_macs(graph, node),
        specialise=False,
        constants=constant_operands(graph, (x, h)),
    )  # fmt: skip


KERNELS = (
    KernelSpec("lstm", "recurrent", PORTABLE, (Lstm,), refuse_integers, _lower_lstm),
    KernelSpec("gru", "recurrent", PORTABLE, (Gru,), refuse_integers, _lower_gru),
)
