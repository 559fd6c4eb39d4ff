"""What the kernels with windows share: from a layer to the call that runs it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smidgen.compile.kernels.common import constant_operands
from smidgen.compile.kernels.npu.layer import Layer, Numbers
from smidgen.compile.kernels.npu.packing import Outputs, weight_blob
from smidgen.compile.kernels.npu.tiling import call_cycles, fastest
from smidgen.compile.kernels.npu.work import Work
from smidgen.compile.kernels.spec import Lowered
from smidgen.compile.schedule import Blob, Cost
from smidgen.graph import Graph, Node
from smidgen.graph.reference.conv import ConvParameters
from smidgen.npu.descriptor import QUAD, Descriptor, Engine, encode_list


def numbers_of(p: ConvParameters) -> Numbers:
    return Numbers(p.input_zero_point, p.output_zero_point, p.clamp_min, p.clamp_max)


def list_blob(descriptors: Sequence[Descriptor]) -> Blob:
    return Blob("list", encode_list(descriptors).reshape(-1).astype(np.uint32), "table")


def list_shape(engine: Engine, descriptors: Sequence[Descriptor]) -> dict[str, int]:
    """What the kernels are told of a list: its length, and for which engine it was made."""
    return {"descriptors": len(descriptors), "engine": engine.capability}


def lower_layer(graph: Graph, node: Node, layer: Layer, outputs: Outputs | None) -> Lowered:
    """The call of a layer that the engine does not refuse. outputs: None where it has no weights."""
    tiling = fastest(layer)
    weights = () if outputs is None else (weight_blob(tiling.layer, outputs),)
    pixels = layer.output_height * layer.output_width
    return Lowered(
        symbol="smidgen_npu_layer" if weights else "smidgen_npu_window",
        shape_type="struct smidgen_npu_shape",
        shape=list_shape(layer.engine, tiling.descriptors),
        reads=node.inputs[:1],
        blobs=(list_blob(tiling.descriptors), *weights),
        macs=layer.macs if weights else 0,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        cost=Cost(
            cycles=call_cycles(tiling.cycles),
            multipliers=-(-layer.macs // layer.engine.macs_per_cycle(layer.bits)) if weights else 0,
            data_port=tiling.moved_words,
            requantizer=pixels * -(-layer.outputs // QUAD) if weights else 0,
        ),
        work=Work(layer, outputs),
    )
