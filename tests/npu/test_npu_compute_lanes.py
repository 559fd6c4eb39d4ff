"""The engine's compute unit with 8 lanes, and at length with every form of its modules."""

from __future__ import annotations

import pytest
from compute_bench import Bench, bench_with
from compute_comparison import KINDS, compare_random

from smidgen.npu.descriptor import Descriptor

SEED = 4
CASES, MANY = 8, 80


@pytest.fixture(scope="module")
def eight_lanes(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench_with(8, "simulator", tmp_path_factory)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_random_descriptors_with_eight_lanes(eight_lanes: Bench, kind: type[Descriptor]) -> None:
    compare_random(eight_lanes, kind, CASES, SEED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lanes", "variant"), [(8, "portable"), (16, "ecp5"), (8, "simulator"), (16, "simulator")]
)
def test_many_descriptors(lanes: int, variant: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Arithmetic as written, bit by bit, and as the ECP5 flow has it, on fewer."""
    bench = bench_with(lanes, variant, tmp_path_factory)
    for kind in KINDS:
        compare_random(bench, kind, MANY if variant == "simulator" else MANY // 5, SEED + 1)
