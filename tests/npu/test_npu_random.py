"""The whole neural engine against its model on 100,000 random descriptors, a part of them illegal, and on the
compiler's lists for several nodes."""

from __future__ import annotations

from pathlib import Path

import npu_layers
import numpy as np
import pytest
from check_lists import Checker, abort_and_check
from engine_bench import DONE, STATUS, Bench, Stalls, build
from joined_graphs import calls, random_graph
from npu_lists import LIST_AT

from smidgen.npu.descriptor import Engine

DESCRIPTORS = 12_500  # of each case
GRAPHS = 12


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


@pytest.mark.slow
def test_lists_for_several_nodes_equal_the_reference(program: Path, engine: Engine) -> None:
    """With a memory that stalls."""
    bench = Bench(program, engine)
    joined = 0
    for seed in range(GRAPHS):
        random = np.random.default_rng(seed)
        graph = random_graph(seed)

        def do(words: np.ndarray, memory: np.ndarray, bases: list[int], random=random) -> np.ndarray:
            assert len(memory) <= LIST_AT
            bench.stall(Stalls.random(random))
            bench.write(0, memory)
            bench.start(words, LIST_AT, bases)
            bench.wait(10_000_000)
            assert (bench.get(STATUS), bench.error()) == (DONE, (0, 0))
            return bench.read(0, len(memory))

        for call in calls(graph, engine, npu_layers.random_inputs(random, graph)):
            joined += len(call.call.nodes) > 1
            call.check(do)
    bench.close()
    assert joined >= GRAPHS // 2
