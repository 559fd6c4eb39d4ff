"""What the kernels with windows share: from a layer to the call that runs it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smidgen.compile.kernels.common import constant_operands
from smidgen.compile.kernels.npu import ENGINE
from smidgen.compile.kernels.npu.layer import Layer, Numbers
from smidgen.compile.kernels.npu.packing import Outputs, weight_blob
from smidgen.compile.kernels.npu.tiling import call_cycles, fastest
from smidgen.compile.kernels.npu.work import Work
from smidgen.compile.kernels.spec import Lowered
from smidgen.compile.schedule import Blob, Cost
from smidgen.graph import Graph, Node
from smidgen.graph.reference.conv import ConvParameters
from smidgen.npu.descriptor import QUAD, Descriptor, encode_list

MACS_PER_CYCLE = {bits: ENGINE.lanes * 4 * 8 // bits for bits in (8, 4, 2)}


def numbers_of(p: ConvParameters) -> Numbers:
    return Numbers(p.input_zero_point, p.output_zero_point, p.clamp_min, p.clamp_max)


def list_blob(descriptors: Sequence[Descriptor]) -> Blob:
    return Blob("list", encode_list(descriptors).reshape(-1).astype(np.uint32), "table")


def lower_layer(graph: Graph, node: Node, layer: Layer, outputs: Outputs | None) -> Lowered:
    """The call of a layer that the engine does not refuse. outputs: None where it has no weights."""
    tiling = fastest(layer)
    weights = () if outputs is None else (weight_blob(tiling.layer, outputs),)
    pixels = layer.output_height * layer.output_width
    return Lowered(
        symbol="smidgen_npu_layer" if weights else "smidgen_npu_window",
        shape_type="struct smidgen_npu_shape",
        shape={"descriptors": len(tiling.descriptors)},
        reads=node.inputs[:1],
        blobs=(list_blob(tiling.descriptors), *weights),
        macs=layer.macs if weights else 0,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        cost=Cost(
            cycles=call_cycles(tiling.cycles),
            multipliers=-(-layer.macs // MACS_PER_CYCLE[layer.bits]) if weights else 0,
            data_port=tiling.moved_words,
            requantizer=pixels * -(-layer.outputs // QUAD) if weights else 0,
        ),
        work=Work(layer, outputs),
    )
