"""ONNX's own tests of the operators that are claimed: at least 90 % pass, and no other is anything but
refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from smidgen.importers import onnx as importer

SEED = 5
LEAST = 0.9
NOT_IN_FLOAT32 = {"DequantizeLinear", "QuantizeLinear", "ReduceLogSumExp", "Xor"}


@pytest.fixture(autouse=True)
def importable(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository))


def _expect(names: list[str] | None) -> list:
    from benchmarks.onnx_nodes import outcomes, summary

    found = list(outcomes(names))
    passed = [one for one in found if one.passed]
    assert not [one for one in found if one.wrong], summary(found)
    assert len(passed) >= LEAST * len(found), summary(found)
    return found


def test_a_third_of_the_node_tests_pass() -> None:
    from benchmarks.onnx_nodes import modules

    claimed = {name.lower() for name in importer.SUPPORTED}
    own = [name for name in modules() if name.replace("_", "") in claimed]
    found = _expect(random.Random(SEED).sample(own, len(own) // 3))
    assert len(found) > 100


@pytest.mark.slow
def test_the_node_tests_pass_and_every_operator_has_one() -> None:
    found = _expect(None)
    assert len(found) > 500
    passing = {name for one in found if one.passed for name in one.operators}
    # ONNX tests these in other types only: test_onnx_operators.py and test_onnx_qdq.py have them.
    assert {*importer.SUPPORTED} - passing == NOT_IN_FLOAT32
