"""Output channels as firmware/kernels/dsp takes them, and weights in the order of product.h there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smidgen.compile.kernels import channels as portable
from smidgen.compile.kernels.channels import Channels
from smidgen.compile.schedule import Blob
from smidgen.graph.fixed_point import INT32_MAX, integer_range
from smidgen.graph.reference.conv import ConvParameters

BLOCK = 4  # channels
QUAD = 4  # depths
_ACCUMULATOR = 32  # bits
UNIT_MULTIPLIER = 0  # stands for 2^32


def prepare(weights: np.ndarray, bias: np.ndarray, p: ConvParameters, optimize: str) -> Channels:
    """As channels.prepare, with a variant of dsp.h: "clamped", "right", "bounded" or "wide".

    For size, layers share their code, unless one of them needs the widest.
    """
    channels = portable.prepare(weights, bias, p, "speed")
    rows, biases = channels.weights.astype(np.int64), channels.bias.astype(np.int64)
    low, high = portable.accumulators(rows, biases, p.input_zero_point)
    shift = channels.shift.astype(np.int64)
    largest = np.maximum(np.abs(low), np.abs(high)) << np.maximum(-shift, 0)
    reach = np.abs(2 * p.output_zero_point + 1) << np.maximum(shift, 0)  # of the rounding, twice
    if channels.multiplier.min() < 1 << 31 or np.any(largest + 1 + reach > INT32_MAX):
        return replace(channels, variant="wide")
    variant = variant_of(optimize, p.clamp, p.output_zero_point)
    return replace(channels, variant=variant if shift.min() > 0 else "bounded")


def variant_of(optimize: str, clamp: tuple[int, int], zero_point: int) -> str:
    """The variant of dsp.h for outputs clamped to this range, where none needs the widest."""
    if optimize == "size" or clamp != integer_range(8):
        return "bounded"
    return "clamped" if clamp[0] >= zero_point else "right"


def blocks_of(count: int, groups: int = 1) -> np.ndarray:
    """(blocks, 4): which of `count` channels are in each block, group by group; count: at least 4 of each."""
    of_one = count // groups
    first = np.minimum(np.arange(0, of_one, BLOCK), of_one - BLOCK)
    starts = (np.arange(groups)[:, None] * of_one + first).reshape(-1, 1)
    return starts + np.arange(BLOCK)


def in_quads(rows: np.ndarray) -> np.ndarray:
    """(channels, rows of the kernel, inputs of each) as (channels, depth), with zeros to fill up quads."""
    return np.pad(rows, ((0, 0), (0, 0), (0, -rows.shape[2] % QUAD))).reshape(len(rows), -1)


def joined(channels: Channels, p: ConvParameters, bits: int, groups: int = 1) -> Channels:
    """Channels whose products may be summed up together, or else in the variant "wide".

    A channel's sum shares its accumulator with those of the channels below it, so that its own may take
    fewer bits: see product.h.
    """
    if channels.variant == "wide":
        return channels
    weights, bias = channels.weights.astype(np.int64), channels.bias.astype(np.int64)
    low, high = portable.accumulators(weights, bias, p.input_zero_point)
    blocks, position = blocks_of(len(weights), groups), np.arange(BLOCK)
    largest, fits = np.maximum(np.abs(low), np.abs(high))[blocks], True
    if bits == 8:
        lost = position % 2 * 8
        fits = bool(np.all(weights[blocks[:, 1::2]] > -128))  # one less where the lower byte is negative
    else:
        lost = position * bits
        offset = np.where(position < BLOCK - 1, 1 << (bits - 1), 0)
        largest += offset * (weights.shape[1] * 128)
    if not fits or np.any(largest >= np.int64(1) << (_ACCUMULATOR - 1 - lost)):
        return replace(channels, variant="wide")
    return channels


def pack(weights: np.ndarray, bits: int, variant: str, groups: int = 1) -> np.ndarray:
    """(channels, depth), the depth in whole quads, as the words of product.h (uint32)."""
    count, depth = weights.shape
    # [block][channel][quad][which half][which pair], to be [block][quad][pair][channel][half]
    fields = weights.astype(np.int64)[blocks_of(count, groups)].reshape(-1, BLOCK, depth // QUAD, 2, 2)
    fields = fields.transpose(0, 2, 4, 1, 3)
    if bits == 8:
        lower, upper = fields[..., 0::2, :], fields[..., 1::2, :]
        halves = (lower & 0xFF if variant == "wide" else lower) + 256 * upper
    else:
        scale = np.int64(1) << np.arange(0, BLOCK * bits, bits)
        offset = np.where(np.arange(BLOCK) < BLOCK - 1, 1 << (bits - 1), 0)
        halves = ((fields + offset[:, None]) * scale[:, None]).sum(axis=3)
        if bits == 2:  # a byte for each pair
            halves = ((halves & 0xFF) * np.array([1, 256])[:, None]).sum(axis=2)
    halves = halves.reshape(-1, 2) & 0xFFFF
    return (halves[:, 0] | halves[:, 1] << 16).astype(np.uint32)


def kernel_shift(shift: np.ndarray | int, variant: str) -> np.ndarray | int:
    """Shifts to the right, as dsp.h has them for the variant."""
    return shift - (1 if variant in ("clamped", "right") else 0)


def blobs(channels: Channels, input_zero_point: int, bits: int, groups: int = 1) -> tuple[Blob, ...]:
    """Weights and parameters; the input's zero point goes into the bias."""
    blocks = blocks_of(len(channels.weights), groups)
    shift = kernel_shift(channels.shift, channels.variant)
    parameters = (channels.bias_of_inputs(input_zero_point), channels.multiplier, shift)
    in_blocks = [np.ascontiguousarray(values[blocks]).view("<u4") for values in parameters]
    return (
        Blob("weights", pack(channels.weights, bits, channels.variant, groups), "weights"),
        Blob("parameters", np.concatenate(in_blocks, axis=1).reshape(-1).astype(np.uint32), "requantization"),
    )


def refuse_form(count: int, rows: int, inputs: int, bits: int, groups: int = 1) -> str | None:
    """Why weights do not suit blocks and quads, or None: too few channels in a group, or too much to fill up,
    which may be a quarter and 512 bytes. rows, inputs: of the kernel, of each row."""
    if count < BLOCK:
        return f"it has {count} output channels{' per group' if groups > 1 else ''}, fewer than {BLOCK}"
    needed = groups * count * rows * inputs * bits // 8
    stored = groups * -(-count // BLOCK) * rows * -(-inputs // QUAD) * (BLOCK * QUAD * bits // 8)
    if stored <= needed + needed // 4 + 512:
        return None
    return f"its weights would take {stored:,} bytes in blocks of {BLOCK} channels, not {needed:,}"
