"""`smidgen compress` as a user runs it: a file that others run too, the evidence, and clear refusals."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from float_graphs import LAYERS, float_model, float_samples

from smidgen.cli import main
from smidgen.compress.channels import channel_groups, with_factors
from smidgen.compress.evidence import quantize_samples
from smidgen.exporters.tflite import save_tflite
from smidgen.graph.reference import Reference, run
from smidgen.importers import load_model
from smidgen.oracles import open_oracle

GRAPH = float_model()


def saved(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_tflite(GRAPH, tmp_path / "float.tflite")
    return tmp_path / "float.tflite"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    samples = float_samples(120)
    labels = [int(run(GRAPH, sample).outputs[0].argmax()) for sample in samples]
    return saved(tmp_path, x=np.concatenate([sample[0] for sample in samples]), y=np.array(labels))


def compress(*arguments: object) -> int:
    return main(["compress", *map(str, arguments)])


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_compressed_file_is_what_the_oracle_runs(bits: int, model: Path, data: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "small.tflite", tmp_path / "report.json"
    code = compress(
        "-m", model, "--data", data, "-o", output, "--bits", bits, "--calibrate", 80, "--json", report
    )
    assert code == 0
    graph = load_model(output)
    stored = {graph.tensor(node.inputs[1]).dtype.bits for node in graph.nodes if len(node.inputs) == 3}
    assert stored == {bits}
    samples = quantize_samples(graph, float_samples(5, seed=3))
    reference = Reference(graph)
    with closing(open_oracle("tflm", output, graph)) as oracle:
        for sample in samples:
            np.testing.assert_array_equal(oracle.run(sample).outputs[0], reference.run(sample).outputs[0])
    content = json.loads(report.read_text())
    assert (content["calibrated"], content["samples"], content["recipe"]["bits"]) == (80, 40, bits)
    assert content["accuracy"]["float"]["share"] == 1.0
    assert content["file_bytes"] == output.stat().st_size
    assert [layer["bits"] for layer in content["layers"] if layer["bits"]] == [bits] * len(LAYERS)
    if bits == 8:
        assert content["accuracy"]["quantized"]["share"] > 0.9 and content["warnings"] == []


def test_equalizing_is_usual_and_shows_in_the_evidence(data: Path, tmp_path: Path) -> None:
    """Layers are compared with the equalized float model, answers with the model that was given."""
    graph = GRAPH
    for group in channel_groups(graph):
        graph = with_factors(graph, group, 4.0 ** np.linspace(-2, 2, group.channels))
    model, report, recipe = tmp_path / "uneven.tflite", tmp_path / "r.json", tmp_path / "recipe.toml"
    save_tflite(graph, model)
    contents = []
    for steps in ("", 'steps = ["quantize", "reconstruct"]\n'):
        recipe.write_text(f"{steps}[data]\ncalibrate = 60\n")
        output = tmp_path / "o.tflite"
        assert compress("-m", model, "--data", data, "--recipe", recipe, "-o", output, "--json", report) == 0
        contents.append(json.loads(report.read_text()))
    usual, plain = contents
    assert usual["recipe"]["steps"] == ["equalize", "quantize", "reconstruct"]
    assert (
        usual["accuracy"]["float"] == plain["accuracy"]["float"] and plain["accuracy"]["float"]["share"] == 1
    )
    assert usual["output_sqnr_db"] > plain["output_sqnr_db"] + 3
    assert min(layer["sqnr"] for layer in usual["layers"] if layer["sqnr"] is not None) > 20


def test_same_command_writes_the_same_bytes(model: Path, data: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "one.tflite", tmp_path / "two.tflite"]
    for path in paths:
        assert compress("-m", model, "--data", data, "-o", path, "--bits", 4, "--calibrate", 40) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


def refused(capsys: pytest.CaptureFixture, code: int, *words: str) -> None:
    errors = capsys.readouterr().err
    assert errors.startswith("error: ") and errors.count("error: ") == 1
    assert all(word in errors for word in words), errors
    assert code in (1, 2)


X = np.zeros((6, 7, 6, 3), np.float32)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": X[:, :5]}, ("has shape (6, 5, 6, 3)", "(N, 7, 6, 3)")),
        ({"x": X + np.float32(np.nan)}, ("holds nan",)),
        ({"x": X.astype(np.float64) + 1e300}, ("holds inf",)),
        ({"x": X[:0]}, ("holds no samples",)),
        ({"x": X[:1]}, ("leave none to report on", "give more samples")),
        ({"x": X.astype(np.uint8)}, ("has type uint8", "takes float32, scaled as for training")),
        ({"x": X, "y": np.zeros(5, int)}, ("labels", "(6,)")),
        ({"images": X}, ("holds no 'x'",)),
    ],
)
def test_wrong_data_are_refused(
    arrays: dict, words: tuple[str, ...], model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    data = saved(tmp_path, **arrays)
    refused(capsys, compress("-m", model, "--data", data, "-o", tmp_path / "out.tflite"), *words)
    assert not (tmp_path / "out.tflite").exists()


@pytest.mark.parametrize("calibrate", [-1, 0, 120, 500])
def test_nothing_to_calibrate_with_or_to_report_on_is_refused(
    calibrate: int, model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    code = compress("-m", model, "--data", data, "-o", tmp_path / "o.tflite", "--calibrate", calibrate)
    refused(capsys, code, "--calibrate", "choose from 1 to 119")


def test_integer_model_is_refused(
    repository: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    digits = repository / "examples" / "digits" / "digits_int8.tflite"
    code = compress("-m", digits, "--data", data, "-o", tmp_path / "o.tflite")
    refused(capsys, code, "quantized already", "float model")


def test_model_is_not_overwritten(model: Path, data: Path, capsys: pytest.CaptureFixture) -> None:
    before = model.read_bytes()
    refused(capsys, compress("-m", model, "--data", data, "-o", model), "-o", "is the model itself")
    assert model.read_bytes() == before


def test_recipe_that_names_no_data_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[data]\ncalibrate = 3\n")
    code = compress("-m", model, "--recipe", recipe, "-o", tmp_path / "o.tflite")
    refused(capsys, code, "--data", "is missing")


def test_doubtful_data_are_warned_of(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with np.load(data) as arrays:
        unscaled = saved(tmp_path, x=arrays["x"] * 255, y=arrays["y"])
    assert compress("-m", model, "--data", unscaled, "-o", tmp_path / "o.tflite", "--calibrate", 40) == 0
    assert "x / 255" in capsys.readouterr().err
    unlabelled = saved(
        tmp_path, x=float_samples(30)[0][0].repeat(30, axis=0) * np.linspace(-3, 3, 30)[:, None, None, None]
    )
    assert compress("-m", model, "--data", unlabelled, "-o", tmp_path / "o.tflite") == 0
    captured = capsys.readouterr()
    assert "no labels" in captured.err and "accuracy" not in captured.out
