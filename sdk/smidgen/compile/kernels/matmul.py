"""Kernels of firmware/kernels/portable/matmul.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.compile.kernels.blocks import block_blobs
from smidgen.compile.kernels.channels import prepare
from smidgen.compile.kernels.common import (
    PORTABLE,
    bias_of,
    constant_operands,
    output_fields,
    refuse_layer,
    symbol_of,
)
from smidgen.compile.kernels.overlap import overlap_of_rows
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import FullyConnected
from smidgen.graph.reference.matmul import fully_connected_parameters


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    weights, output = graph.tensor(node.inputs[1]), graph.tensor(node.outputs[0])
    outputs, depth = weights.shape
    rows = output.elements // outputs
    p = fully_connected_parameters(graph, node)
    channels = prepare(weights.data, bias_of(graph, node, outputs), p, optimize)
    # One multiplier and shift for all outputs are stored once.
    per_channel = bool(np.ptp(channels.multiplier) or np.ptp(channels.shift))
    if not per_channel:
        channels = replace(channels, multiplier=channels.multiplier[:1], shift=channels.shift[:1])
    variant = "wide" if channels.variant == "wide" else "right"
    return Lowered(
        symbol=symbol_of("fully_connected", weights.dtype, variant),
        shape_type="struct smidgen_fully_connected_shape",
        shape={
            "rows": rows,
            "depth": depth,
            "outputs": outputs,
            "parameter_step": int(per_channel),
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=block_blobs(channels, p.input_zero_point, dtype=weights.dtype),
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=overlap_of_rows((1, rows, 1, depth), (1, rows, 1, outputs), stride=1, pad=0),
    )


KERNELS = (KernelSpec("fully_connected", "matmul", PORTABLE, (FullyConnected,), refuse_layer, _lower),)
