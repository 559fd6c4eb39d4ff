"""Output channels as firmware/kernels/dsp takes them, and weights in the order of product.h there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from smidgen.compile.kernels import channels as portable
from smidgen.compile.kernels.channels import Channels
from smidgen.compile.schedule import Blob
from smidgen.graph.fixed_point import integer_range
from smidgen.graph.reference.conv import ConvParameters

BLOCK = 4  # channels
QUAD = 4  # depths
_ACCUMULATOR = 32  # bits


def prepare(weights: np.ndarray, bias: np.ndarray, p: ConvParameters, optimize: str) -> Channels:
    """As channels.prepare, with a variant of dsp.h: "clamped", "right", "bounded" or "wide".

    For size, layers share their code, unless one of them needs the widest.
    """
    channels = portable.prepare(weights, bias, p, "speed")
    if channels.variant == "wide" or channels.shift.min() < 1 or channels.multiplier.min() < 1 << 31:
        return replace(channels, variant="wide")
    if optimize == "size" or p.clamp != integer_range(8):
        return replace(channels, variant="bounded")
    return channels


def joined(channels: Channels, p: ConvParameters, bits: int, groups: int = 1) -> Channels:
    """Channels whose products may be summed up together, or else in the variant "wide".

    A channel's sum shares its accumulator with those of the channels below it, so that its own may take
    fewer bits: see product.h.
    """
    if channels.variant == "wide":
        return channels
    weights, bias = channels.weights.astype(np.int64), channels.bias.astype(np.int64)
    low, high = portable.accumulators(weights, bias, p.input_zero_point)
    position = np.arange(len(weights)) % (len(weights) // groups) % BLOCK
    if bits == 8:
        lost = np.where(position % 2 == 1, 8, 0)
        upper = np.where(position[:, None] % 2 == 1, weights, 0)
        fits = bool(np.all(upper > -128))  # one less where the lower byte is negative
    else:
        lost = position * bits
        offset = np.where(position < BLOCK - 1, 1 << (bits - 1), 0) * weights.shape[1] * 128
        low, high, fits = low - offset, high + offset, True
    limit = np.int64(1) << (_ACCUMULATOR - 1 - lost)
    if not fits or np.any(np.maximum(np.abs(low), np.abs(high)) >= limit):
        return replace(channels, variant="wide")
    return channels


def pack(weights: np.ndarray, bits: int, variant: str) -> np.ndarray:
    """(channels, depth) as the words of product.h (uint32)."""
    count, depth = weights.shape
    padded = np.pad(weights.astype(np.int64), ((0, -count % BLOCK), (0, -depth % QUAD)))
    # [block][channel][quad][which half][which pair], to be [block][quad][pair][channel][half]
    fields = padded.reshape(-1, BLOCK, padded.shape[1] // QUAD, 2, 2).transpose(0, 2, 4, 1, 3)
    scale = np.int64(1) << np.arange(0, BLOCK * bits, bits)
    if bits == 8:
        lower, upper = fields[..., 0::2, :], fields[..., 1::2, :]
        halves = (lower & 0xFF) + 256 * upper if variant == "wide" else lower + 256 * upper
    else:
        offset = np.where(np.arange(BLOCK) < BLOCK - 1, 1 << (bits - 1), 0)
        halves = ((fields + offset[:, None]) * scale[:, None]).sum(axis=3)
        if bits == 2:  # a byte for each pair
            halves = (halves & 0xFF) * (np.int64(1) << np.array([0, 8]))[:, None]
            halves = halves.sum(axis=2)
    halves = halves.reshape(-1, 2) & 0xFFFF
    return (halves[:, 0] | halves[:, 1] << 16).astype(np.uint32)


def packed_bytes(count: int, depth: int, bits: int) -> int:
    """Bytes of the weights of `count` channels."""
    return -(-count // BLOCK) * -(-depth // QUAD) * (BLOCK * QUAD * bits // 8)


def blobs(channels: Channels, input_zero_point: int, bits: int, groups: int = 1) -> tuple[Blob, ...]:
    """Weights, bias, multiplier and shift; the input's zero point goes into the bias."""
    rows: Sequence[np.ndarray] = channels.weights.reshape(groups, -1, channels.weights.shape[1])
    return (
        Blob("weights", np.concatenate([pack(row, bits, channels.variant) for row in rows]), "weights"),
        Blob("bias", channels.bias_of_inputs(input_zero_point), "bias"),
        *channels.requantization,
    )


def refuse_padding(count: int, depth: int, bits: int, groups: int = 1) -> str | None:
    """Why filling up blocks and quads would cost too much, or None: no more than a quarter and 512 bytes."""
    needed, stored = groups * count * depth * bits // 8, groups * packed_bytes(count, depth, bits)
    if stored <= needed + needed // 4 + 512:
        return None
    return f"its weights would take {stored:,} bytes in blocks of {BLOCK} channels, not {needed:,}"
