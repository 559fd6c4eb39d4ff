"""Kernels of firmware/kernels/midge/depthwise.h."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from smidgen.compile.kernels.channels import prepare
from smidgen.compile.kernels.common import bias_of, constant_operands, output_fields, refuse_layer
from smidgen.compile.kernels.depthwise import Axis, axes
from smidgen.compile.kernels.midge import MIDGE, conv
from smidgen.compile.kernels.midge.cost import LEAST_MACS_PER_CYCLE, MACS_PER_CYCLE, SMALL
from smidgen.compile.kernels.midge.lanes import in_blocks
from smidgen.compile.kernels.midge.packing import pack_parameters
from smidgen.compile.kernels.midge.points import Points, point_walks
from smidgen.compile.kernels.midge.slide import sliding_walks
from smidgen.compile.kernels.midge.taps import tap_walks
from smidgen.compile.kernels.midge.trim import of_trimmed
from smidgen.compile.kernels.midge.walk import Walk
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob, Cost
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D, DepthwiseConv2D
from smidgen.graph.reference.conv import conv_parameters

Walks = Callable[[Axis, Axis], Iterator[Walk | Points]]


def _refuse_walks(walks: Walks, graph: Graph, node: Node) -> str | None:
    reason = refuse_layer(graph, node)
    if reason is not None:
        return reason
    reasons = [walk.reason for walk in walks(*axes(graph, node))]
    return None if None in reasons else reasons[0]


def _refuse_points(graph: Graph, node: Node) -> str | None:
    if graph.tensor(node.inputs[1]).shape[3] != graph.tensor(node.inputs[0]).shape[3]:
        return "it has several output channels per input channel"
    return _refuse_walks(point_walks, graph, node)


def _lower(walks: Walks, graph: Graph, node: Node, optimize: str) -> Lowered:
    bits = graph.tensor(node.inputs[1]).dtype.bits
    lowered = _lower_stored(walks, bits, graph, node)
    assert lowered.cost is not None
    # Narrow weights are widened in every call. Where few windows share that, they lie in flash as bytes.
    if bits == 8 or optimize == "size" or lowered.cost.cycles * LEAST_MACS_PER_CYCLE <= lowered.macs:
        return lowered
    return _lower_stored(walks, 8, graph, node)


def _lower_stored(walks: Walks, bits: int, graph: Graph, node: Node) -> Lowered:
    """bits: of a weight as it lies in flash."""
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels = weights.shape[3]
    copies = channels // x.shape[3]
    p = conv_parameters(graph, node)
    prepared = prepare(weights.data.reshape(-1, channels).T, bias_of(graph, node, channels), p, "speed")
    blocks = copies * -(-x.shape[3] // 4)
    work = {
        "blocks": blocks,
        "images": x.shape[0],
        "lanes": channels / blocks,
        "bits": bits,
        "copies": copies,
    }
    walk = min(
        (walk for walk in walks(*axes(graph, node)) if walk.reason is None),
        key=lambda walk: walk.cycles(**work),
    )
    kernel = prepared.weights.reshape(channels, *weights.shape[1:3])
    requantization = (prepared.bias_of_inputs(p.input_zero_point), prepared.multiplier, prepared.shift)
    in_order = [in_blocks(values, copies).reshape(-1) for values in requantization]
    cycles = round(walk.cycles(**work))
    macs = output.elements * weights.shape[1] * weights.shape[2]
    return Lowered(
        symbol=walk.symbol(copies, bits),
        shape_type="struct smidgen_midge_depthwise_shape",
        shape={
            "images": x.shape[0],
            "channels": x.shape[3],
            "copies": copies,
            "weight_bits": bits,
            **walk.fields,
            "input_image_step": x.elements // x.shape[0],
            "output_image_step": output.elements // x.shape[0],
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("weights", walk.words(kernel, copies, bits), "weights"),
            Blob("parameters", pack_parameters(*in_order, shared=False), "requantization"),
            Blob("walk", walk.table, "table"),
        ),
        scratch_bytes=walk.scratch_bytes(x.shape[3], copies, bits),
        macs=macs,
        # With groups or points, most of what surrounds their instructions is then known.
        specialise=walk.groups > 1 or isinstance(walk, Points) or cycles < SMALL,
        constants=constant_operands(graph, node.inputs[:1]),
        cost=Cost(
            cycles=cycles,
            multipliers=-(-macs // MACS_PER_CYCLE[8]),
            data_port=blocks * x.shape[0] * walk.loads + output.elements,
            requantizer=output.elements,
        ),
    )


def _as_convolution(graph: Graph, node: Node) -> tuple[Graph, Node]:
    """The same in the words of Conv2D: each input channel is a group, with its outputs side by side."""
    operator: DepthwiseConv2D = node.operator
    weights = graph.tensor(node.inputs[1])
    assert weights.data is not None and weights.quantization is not None
    quantization = weights.quantization
    if quantization.axis is not None:
        quantization = replace(quantization, axis=0)
    data = np.ascontiguousarray(weights.data.transpose(3, 1, 2, 0))
    regrouped = replace(weights, shape=data.shape, data=data, quantization=quantization)
    convolution = Conv2D(operator.stride, operator.dilation, operator.padding, operator.activation)
    return (
        replace(graph, tensors={**graph.tensors, weights.name: regrouped}),
        replace(node, operator=convolution),
    )


def _convolution(spec: KernelSpec) -> KernelSpec:
    """A kernel of Conv2D for input channels that have several outputs each, or a single input channel."""

    def refuse(graph: Graph, node: Node) -> str | None:
        reason = refuse_layer(graph, node)
        if reason is not None:
            return reason
        inputs = graph.tensor(node.inputs[0]).shape[3]
        if inputs > 1 and graph.tensor(node.inputs[1]).shape[3] == inputs:
            return "it has one output channel per input channel"
        return spec.refuse(*_as_convolution(graph, node))

    def lower(graph: Graph, node: Node, optimize: str) -> Lowered:
        return spec.lower(*_as_convolution(graph, node), optimize)

    return replace(
        spec, name=f"{spec.name}_depthwise", operators=(DepthwiseConv2D,), refuse=refuse, lower=lower
    )


def _spec(name: str, walks: Walks, refuse: Callable[[Graph, Node], str | None]) -> KernelSpec:
    lower = partial(_lower, walks)
    return KernelSpec(f"midge_depthwise_{name}", "depthwise", MIDGE, (DepthwiseConv2D,), refuse, lower)


_OWN = (
    _spec("points", point_walks, _refuse_points),
    _spec("sliding", sliding_walks, partial(_refuse_walks, sliding_walks)),
    _spec("taps", tap_walks, refuse_layer),
)
KERNELS = (*of_trimmed(_OWN), *(_convolution(spec) for spec in conv.KERNELS))
