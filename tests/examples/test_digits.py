"""The digits example: what is committed is small, right and works on the simulated core."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from smidgen.graph.reference import Reference
from smidgen.importers import load_model
from smidgen.run.inputs import load_inputs


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "examples" / "digits"


def test_the_committed_files_are_under_100_kb(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) < 100_000


def test_the_images_are_scikit_learns(folder: Path) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    known = {
        image.tobytes(): label for image, label in zip(*datasets.load_digits(return_X_y=True), strict=True)
    }
    data = np.load(folder / "digits_test.npz")
    for image, label in zip(data["x"], data["y"], strict=True):
        assert known[(image.astype(np.float64) * 16).reshape(-1).tobytes()] == label


def test_the_model_is_right_on_97_percent(folder: Path) -> None:
    graph = load_model(folder / "digits_int8.tflite")
    inputs = load_inputs(graph, folder / "digits_test.npz")
    reference = Reference(graph)
    answers = [int(reference.run(sample).outputs[0].argmax()) for sample in inputs.samples]
    assert float(np.mean(np.array(answers) == inputs.labels)) >= 0.97


def test_the_demo_runs(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = runpy.run_path(str(folder / "demo.py"))
    demo["main"].__globals__["SCORED"] = 10
    monkeypatch.setattr(sys, "argv", ["demo.py"])
    assert demo["main"]() == 0
    output = capsys.readouterr().out
    for words in ("it is a", "██", "conv2d_0", "accuracy", "arena", "What to try next"):
        assert words in output
    # Both cores side by side: cycles of a whole inference without and with Xmidge.
    (line,) = [line for line in output.splitlines() if "a whole inference" in line]
    macs, plain, fast = (int(text.replace(",", "")) for text in line.split()[3:6])
    assert macs == 59_648
    assert plain > 5 * fast > 0
