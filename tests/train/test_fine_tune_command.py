"""The step fine_tune of `smidgen compress`, as a recipe asks for it."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from train_graphs import float_classifier

from smidgen.cli import main
from smidgen.compress.batches import BatchReference
from smidgen.exporters.tflite import save_tflite
from smidgen.importers import load_model

GRAPH = float_classifier(0)
EPOCHS = 4
RECIPE = f"""
steps = ["quantize", "reconstruct", "fine_tune"]
seed = 3
[data]
source = "data.npz"
calibrate = 40
unseen = 60
[quantize]
bits = 4
[fine_tune]
epochs = {EPOCHS}
learning_rate = 0.002
"""
needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="training needs TensorFlow: pip install 'smidgen[train]'",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a model, data and a recipe."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path / "cache"))
    save_tflite(GRAPH, tmp_path / "float.tflite")
    save_data()
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path


def save_data(turned: int = 0, labelled: bool = True) -> None:
    """Samples with the float model's answers; labels of those to train on may be turned round."""
    x = np.random.default_rng(1).normal(0, 1, (228, 6, 6, 3)).astype(np.float32)
    answers = BatchReference(GRAPH).outputs([[sample[None]] for sample in x])[0].argmax(axis=1)
    answers[60:100] = (answers[60:100] + turned) % (answers.max() + 1)
    np.savez("data.npz", x=x, **({"y": answers} if labelled else {}))


def compress(output: str, *arguments: str) -> int:
    return main(["compress", "-m", "float.tflite", "--recipe", "recipe.toml", "-o", output, *arguments])


@needs_tensorflow
@pytest.mark.slow
def test_recipe_that_trains_gives_the_same_bytes_each_time_and_after_a_kill(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compress("one.tflite", "--json", "one.json", "--report", "one.html") == 0
    content = json.loads((folder / "one.json").read_text())
    assert content["recipe"]["steps"][-1] == "fine_tune" and content["samples"] == 60
    assert (content["calibrated"], content["chosen_on"]) == (40, 128)
    assert "128 to train on" in capsys.readouterr().out
    page = (folder / "one.html").read_text()
    assert "fine_tune" in page and content["digests"]["output"] in page and "McNemar" in page
    stored = load_model(folder / "one.tflite")
    assert {stored.tensor(n.inputs[1]).dtype.bits for n in stored.nodes if len(n.inputs) == 3} == {4}

    monkeypatch.setenv("SMIDGEN_CACHE", str(folder / "killed"))
    program = "import sys; from smidgen.cli import main; sys.exit(main(sys.argv[1:]))"
    line = ["compress", "-m", "float.tflite", "--recipe", "recipe.toml", "-o", "two.tflite"]
    process = subprocess.Popen([sys.executable, "-c", program, *line])
    while process.poll() is None and not epochs_done(folder / "killed"):
        time.sleep(0.005)
    assert process.poll() is None, "it ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < epochs_done(folder / "killed") < EPOCHS and not (folder / "two.tflite").exists()
    assert compress("two.tflite") == 0
    assert (folder / "one.tflite").read_bytes() == (folder / "two.tflite").read_bytes()

    # Nothing is left of it for other labels, which train another model.
    save_data(turned=1)
    assert compress("other.tflite") == 0
    assert (folder / "one.tflite").read_bytes() != (folder / "other.tflite").read_bytes()


def epochs_done(cache: Path) -> int:
    for path in (cache / "training").glob("*.npz"):
        with np.load(path) as stored:
            return int(stored["epochs"])
    return 0


@needs_tensorflow
@pytest.mark.slow
def test_without_labels_the_float_model_is_followed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_data(labelled=False)
    assert compress("out.tflite", "--json", "out.json") == 0
    captured = capsys.readouterr()
    assert "no labels 'y'" in captured.err and "accuracy" not in captured.out
    assert json.loads((folder / "out.json").read_text())["accuracy"] is None


def test_without_tensorflow_the_command_says_what_to_install_before_it_reads_anything(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorflow" else found(name)
    )
    (folder / "float.tflite").unlink()
    assert compress("out.tflite") == 2
    errors = capsys.readouterr().err
    assert errors.startswith("error: step fine_tune: TensorFlow is not installed")
    assert "pip install 'smidgen[train]'" in errors
