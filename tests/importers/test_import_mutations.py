"""Damaged models give a clear error or a correct model: no other exception, no hang, no memory growth.

A damaged file that is still imported is a model of its own; TensorFlow Lite Micro says what it computes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from import_cases import CASES, build
from import_oracle import differences
from model_mutations import MODELS, mutate, structure_bytes

from smidgen.errors import SmidgenError
from smidgen.importers import tflite

_WORKER = Path(__file__).with_name("import_worker.py")
_GROWTH_BYTES = 32 << 20
_PEAK_BYTES = 256 << 20
_FIRST_SLOW_SEED = 1_000_000


def _import_mutations(shared_data: Path, work: Path, first_seed: int, count: int) -> list[int]:
    """Import damaged models in a process under limits; the seeds of those that came in."""
    arguments = [str(shared_data / "mlperf_tiny"), str(work), str(first_seed), str(count)]
    done = subprocess.run(
        [sys.executable, str(_WORKER), *arguments], capture_output=True, text=True, timeout=60 + count
    )
    assert done.returncode == 0, f"the worker died: {done.stderr[-2000:]}"
    report = json.loads(done.stdout)
    assert report["wrong"] == [], "seeds and what they raised; one alone: import_worker.py ... SEED 1"
    assert report["grown_bytes"] < _GROWTH_BYTES
    assert report["peak_bytes"] < _PEAK_BYTES
    return report["accepted"]


def _expect_equal_to_oracle(shared_data: Path, work: Path, seeds: list[int]) -> None:
    originals = [(shared_data / "mlperf_tiny" / f"{name}_int8.tflite").read_bytes() for name in MODELS]
    structures = [structure_bytes(content) for content in originals]
    models = {}
    for seed in seeds:
        which = seed % len(MODELS)
        content = mutate(originals[which], structures[which], seed)
        models[seed] = (content, tflite.load(content, Path("model.tflite")))
    different, compared = differences(models, work)
    assert different == {}, "seeds whose imported model computes something else than the oracle"
    assert compared > len(seeds) // 2


def test_damaged_models_give_an_error_or_a_correct_model(shared_data: Path, tmp_path: Path) -> None:
    accepted = _import_mutations(shared_data, tmp_path, first_seed=0, count=500)
    assert 50 < len(accepted) < 450
    _expect_equal_to_oracle(shared_data, tmp_path, accepted[:40])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_20000_damaged_models_give_an_error_or_a_correct_model(
    part: int, shared_data: Path, tmp_path: Path
) -> None:
    accepted = _import_mutations(shared_data, tmp_path, _FIRST_SLOW_SEED + 4_000 * part, 4_000)
    assert len(accepted) > 400
    _expect_equal_to_oracle(shared_data, tmp_path, accepted[:: len(accepted) // 80])


# The oracle shifts int8 quotients far below one step by 32 bits and more, where C has no meaning;
# test_reference_quotients.py compares them where it has one.
_UNDEFINED = {("DIV", "int8")}
_SEEDS_PER_CASE = 1 << 20  # so that one number names both the case and the seed


def _expect_damaged_operators_equal(dtype: str, seeds: range, work: Path) -> None:
    models = {}
    for index, name in enumerate(CASES):
        content, _ = build(name, dtype)
        structure = structure_bytes(content)
        for seed in seeds:
            changed = mutate(content, structure, seed)
            try:
                graph = tflite.load(changed, Path("model.tflite"))
                if (name, dtype) not in _UNDEFINED:
                    models[index * _SEEDS_PER_CASE + seed] = (changed, graph)
            except SmidgenError as error:
                assert error.problems, f"{name}, seed {seed}"
    assert len(models) > len(seeds)
    different, compared = differences(models, work)
    names = list(CASES)
    assert {
        (names[number // _SEEDS_PER_CASE], number % _SEEDS_PER_CASE): what
        for number, what in different.items()
    } == {}
    assert compared > len(models) // 2


def test_damaged_operators_give_an_error_or_a_correct_model(tmp_path: Path) -> None:
    _expect_damaged_operators_equal("int8", range(20), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_many_damaged_operators_give_an_error_or_a_correct_model(dtype: str, tmp_path: Path) -> None:
    _expect_damaged_operators_equal(dtype, range(1400, 1800), tmp_path)
