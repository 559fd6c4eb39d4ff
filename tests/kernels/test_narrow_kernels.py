"""Portable kernels with 4- and 2-bit weights: byte for byte the reference's results, and small."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from kernel_harness import failures, lowered
from narrow_cases import FAMILIES, NARROW, cases_of

from smidgen.compile.kernels import COMPILE_FLAGS
from smidgen.compile.kernels.blocks import interleave_narrow
from smidgen.graph import DType
from smidgen.graph.operators import DepthwiseConv2D, TransposeConv2D

WIDTHS = pytest.mark.parametrize("dtype", NARROW, ids=lambda dtype: dtype.value)


@pytest.mark.parametrize("optimize", sorted(COMPILE_FLAGS))
@WIDTHS
@pytest.mark.parametrize("family", FAMILIES)
def test_narrow_kernels_equal_the_reference(family: str, dtype: DType, optimize: str, tmp_path: Path) -> None:
    wrong = failures(cases_of(family, dtype), optimize, tmp_path)
    again = f"KERNEL_CASE=<case number> python -m pytest '{__file__}' -k '{family} and {dtype.value}'"
    assert not wrong, f"{wrong}\nrun one case again: {again} and {optimize}"


@WIDTHS
def test_narrow_cases_reach_every_kernel(dtype: DType) -> None:
    called = {
        lowered(case, mode)[1].symbol
        for f in FAMILIES
        for case in cases_of(f, dtype)
        for mode in COMPILE_FLAGS
    }
    kinds = ("conv", "transpose_conv", "fully_connected", "depthwise_3x3_stride_1", "depthwise_3x3_stride_2")
    expected = {f"smidgen_{kind}_{dtype.value}_{variant}" for kind in kinds for variant in ("right", "wide")}
    assert called == expected | {f"smidgen_depthwise_{dtype.value}"}


@WIDTHS
@pytest.mark.parametrize("channels, depth", [(4, 2), (4, 5), (9, 3), (3, 17), (1, 1), (7, 16)])
def test_words_hold_every_weight_where_the_kernels_look(dtype: DType, channels: int, depth: int) -> None:
    bits = dtype.bits
    limit = 1 << (bits - 1)
    weights = np.random.default_rng(channels * depth).integers(-limit, limit, (channels, depth))
    words = [int(word) for word in interleave_narrow(weights, dtype)]

    def field(at: int, lowest_bit: int) -> int:
        return (words[at] >> lowest_bit) % (2 * limit) - limit

    at, depths = 0, 8 // bits
    for channel in range(channels - channels % 4):
        first = channel // 4 * -(-depth // depths)
        for k in range(depth):
            lowest = channel % 2 * 16 + (2 * (k % depths) + channel % 4 // 2) * bits
            assert field(first + k // depths, lowest) == weights[channel, k]
        at = first + -(-depth // depths)
    for channel in range(channels - channels % 4, channels):
        for k in range(depth):
            assert field(at + k * bits // 32, k * bits % 32) == weights[channel, k]
        at += -(-depth * bits // 32)
    assert at == len(words)


@WIDTHS
@pytest.mark.parametrize("family", FAMILIES)
def test_narrow_weights_are_stored_narrow(family: str, dtype: DType) -> None:
    """No more than what is left of each block's, row's or channel's last word or byte is lost."""
    for case in cases_of(family, dtype):
        weights = case.graph.tensor("weights")
        _, call = lowered(case, "speed")
        stored = next(blob.bytes for blob in call.blobs if blob.name == "weights")
        is_depthwise = isinstance(case.node.operator, DepthwiseConv2D)
        channels = weights.shape[3 if is_depthwise else 0]
        is_transposed = isinstance(case.node.operator, TransposeConv2D)
        parts = math.prod(case.node.operator.stride) if is_transposed else 1
        lost = channels + 4 if is_depthwise else 4 * channels * parts
        assert stored <= weights.elements * dtype.bits / 8 + lost, case.name
