"""The ONNX example runs, and loses next to nothing."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the example trains its last layer with scikit-learn")


def test_the_onnx_example_runs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(repository / "examples" / "onnx" / "digits.py"))
    assert example["main"]() == 0
    shares = [float(line.split("%")[0].split()[-1]) for line in capsys.readouterr().out.splitlines()]
    before, after, on_host = shares
    assert before > 94 and abs(before - after) < 1 and on_host > 90
