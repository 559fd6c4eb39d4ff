"""Kernels of firmware/kernels/dsp/conv.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import (
    bias_of,
    constant_operands,
    output_fields,
    refuse_layer,
    window_fields,
)
from smidgen.compile.kernels.dsp import DSP
from smidgen.compile.kernels.dsp.packing import blobs, in_quads, joined, prepare, refuse_form
from smidgen.compile.kernels.overlap import overlap_of_pixels
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D
from smidgen.graph.reference.conv import conv_parameters

PATCHES = {"speed": 4, "size": 2}  # that are gathered at a time


def _groups(graph: Graph, node: Node) -> tuple[int, int]:
    """(groups, output channels of each)"""
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    groups = x.shape[3] // weights.shape[3]
    return groups, weights.shape[0] // groups


def _refuse(graph: Graph, node: Node) -> str | None:
    groups, outputs = _groups(graph, node)
    weights = graph.tensor(node.inputs[1])
    _, rows, columns, inputs = weights.shape
    return refuse_layer(graph, node) or refuse_form(
        outputs, rows, columns * inputs, weights.dtype.bits, groups
    )


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: Conv2D = node.operator
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    output = graph.tensor(node.outputs[0])
    groups, _ = _groups(graph, node)
    channels, rows, columns, inputs = weights.shape
    bits = weights.dtype.bits
    p = conv_parameters(graph, node)
    rows_of_weights = in_quads(weights.data.reshape(channels, rows, columns * inputs))
    prepared = prepare(rows_of_weights, bias_of(graph, node, channels), p, optimize)
    prepared = joined(prepared, p, bits, groups)
    patches = PATCHES[optimize] if output.elements // channels >= PATCHES[optimize] else 2
    before = (operator.padding.top, operator.padding.left)
    return Lowered(
        symbol=f"smidgen_dsp_conv_{weights.dtype.value}_{prepared.variant}",
        shape_type="struct smidgen_dsp_conv_shape",
        shape={
            **window_fields(graph, node),
            "patches": patches,
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=blobs(prepared, p.input_zero_point, bits, groups),
        scratch_bytes=rows_of_weights.shape[1] * 2 * patches + columns * inputs,
        macs=output.elements * weights.elements // channels,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=overlap_of_pixels(x.shape, output.shape, operator.stride, before, patches)
        if groups == 1
        else None,
    )


KERNELS = (KernelSpec("dsp_conv", "conv", DSP, (Conv2D,), _refuse, _lower),)
