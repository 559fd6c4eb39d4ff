"""`smidgen compress --budget`: the bits it chooses, the evidence it leaves, budgets that cannot be met."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from float_graphs import LAYERS, float_model, float_samples

from smidgen.cli import main
from smidgen.exporters.tflite import save_tflite
from smidgen.graph.reference import run
from smidgen.importers import load_model

GRAPH = float_model()
RECIPE = """
steps = ["quantize", "reconstruct", "search"]
[data]
calibrate = 40
unseen = 60
[search]
evaluations = 5
samples = 40
[budget]
weights = "0.6x"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a model, data with and without labels, and a recipe; also the working directory."""
    save_tflite(GRAPH, tmp_path / "float.tflite")
    samples = float_samples(140)
    x = np.concatenate([sample[0] for sample in samples])
    np.savez(
        tmp_path / "data.npz", x=x, y=[int(run(GRAPH, sample).outputs[0].argmax()) for sample in samples]
    )
    np.savez(tmp_path / "unlabelled.npz", x=x)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def compress(*arguments: str, data: str = "data.npz", output: str = "out.tflite") -> int:
    options = ["-m", "float.tflite", "--data", data, "-o", output, "--workers", "1"]
    return main(["compress", *options, *arguments])


class Links(HTMLParser):
    """Everything that a page would load, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.loaded += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_search_leaves_a_model_under_its_budget_and_the_evidence(folder: Path, capsys) -> None:
    assert compress("--recipe", "recipe.toml", "--json", "out.json", "--report", "out.html") == 0
    content = json.loads((folder / "out.json").read_text())
    found = content["search"]
    chosen, limit = found["points"][found["chosen"]], found["limits"]["weights"]
    assert chosen["weight_bytes"] <= limit == pytest.approx(0.6 * found["points"][0]["weight_bytes"])
    allowed = [point for point in found["points"] if point["weight_bytes"] <= limit]
    assert chosen["right"] == max(point["right"] for point in allowed)
    graph = load_model(folder / "out.tflite")
    written = [graph.tensor(node.inputs[1]).dtype.bits for node in graph.nodes if len(node.inputs) == 3]
    assert written == chosen["bits"] == [layer["bits"] for layer in content["layers"] if layer["bits"]]
    assert len(found["noise_alone"]) == 3 * len(LAYERS) and len(found["points"]) == 5
    assert (content["calibrated"], content["chosen_on"], content["samples"]) == (40, 40, 60)
    assert "mcnemar_p" in content["accuracy"] and content["recipe"]["budgets"] == {"weights": "0.6x"}
    assert re.fullmatch("[0-9a-f]{64}", content["digests"]["data"])

    page = Links()
    page.feed((folder / "out.html").read_text())
    assert page.loaded == []
    text = " ".join(page.text)
    for words in ("McNemar's test", "chosen", "SHA-256", content["digests"]["model"], "95 %", "0.6x"):
        assert words in text
    assert "chosen" in capsys.readouterr().out

    # The state is found again: nothing is evaluated twice, and the bytes are the same.
    before = (folder / "out.tflite").read_bytes()
    assert compress("--recipe", "recipe.toml", output="again.tflite") == 0
    assert "measuring choices" not in capsys.readouterr().err
    assert (folder / "again.tflite").read_bytes() == before


@pytest.mark.parametrize(
    ("budgets", "data", "words"),
    [
        (["weights=100"], "data.npz", ("100 bytes cannot be met", "with the fewest bits it is 408 bytes")),
        (["accuracy=-1.0"], "unlabelled.npz", ("holds no labels", "budget on accuracy")),
    ],
)
def test_budget_that_cannot_be_met_is_refused(
    budgets: list[str], data: str, words: tuple[str, ...], folder: Path, capsys
) -> None:
    assert compress("--budget", *budgets, data=data) == 2
    errors = capsys.readouterr().err
    assert all(word in errors for word in words), errors
    assert not (folder / "out.tflite").exists()


def test_labels_beyond_the_models_outputs_are_refused(folder: Path, capsys) -> None:
    with np.load("data.npz") as arrays:
        np.savez("wrong.npz", x=arrays["x"], y=arrays["y"] + 1)
    assert compress(data="wrong.npz") == 2
    assert "the model has 5 outputs: labels are from 0 to 4" in capsys.readouterr().err
