"""Kernels of firmware/kernels/thumb/conv.h."""

from __future__ import annotations

from dataclasses import replace

from smidgen.compile.kernels import conv as portable
from smidgen.compile.kernels.common import bias_of
from smidgen.compile.kernels.overlap import overlap_of_pixels
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.kernels.thumb import THUMB
from smidgen.compile.kernels.thumb.packing import WORD, blobs, prepare, refuse, refuse_blocks
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Conv2D
from smidgen.graph.reference.conv import conv_parameters

PATCHES = 4  # that are gathered at a time


def _refuse(graph: Graph, node: Node) -> str | None:
    x, weights = graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1])
    groups, channels = x.shape[3] // weights.shape[3], weights.shape[0]
    return refuse(graph, node) or refuse_blocks(channels // groups, weights.elements // channels, groups)


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    """The portable kernel's form, with other weights and scratch."""
    form = portable.lower_conv(graph, node, optimize)
    x, weights, output = (graph.tensor(name) for name in (*node.inputs[:2], node.outputs[0]))
    channels = weights.shape[0]
    depth = weights.elements // channels
    p = conv_parameters(graph, node)
    prepared = prepare(weights.data.reshape(channels, depth), bias_of(graph, node, channels), p, optimize)
    pixels = output.elements // channels
    patches = PATCHES if pixels >= PATCHES else max(pixels // 2 * 2, 1)
    groups = form.shape["groups"]
    before = (form.shape["pad_top"], form.shape["pad_left"])
    overlap = overlap_of_pixels(x.shape, output.shape, node.operator.stride, before, patches)
    return replace(
        form,
        symbol=f"smidgen_thumb_conv_{prepared.variant}",
        shape={**form.shape, "patches": patches},
        blobs=blobs(prepared, p.input_zero_point, groups),
        scratch_bytes=WORD * patches * depth + depth,
        overlap=overlap if groups == 1 else None,
    )


KERNELS = (KernelSpec("thumb_conv", "conv", THUMB, (Conv2D,), _refuse, _lower),)
