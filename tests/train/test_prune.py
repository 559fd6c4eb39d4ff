"""Pruning with training: what matters stays, the shares are kept, and a recipe does it to the byte."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install 'smidgen[train]'")

from train_graphs import float_classifier

from smidgen.cli import main
from smidgen.compress.batches import BatchReference
from smidgen.compress.coupling import couple
from smidgen.compress.layers import weight_layers
from smidgen.compress.prune_channels import Rounds, Shares, remove_channels, size
from smidgen.errors import UsageError
from smidgen.exporters.tflite import save_tflite
from smidgen.graph import DType, Graph, Node, Tensor
from smidgen.graph.operators import Activation, Conv2D, Padding
from smidgen.importers import load_model
from smidgen.train.importance import importance
from smidgen.train.prune import prune
from smidgen.train.qat import Options, fine_tune

pytestmark = pytest.mark.slow
TEACHER = float_classifier(0)


def images(count: int, seed: int) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [[rng.normal(0, 1, (1, 6, 6, 3)).astype(np.float32)] for _ in range(count)]


KNOWN, UNSEEN = images(96, 1), images(200, 2)


def probabilities(graph: Graph) -> np.ndarray:
    return BatchReference(graph).outputs(UNSEEN)[0].astype(np.float64)


def test_importance_is_what_removing_costs() -> None:
    """The divergence of the answers after removing one set, beside half of its importance."""
    coupling = couple(TEACHER)
    weight = importance(TEACHER, coupling, images(1024, 3), classifies=True, seed=1)
    wanted = probabilities(TEACHER)
    sets = np.concatenate(coupling.families())
    costs = []
    for one in sets:
        chosen = np.arange(len(coupling.removable)) == one
        given = probabilities(remove_channels(TEACHER, coupling, chosen))
        costs.append(float((wanted * np.log(wanted / given)).sum(axis=-1).mean()))
    ranks = [np.argsort(np.argsort(values)) for values in (weight[sets], costs)]
    assert np.corrcoef(*ranks)[0, 1] > 0.6
    assert 0.2 < np.median(weight[sets] / 2 / np.array(costs)) < 5


def segmenter(seed: int) -> Graph:
    """Two convolutions, the second of which gives four numbers for each of 6 x 6 places."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Tensor] = {}

    def put(name: str, shape: tuple[int, ...], data: np.ndarray | None = None) -> str:
        tensors[name] = Tensor(
            name, shape, DType.F32, None, None if data is None else data.astype(np.float32)
        )
        return name

    def layer(name: str, operator: Conv2D, x: str, weights: tuple[int, ...]) -> Node:
        w = put(f"{name}.w", weights, rng.normal(0, 0.4, weights))
        b = put(f"{name}.b", weights[:1], rng.normal(0, 0.1, weights[0]))
        return Node(name, operator, (x, w, b), (put(f"{name}.y", (1, 6, 6, weights[0])),))

    put("x", (1, 6, 6, 3))
    first = Conv2D(padding=Padding(1, 1, 1, 1), activation=Activation.RELU)
    nodes = (layer("first", first, "x", (12, 3, 3, 3)), layer("second", Conv2D(), "first.y", (4, 1, 1, 12)))
    return Graph("segmenter", tensors, nodes, ("x",), ("second.y",))


def places(graph: Graph, samples: list) -> np.ndarray:
    return BatchReference(graph).outputs(samples)[0].argmax(axis=-1)


def test_pruned_networks_are_trained_on_maps_of_labels() -> None:
    """Half of the channels of a network whose other half says next to nothing."""
    graph = segmenter(0)
    reader = graph.tensor("second.w")
    data = reader.data * np.where(np.arange(12) % 2, 1e-3, 1.0).astype(np.float32)
    graph = replace(graph, tensors={**graph.tensors, "second.w": replace(reader, data=data)})
    labels = places(graph, KNOWN)
    labels[:, :2] = -1
    pruned = prune(graph, KNOWN, labels, Shares(0.55), Rounds(2, 1, 2, 16), seed=1)
    assert size(pruned).parameters <= 0.55 * size(graph).parameters
    assert [node.id for node in pruned.nodes] == ["first", "second"]
    assert (places(pruned, UNSEEN) == places(graph, UNSEEN)).mean() > 0.97


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((96, 6, 5), int), "labels have shape"),
        (np.full((96, 6, 6), 4), "labels run from 4 to 4, the model has 4 classes"),
        (np.full((96, 6, 6), -2), "labels run from -2"),
    ],
)
def test_maps_of_labels_that_do_not_fit_are_refused(labels: np.ndarray, words: str) -> None:
    graph = segmenter(0)
    with pytest.raises(UsageError, match=words):
        fine_tune(graph, graph, KNOWN, labels, epochs=1, seed=0)


def test_places_without_a_label_teach_nothing() -> None:
    graph, labels = segmenter(0), places(segmenter(1), KNOWN)
    options = Options(batch=16, distillation=0.0, learning_rate=1e-2)
    unknown = np.full_like(labels, -1)
    same = fine_tune(graph, graph, KNOWN, unknown, epochs=1, seed=0, options=options)
    for node in weight_layers(graph):
        name = node.inputs[1]
        np.testing.assert_allclose(same.tensor(name).data, graph.tensor(name).data, rtol=1e-5)
    trained = fine_tune(graph, graph, KNOWN, labels, epochs=12, seed=0, options=options)
    before, after = ((places(one, KNOWN) == labels).mean() for one in (graph, trained))
    assert after > before + 0.1


def test_a_recipe_prunes_to_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tflite(TEACHER, tmp_path / "float.tflite")
    answers = BatchReference(TEACHER).outputs(KNOWN)[0].argmax(axis=-1)
    np.savez(tmp_path / "data.npz", x=np.concatenate([sample[0] for sample in KNOWN]), y=answers)
    (tmp_path / "recipe.toml").write_text(
        'steps = ["prune", "equalize", "quantize", "reconstruct"]\n[data]\nsource = "data.npz"\n'
        "[prune]\nparameters = 0.6\noperations = 0.8\nrounds = 2\nepochs = 1\nlast_epochs = 1\nbatch = 16\n"
    )
    for run in "ab":
        monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path / run))
        files = [tmp_path / f"{run}.{suffix}" for suffix in ("tflite", "json", "html")]
        arguments = ["compress", "-m", tmp_path / "float.tflite", "--recipe", tmp_path / "recipe.toml"]
        arguments += ["-o", files[0], "--json", files[1], "--report", files[2]]
        assert main([str(argument) for argument in arguments]) == 0
    assert (tmp_path / "a.tflite").read_bytes() == (tmp_path / "b.tflite").read_bytes()
    before, after = json.loads((tmp_path / "a.json").read_text())["sizes"]
    assert after["parameters"] <= 0.6 * before["parameters"]
    assert after["operations"] <= 0.8 * before["operations"]
    assert size(load_model(tmp_path / "a.tflite")).parameters == after["parameters"]
    assert "parameters left" in (tmp_path / "a.html").read_text()


def test_shares_that_cannot_be_reached_are_refused_before_training() -> None:
    with pytest.raises(UsageError, match="cannot be reached by removing channels"):
        prune(TEACHER, KNOWN, None, Shares(0.001), Rounds(), seed=0)


@pytest.mark.parametrize(("balanced", "odds"), [(False, 1 / 9), (True, 1 / 3)])
def test_balanced_labels_count_by_the_root_of_their_share(balanced: bool, odds: float) -> None:
    """A network that sees nothing learns the odds of what it is told: label 1 at a tenth of all places."""
    graph = segmenter(0)
    black = [[np.zeros((1, 6, 6, 3), np.float32)]] * 32
    labels = np.zeros((32, 36), int)
    labels[:, ::10] = 1
    options = Options(batch=32, distillation=0.0, learning_rate=0.3, balanced=balanced)
    trained = fine_tune(graph, graph, black, labels.reshape(32, 6, 6), epochs=80, seed=0, options=options)
    logits = BatchReference(trained).outputs(black[:1])[0][0, 0, 0]
    share = (labels == 1).sum() / (labels == 0).sum()
    assert odds == pytest.approx(share if not balanced else share**0.5, abs=0.03)
    assert np.exp(logits[1] - logits[0]) == pytest.approx(odds, rel=0.25)
