"""`smidgen bench mlperf`: what it loads, what the board makes of it, and the figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from keywords import keywords, write_dataset
from sklearn.metrics import roc_auc_score

from smidgen.cli.main import main
from smidgen.graph import Graph
from smidgen.graph.reference import Reference
from smidgen.graph.reference.quantize import quantize_array
from smidgen.importers import load_model
from smidgen.run.inputs import real_values
from smidgen.run.mlperf import Runner, open_agent
from smidgen.run.mlperf_data import load_dataset
from smidgen.run.mlperf_scores import auc, file_score, top_1
from smidgen.run.session import open_session
from tflite_builder import ModelBuilder

SIZE = 16


def layer(folder: Path, scale: float, zero_point: int, outputs: int = SIZE, lowest: int = 3) -> Path:
    """A .tflite file with one fully connected layer from 16 int8 values."""
    random = np.random.default_rng(5)
    builder = ModelBuilder("layer")
    x = builder.input((1, SIZE), scale=scale, zero_point=zero_point)
    w = builder.constant(random.integers(-100, 100, (outputs, SIZE)).astype(np.int8), scale=0.01)
    b = builder.constant(np.zeros(outputs, np.int32), scale=scale * 0.01)
    y = builder.tensor((1, outputs), scale=0.37, zero_point=lowest)
    builder.operator("FULLY_CONNECTED", [x, w, b], [y])
    builder.output(y)
    return builder.save(folder / "layer.tflite")


def answers(graph: Graph, windows: list[bytes]) -> list[np.ndarray]:
    """What the agent on this machine prints for these inputs."""
    with open_session(graph, "host") as session, open_agent(session) as device:
        runner = Runner(device)
        assert runner.model() == graph.name
        found = []
        for window in windows:
            runner.load(window)
            found.append(runner.infer(1, 0)[0])
    return found


def real_outputs(graph: Graph, samples: np.ndarray) -> np.ndarray:
    reference, tensor = Reference(graph), graph.tensor(graph.outputs[0])
    return np.array([real_values(reference.run([one[None]]).outputs[0][0], tensor) for one in samples])


def test_pixels_are_128_more_than_the_models_bytes(tmp_path: Path) -> None:
    graph = replace(load_model(layer(tmp_path, 1.0, -128)), name="ic01")
    pixels = np.random.default_rng(1).integers(0, 256, (6, SIZE)).astype(np.uint8)
    expected = real_outputs(graph, (pixels.astype(np.int16) - 128).astype(np.int8))
    np.testing.assert_allclose(answers(graph, [one.tobytes() for one in pixels]), expected, atol=0.00051)


def test_floats_are_quantized_and_the_result_is_the_mean_square_error(tmp_path: Path) -> None:
    graph = replace(load_model(layer(tmp_path, 0.3910324, 89)), name="ad01")
    random = np.random.default_rng(2)
    values = (random.standard_normal((12, SIZE)) * np.geomspace(0.01, 90, 12)[:, None]).astype(np.float32)
    values[0, :6] = [0, -0.0, 1e-40, 0.3910324 / 2, -0.3910324 / 2, 0.3910324 * 1.5]
    values[1, :3] = [300, -300, 4000]
    samples = quantize_array(values, graph.tensor(graph.inputs[0]))
    errors = ((real_outputs(graph, samples) - values.astype(np.float64)) ** 2).mean(axis=1)
    no_numbers = np.full((3, SIZE), [[np.nan], [np.inf], [-1e38]], np.float32)
    found = np.array(answers(graph, [one.tobytes() for one in [*values, *no_numbers]]))
    assert found.shape == (15, 1)
    np.testing.assert_allclose(found[:12, 0], errors, rtol=1e-5, atol=0.002)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_the_area_under_the_curve_is_scikit_learns(classes: int) -> None:
    random = np.random.default_rng(classes)
    labels = random.integers(0, max(classes, 2), 60)
    scores = np.round(random.random((60, classes)), 1) + 0.05  # with ties
    scores[np.arange(60), labels * (classes > 1)] += 0.3 * (labels if classes == 1 else 1)
    if classes > 1:
        scores = np.array([file_score(one[None]) for one in scores])
    columns = scores[:, -1] if classes < 3 else scores
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, columns, multi_class="ovr"))


def test_figures_of_single_scores_and_of_one_class() -> None:
    scores, labels = np.array([[0.1], [0.2], [0.8], [0.9]]), np.array([0, 0, 1, 1])
    assert (top_1(scores, labels), auc(scores, labels)) == (100, 1)
    assert auc(scores, np.zeros(4, int)) is None
    assert auc(np.eye(3)[[0, 0]], np.array([0, 0])) is None


def test_the_windows_of_a_file_overlap(tmp_path: Path) -> None:
    data = np.arange(10, dtype=np.uint8)[None]
    folder = write_dataset(tmp_path / "ad01", data, np.array([1]), further=", 4, 3")
    (recording,) = load_dataset(folder).recordings
    assert recording.windows == (b"\0\1\2\3", b"\3\4\5\6", b"\6\7\x08\x09")


def bench(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["bench", "mlperf", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_both_modes_print_the_runners_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = layer(tmp_path, 0.1, 0, outputs=3, lowest=-128)
    inputs = np.random.default_rng(3).integers(-128, 128, (20, SIZE)).astype(np.int8)
    graph = load_model(model)
    labels = real_outputs(graph, inputs).argmax(axis=1)
    labels[:5] = (labels[:5] + 1) % 3
    folder = write_dataset(tmp_path / "set", inputs, labels)
    report = tmp_path / "report.json"
    options = ["-t", "host", "-m", str(model), "--data", str(folder), "--json", str(report)]
    # As many as no machine does within a tick of the clock, a microsecond.
    code, out, _ = bench(capsys, *options, "--inferences", "10000")
    assert code == 0
    assert "ulp-mlperf: Top 1% = 75.0" in out
    assert "ulp-mlperf: Median throughput is " in out
    document = json.loads(report.read_text())
    assert document["accuracy"]["files"] == 20
    assert len(document["performance"]["seconds"]) == 5
    assert document["performance"]["throughput"] > 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (None, "cannot be read: No such file"),
        ("", "names no files"),
        ("a.bin, 2\n", "row 1: cannot be used: list index out of range"),
        ("a.bin, 2, x\nb.bin, 2, 1\n", "row 2: cannot be used: No such file"),
    ],
)
def test_a_data_set_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str | None, message: str
) -> None:
    (tmp_path / "a.bin").write_bytes(b"1")
    if rows is not None:
        (tmp_path / "y_labels.csv").write_text(rows)
    code, _, err = bench(capsys, "-t", "host", "-m", "none.tflite", "--data", str(tmp_path))
    assert code == 2
    assert message in err
    assert err.count("error:") == max(1, (rows or "").count("\n"))


def test_files_of_another_size_than_the_models_input_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_dataset(tmp_path / "set", np.zeros((2, 5), np.int8), np.array([0, 1]))
    code, _, err = bench(capsys, "-t", "host", "-m", str(layer(tmp_path, 1.0, 0)), "--data", str(folder))
    assert code == 2
    assert err.count("error: ") == 2
    assert "0001.bin: has 5 bytes" in err


@pytest.mark.slow
@pytest.mark.parametrize(("target", "count"), [("host", 500), ("midge", 20), ("mps2-an386", 20)])
def test_the_keyword_sets_accuracy_is_validates(
    tmp_path: Path, shared_data: Path, capsys: pytest.CaptureFixture[str], target: str, count: int
) -> None:
    model = str(shared_data / "mlperf_tiny" / "kws_int8.tflite")
    folder = write_dataset(tmp_path / "kws01", *keywords(shared_data))
    reports = [tmp_path / "bench.json", tmp_path / "validate.json"]
    common = ["-t", target, "-m", model, "--limit", str(count)]
    options = ["--data", str(folder), "--inferences", "2", "--warmups", "1", "--json", str(reports[0])]
    assert bench(capsys, *common, *options)[0] == 0
    inputs = ["--input", str(shared_data / "mlperf_tiny" / "kws_inputs.npz"), "--json", str(reports[1])]
    assert main(["validate", *common, *inputs]) == 0
    ours, theirs = (json.loads(report.read_text()) for report in reports)
    assert ours["accuracy"]["top_1"] == pytest.approx(100 * theirs["accuracy"])
    clock = target != "mps2-an386"  # QEMU has none for its boards
    assert (ours["performance"]["throughput"] is not None) == clock
    assert (ours["performance"]["instructions"] is None) == clock
