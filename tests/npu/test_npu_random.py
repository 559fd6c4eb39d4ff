"""100,000 random descriptors, a part of them illegal, on the whole neural engine against its model."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_lists import Checker, abort_and_check
from engine_bench import Bench, build

from smidgen.npu.descriptor import Engine

DESCRIPTORS = 12_500  # of each case


@pytest.fixture(scope="module", params=[8, 16])
def engine(request: pytest.FixtureRequest) -> Engine:
    return Engine(lanes=request.param, activation_bytes=4096, weight_bytes=4096)


@pytest.fixture(scope="module")
def program(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(engine, tmp_path_factory.mktemp(f"npu-random-{engine.lanes}"), "-O2")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_many_random_lists_do_what_the_model_does(program: Path, engine: Engine, part: int) -> None:
    bench = Bench(program, engine)
    checker = Checker(bench)
    done, seed = 0, part << 20
    while done < DESCRIPTORS:
        # Illegal ones in runs, because what the buffers hold must be loaded again after them.
        break_one = seed // 8 % 4 == 3
        done += checker.run(seed, 6 if break_one else 24, break_one)
        if seed % 64 == 0:
            abort_and_check(checker, seed)
        seed += 1
    bench.close()
