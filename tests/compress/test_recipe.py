"""Recipes are read strictly, and what they say is what is done."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from float_graphs import float_model, float_samples

from smidgen.cli import main
from smidgen.compress.prune_channels import Rounds, Shares
from smidgen.errors import UsageError
from smidgen.exporters.tflite import save_tflite
from smidgen.graph.reference import run
from smidgen.importers import load_model
from smidgen.run.recipe import read_recipe

GRAPH = float_model()
FULL = """
steps = ["prune", "quantize", "reconstruct", "search", "fine_tune"]
target = "midge"
optimize = "size"
seed = 7
[data]
source = "pictures"
labels = "names.csv"
classes = ["cat", "dog"]
scale = 1
offset = -0.5
calibrate = 100
unseen = 200
[prune]
parameters = 0.25
operations = 0.5
multiple = 4
rounds = 3
epochs = 1
last_epochs = 5
batch = 16
learning_rate = 0.002
balanced = true
[quantize]
ranges = "kl"
[search]
evaluations = 12
samples = 300
[budget]
accuracy = -1.0
cycles = "0.5x"
flash = "64K"
[fine_tune]
epochs = 2
learning_rate = 0.001
"""


def written(folder: Path, text: str) -> Path:
    (folder / "recipe.toml").write_text(text)
    return folder / "recipe.toml"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_tflite(GRAPH, tmp_path / "float.tflite")
    return tmp_path / "float.tflite"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    samples = float_samples(60)
    labels = [int(run(GRAPH, sample).outputs[0].argmax()) for sample in samples]
    np.savez(tmp_path / "data.npz", x=np.concatenate([sample[0] for sample in samples]), y=labels)
    return tmp_path / "data.npz"


def test_every_key_arrives(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, FULL))
    assert recipe.steps == ("prune", "quantize", "reconstruct", "search", "fine_tune")
    assert (recipe.target, recipe.optimize, recipe.seed, recipe.ranges) == ("midge", "size", 7, "kl")
    assert (recipe.calibrate, recipe.unseen, recipe.evaluations, recipe.samples) == (100, 200, 12, 300)
    assert (recipe.epochs, recipe.learning_rate) == (2, 0.001)
    assert (recipe.shares, recipe.rounds) == (Shares(0.25, 0.5, 4), Rounds(3, 1, 5, 16, 0.002, True))
    assert {budget.name: budget.text for budget in recipe.budgets} == {
        "accuracy": "-1.0", "cycles": "0.5x", "flash": "64K"
    }  # fmt: skip
    assert recipe.data is not None
    assert Path(recipe.data.source) == tmp_path / "pictures" and recipe.data.labels == tmp_path / "names.csv"
    assert (recipe.data.scale, recipe.data.offset, recipe.data.classes) == (1.0, -0.5, ("cat", "dog"))
    assert json.loads(json.dumps(recipe.to_json()))["budgets"]["flash"] == "64K"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("step = []", ("'step' is not known", "did you mean 'steps'")),
        ('steps = ["shrink"]', ("'steps' names 'shrink'", "fine_tune")),
        ('steps = ["prune", "quantize"]', ("'prune' is missing", "parameters = 0.5")),
        ('steps = ["prune", "quantize"]\n[prune]\nparameters = 1.5', ("'prune'", "'parameters' is 1.5")),
        ('steps = ["prune", "quantize"]\n[prune]\nrounds = 3', ("'prune'", "nothing is to be removed")),
        ('steps = ["quantize", "prune"]\n[prune]\nparameters = 0.5', ("'steps' are not in an order",)),
        ("[prune]\nparameters = 0.5", ("'prune' is set, but 'steps' leaves it out",)),
        ('steps = ["reconstruct", "quantize"]', ("'steps' are not in an order", "quantize, reconstruct")),
        ('steps = ["equalize", "quantize", "search"]', ("'equalize' before the bits are known",)),
        ('steps = ["equalize"]', ("'steps' leaves out 'quantize'",)),
        ("[quantize]\nbits = 3", ("'quantize.bits' is 3", "8, 4, 2")),
        ('[quantize]\nbits = "4"', ("'quantize.bits' must be a whole number",)),
        ("[quantize.layers]\nconv = 5", ("'quantize.layers.conv' is 5",)),
        ("[search]\nevaluations = 3", ("'search' is set, but 'steps' leaves it out",)),
        ("[budget]\nram = 3", ("'budget' limits nothing",)),
        ("[data]\nscale = true", ("'data.scale' must be a number",)),
        ("[data]\nsorce = 'x.npz'", ("'data.sorce' is not known", "did you mean 'source'")),
        ("seed = -1", ("'seed' must be a whole number of 0 or more",)),
        (
            'steps = ["quantize", "fine_tune"]\n[fine_tune]\nlearning_rate = 0',
            ("'fine_tune.learning_rate' is 0",),
        ),
        ('steps = ["quantize", "fine_tune"]\n[fine_tune]\nepochs = 0', ("'fine_tune.epochs' is 0",)),
        ("seed = = 1", ("is not valid TOML",)),
        ('steps = ["quantize", "search"]\n[budget]\nspeed = 3\nram = "x"', ("'speed=3'", "'ram=x'")),
        ('steps = ["quantize", "search"]\n[quantize]\nbits = 4', ("which the step 'search' is to find",)),
    ],
)
def test_what_is_wrong_is_named(text: str, words: tuple[str, ...], tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    assert all(word in str(caught.value) for word in (*words, str(path))), str(caught.value)


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_recipe(written(tmp_path, "colour = 1\nseed = 'x'\n[quantize]\nbits = 3\nranges = 'best'"))
    assert len(caught.value.problems) == 4


def test_recipe_gives_the_same_bytes_each_time(model: Path, data: Path, tmp_path: Path) -> None:
    recipe = written(
        tmp_path, '[data]\nsource = "data.npz"\ncalibrate = 30\n[quantize]\n[quantize.layers]\nconv2d_0 = 2\n'
    )
    outputs = [tmp_path / "one.tflite", tmp_path / "two.tflite"]
    report = tmp_path / "report.json"
    for output in outputs:
        code = main(
            ["compress", "-m", str(model), "--recipe", str(recipe), "-o", str(output), "--json", str(report)]
        )
        assert code == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    graph = load_model(outputs[0])
    bits = {node.id: graph.tensor(node.inputs[1]).dtype.bits for node in graph.nodes if len(node.inputs) == 3}
    assert bits.pop("conv2d_0") == 2 and set(bits.values()) == {8}
    content = json.loads(report.read_text())
    assert content["recipe"]["layers"] == {"conv2d_0": 2}
    assert {len(digest) for digest in content["digests"].values()} == {64}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--recipe", "RECIPE", "--bits", "4"), ("--bits", "is the recipe's business")),
        (("--bits", "4", "--budget", "weights=0.5x"), ("--bits", "nothing to choose for --budget")),
        (("--budget", "cycles=0.5x"), ("only a target can tell", "-t")),
        (("--budget", "speed=1"), ("'speed=1' is no budget",)),
        (("--bits", "4", "-t", "host"), ("counts neither cycles nor instructions",)),
    ],
)
def test_options_that_contradict_are_refused(
    arguments: tuple[str, ...], words: tuple[str, ...], model: Path, data: Path, tmp_path: Path, capsys
) -> None:
    recipe = written(tmp_path, "seed = 1")
    given = [str(recipe) if argument == "RECIPE" else argument for argument in arguments]
    output = tmp_path / "out.tflite"
    code = main(["compress", "-m", str(model), "--data", str(data), "-o", str(output), *given])
    errors = capsys.readouterr().err
    assert code == 2 and all(word in errors for word in words), errors
    assert not output.exists()
