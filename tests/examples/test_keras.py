"""The Keras example runs on the host and on the simulated core, and loses next to nothing."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_the_keras_example_runs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorflow", reason="the example trains a model: pip install -e '.[train]'")
    pytest.importorskip("sklearn", reason="the example reads scikit-learn's digits")
    example = runpy.run_path(str(repository / "examples" / "keras" / "digits.py"))
    assert example["main"]() == 0
    lines = capsys.readouterr().out.splitlines()
    before, after, on_host, on_core = (float(line.split("%")[0].split()[-1]) for line in lines)
    assert before > 94 and abs(before - after) < 1
    assert on_host > 90 and on_core >= 80
    assert lines[-1].startswith("midge: ")
