"""Kernels of firmware/kernels/dsp/conv.h."""

from __future__ import annotations

from smidgen.compile.kernels.common import bias_of, constant_operands, output_fields, refuse_layer
from smidgen.compile.kernels.dsp import DSP
from smidgen.compile.kernels.dsp.packing import QUAD, blobs, joined, prepare, refuse_form
from smidgen.compile.kernels.overlap import overlap_of_pixels
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D, Padding
from smidgen.graph.reference.conv import conv_parameters

PATCHES = 2


def _sizes(graph: Graph, node: Node) -> tuple[int, int, int]:
    """(groups, output channels of each, inputs to each)"""
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    groups = x.shape[3] // weights.shape[3]
    return groups, weights.shape[0] // groups, weights.elements // weights.shape[0]


def _refuse(graph: Graph, node: Node) -> str | None:
    groups, outputs, depth = _sizes(graph, node)
    bits = graph.tensor(node.inputs[1]).dtype.bits
    return refuse_layer(graph, node) or refuse_form(outputs, depth, bits, groups)


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    operator: Conv2D = node.operator
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    output = graph.tensor(node.outputs[0])
    groups, outputs, depth = _sizes(graph, node)
    bits, channels = weights.dtype.bits, weights.shape[0]
    p = conv_parameters(graph, node)
    bias = bias_of(graph, node, channels)
    prepared = joined(prepare(weights.data.reshape(channels, depth), bias, p, optimize), p, bits, groups)
    whole = weights.shape[1:3] == (1, 1) and operator.padding == Padding()
    before = (operator.padding.top, operator.padding.left)
    return Lowered(
        symbol=f"smidgen_dsp_conv_{weights.dtype.value}_{prepared.variant}",
        shape_type="struct smidgen_dsp_conv_shape",
        shape={
            "batches": x.shape[0],
            "input_height": x.shape[1],
            "input_width": x.shape[2],
            "input_channels": x.shape[3],
            "output_height": output.shape[1],
            "output_width": output.shape[2],
            "output_channels": channels,
            "groups": groups,
            "group_inputs": weights.shape[3],
            "group_outputs": outputs,
            "kernel_height": weights.shape[1],
            "kernel_width": weights.shape[2],
            "stride_height": operator.stride[0],
            "stride_width": operator.stride[1],
            "dilation_height": operator.dilation[0],
            "dilation_width": operator.dilation[1],
            "pad_top": operator.padding.top,
            "pad_left": operator.padding.left,
            "whole": int(whole),
            "input_zero_point": p.input_zero_point,
            **output_fields(p),
        },
        reads=node.inputs[:1],
        blobs=blobs(prepared, p.input_zero_point, bits, groups),
        scratch_bytes=-(-depth // QUAD) * 2 * QUAD * PATCHES + (0 if whole else depth),
        macs=output.elements * depth,
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        overlap=overlap_of_pixels(x.shape, output.shape, operator.stride, before, PATCHES)
        if groups == 1
        else None,
    )


KERNELS = (KernelSpec("dsp_conv", "conv", DSP, (Conv2D,), _refuse, _lower),)
