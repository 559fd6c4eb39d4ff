"""Output channels as firmware/kernels/thumb takes them, and weights in the order of product.h there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.compile.kernels import channels as portable
from smidgen.compile.kernels.channels import Channels
from smidgen.compile.kernels.common import refuse_layer
from smidgen.compile.kernels.dsp import packing as dsp
from smidgen.compile.schedule import Blob
from smidgen.graph import DType, Graph, Node
from smidgen.graph.fixed_point import INT32_MAX
from smidgen.graph.reference.conv import ConvParameters

BLOCK = 4  # channels
WORD = 4  # bytes
_OFFSET = 128  # by which weights are stored above their value
_PLACES = 11  # upper bits of a multiplier that ARMv6-M multiplies by last


def refuse(graph: Graph, node: Node) -> str | None:
    """Why a convolution or matrix product is not int8 throughout, or None when it is."""
    reason = refuse_layer(graph, node)
    weights = graph.tensor(node.inputs[1])
    if reason is None and weights.dtype is not DType.I8:
        return f"its weights '{weights.name}' are {weights.dtype.value}, not i8"
    return reason


def refuse_blocks(channels: int, depth: int, groups: int = 1) -> str | None:
    """Why output channels of each group do not suit blocks of 4, or None: too few, or too much to fill up,
    which may be a quarter and 512 bytes."""
    if channels < BLOCK:
        return f"it has {channels} output channels{' per group' if groups > 1 else ''}, fewer than {BLOCK}"
    needed, filled = groups * channels * depth, groups * (-channels % BLOCK) * depth
    if filled > needed // 4 + 512:
        return f"its weights would take {filled:,} bytes more than {needed:,} in blocks of {BLOCK} channels"
    return None


def prepare(weights: np.ndarray, bias: np.ndarray, p: ConvParameters, optimize: str) -> Channels:
    """As channels.prepare, with a variant of thumb.h: "clamped", "right", "bounded" or "wide".

    For size, layers share their code, unless one of them needs the widest.
    """
    channels = portable.prepare(weights, bias, p, "speed")
    rows, biases = channels.weights.astype(np.int64), channels.bias.astype(np.int64)
    low, high = portable.accumulators(rows, biases, p.input_zero_point)
    largest = np.maximum(np.abs(low), np.abs(high)) << _PLACES
    places = np.clip(channels.shift.astype(np.int64) + _PLACES - 1, 0, 31)
    zero_point = np.abs(2 * p.output_zero_point + 1) << places
    if channels.shift.min() < 1 or np.any(largest + zero_point + (2 << _PLACES) > INT32_MAX):
        return replace(channels, variant="wide")
    return replace(channels, variant=dsp.variant_of(optimize, p.clamp, p.output_zero_point))


def blobs(channels: Channels, input_zero_point: int, groups: int = 1) -> tuple[Blob, ...]:
    """Weights and parameters; the input's zero point goes into the bias."""
    blocks = dsp.blocks_of(len(channels.weights), groups)
    weights = (channels.weights.astype(np.int64) + _OFFSET).astype(np.uint8).view(np.int8)[blocks]
    values = (channels.bias_of_inputs(input_zero_point), channels.multiplier, channels.shift)
    parameters = [np.ascontiguousarray(one[blocks]).view("<u4") for one in values]
    return (
        Blob("weights", np.ascontiguousarray(weights.transpose(0, 2, 1)).reshape(-1), "weights"),
        Blob(
            "parameters", np.concatenate(parameters, axis=1).reshape(-1).astype(np.uint32), "requantization"
        ),
    )
