"""What Xmidge does four channels or values at a time equals the reference byte for byte (emulated)."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_cases import cases_of
from kernel_device import run_on_midge
from kernel_harness import calls_of, failures, half_of
from midge_lane_cases import clamps, depthwise, means, pairs, pools
from narrow_cases import NARROW, narrowed

from smidgen.compile.kernels.midge.cost import LEAST_MACS_PER_CYCLE
from smidgen.compile.kernels.midge.pool import WEIGHT, mean_scale
from smidgen.graph import DType
from smidgen.graph.operators import DepthwiseConv2D

# What the cases are, and whether the kernels take tensors at any address.
FAMILIES = {
    "depthwise": (lambda: [*_random_depthwise(), *depthwise()], True),
    "pool": (lambda: [*cases_of("pool"), *pools()], False),
    "reduce": (lambda: [*cases_of("reduce"), *means()], True),
    "elementwise": (lambda: [*cases_of("elementwise"), *pairs()], False),
    "activation": (lambda: [*cases_of("activation"), *clamps()], False),
}


def _random_depthwise():
    for made in cases_of("conv"):
        if isinstance(made.node.operator, DepthwiseConv2D):
            yield made
            yield from (narrowed(made, dtype) for dtype in NARROW)


# The small variants of depthwise compile for long; which there are and what they pack is tested fast.
HOST = [
    pytest.param(family, optimize, marks=[pytest.mark.slow] * ((family, optimize) == ("depthwise", "size")))
    for family in FAMILIES
    for optimize in ("speed", "size")
]


@pytest.mark.parametrize(("family", "optimize"), HOST)
def test_kernels_equal_the_reference(family: str, optimize: str, tmp_path: Path) -> None:
    cases, misalign = FAMILIES[family]
    wrong = failures(cases(), optimize, tmp_path, "midge", misalign)
    again = f"KERNEL_CASE=<case number> python -m pytest '{Path(__file__).name}' -k '{family} and {optimize}'"
    assert not wrong, f"{wrong}\nrun one case again: {again}"


@pytest.mark.slow
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_equal_the_reference_on_the_core(family: str, optimize: str, tmp_path: Path) -> None:
    cases, misalign = FAMILIES[family]
    outcomes = run_on_midge(
        calls_of(half_of(cases(), optimize), optimize, "midge"), optimize, tmp_path, misalign
    )
    wrong = [f"{outcome.call.name}: {outcome.wrong} bytes" for outcome in outcomes if outcome.wrong]
    assert not wrong, "\n".join(wrong)


def test_every_depthwise_convolution_has_a_kernel() -> None:
    for made in [*_random_depthwise(), *depthwise()]:
        assert calls_of([made], "speed", "midge"), made.name


def test_the_cases_reach_every_depthwise_kernel() -> None:
    calls = [call for optimize in ("speed", "size") for call in calls_of([*depthwise()], optimize, "midge")]
    symbols = {call.lowered.symbol for call in calls if call.spec.family == "depthwise"}
    sliding = {"short", *(str(groups) for groups in (1, 2, 3, 4)), *(f"copies_{groups}" for groups in (1, 2))}
    by_taps = {f"{way}_{groups}" for way in ("taps", "inside") for groups in (1, 2, 3)}
    points = {f"points_{groups}" for groups in (1, 2, 3, 4)}
    kinds = {f"{kind}{width}" for kind in (*sliding, *by_taps, *points) for width in ("", "_narrow")}
    assert symbols == {f"smidgen_midge_depthwise_{kind}" for kind in kinds}


def test_narrow_weights_that_few_windows_share_lie_in_flash_as_bytes() -> None:
    """Where it pays, and only where speed matters more than flash."""
    widened = {"speed": 0, "size": 0}
    for optimize in widened:
        for call in calls_of([*depthwise()], optimize, "midge"):
            lowered = call.lowered
            if call.spec.family != "depthwise" or call.case.graph.tensor("weights").dtype is DType.I8:
                continue
            assert lowered.cost is not None
            is_slow = lowered.macs < LEAST_MACS_PER_CYCLE * lowered.cost.cycles
            assert optimize == "size" or not is_slow or lowered.shape["weight_bits"] == 8, call.name
            widened[optimize] += lowered.shape["weight_bits"] == 8
    assert widened["speed"] > widened["size"] == 0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9, 25, 49, 64, 100, 125, 1000, 4096, 8191])
def test_means_are_rounded_as_by_division(count: int) -> None:
    """The compiler tries every sum against the reference; here ties and ends, in other words."""
    scale = mean_scale(count)
    assert scale is not None
    multiplier, shift = scale
    assert 0 <= multiplier < 1 << 32 and 0 <= shift < 32
    for total in {*range(-600, 600), *range(-128 * count, -127 * count), *range(126 * count, 127 * count)}:
        if -128 * count <= total <= 127 * count:
            high = (
                abs(total) * WEIGHT * multiplier + (1 << 31)
            ) >> 32  # no ties here, so signs do not matter
            mean = (high + (1 << shift >> 1)) >> shift
            assert mean == (2 * abs(total) + count) // (2 * count), total


def test_narrow_weights_take_a_half_and_a_quarter_of_the_bytes() -> None:
    sizes: dict[tuple[str, ...], list[int]] = {}
    for made in depthwise():
        for call in calls_of([made], "size", "midge"):
            if call.spec.family != "depthwise":
                continue
            weights, _, walk = call.lowered.blobs
            shape = made.name.removesuffix(" i4").removesuffix(" i2")
            symbol = call.lowered.symbol.removesuffix("_narrow")
            sizes.setdefault((shape, symbol, str(walk.data)), []).append(weights.bytes)
    # Where unpacking costs more than another walk saves, the walks differ.
    alike = [of_one_walk for of_one_walk in sizes.values() if len(of_one_walk) == 3]
    assert len(alike) > len(sizes) / 2
    for whole, half, quarter in alike:
        assert whole == 2 * half == 4 * quarter
