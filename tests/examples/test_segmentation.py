"""The segmentation example: its data, its scores, and the whole of it, small."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from smidgen.errors import UsageError
from smidgen.importers import load_model

MODULES = (
    "scenes", "hsi_drive", "scores", "network", "preparation", "pipelined", "timeline", "picture", "segment",
)  # fmt: skip


@pytest.fixture
def module(repository: Path, monkeypatch: pytest.MonkeyPatch):
    """Imports a module of the example, and forgets all of them afterwards."""
    monkeypatch.syspath_prepend(str(repository / "examples" / "segmentation"))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in MODULES:
        sys.modules.pop(name, None)


def test_a_seed_gives_the_same_synthetic_scenes(module) -> None:
    scenes: ModuleType = module("scenes")
    cubes, labels = scenes.synthetic_scenes(3, 7)
    assert cubes.shape == (3, scenes.HEIGHT, scenes.WIDTH, 25) and cubes.dtype == np.float32
    assert labels.shape == cubes.shape[:3] and labels.dtype == np.uint8
    again, _ = scenes.synthetic_scenes(2, 7)
    np.testing.assert_array_equal(again, cubes[:2])
    assert not np.array_equal(scenes.synthetic_scenes(1, 8)[0], cubes[:1])
    assert 0 <= cubes.min() < cubes.max() <= 4095


def test_synthetic_materials_differ_by_their_spectra(module) -> None:
    """Vegetation is brighter beyond 715 nm, by more than anything else."""
    scenes: ModuleType = module("scenes")
    cubes, labels = scenes.synthetic_scenes(12, 1)
    edge = np.log(cubes[..., 10:13].mean(axis=-1) / cubes[..., 3:6].mean(axis=-1))
    green = edge[labels == scenes.VEGETATION].mean()
    for label in (scenes.ROAD, scenes.MARKS, scenes.PAINTED_METAL, scenes.SKY, scenes.CONCRETE):
        assert (labels == label).any()
        assert green > edge[labels == label].mean() + 0.4
    # Markings are paint on the road: brighter, in whatever light.
    bright = [cubes.mean(axis=-1)[labels == label].mean() for label in (scenes.MARKS, scenes.ROAD)]
    assert bright[0] > 1.5 * bright[1]


def test_files_in_the_layout_of_the_data_set_are_read(module, tmp_path: Path) -> None:
    scenes, hsi_drive = module("scenes"), module("hsi_drive")
    cubes, labels = scenes.synthetic_scenes(3, 2)
    hsi_drive.save(tmp_path, "training", cubes, labels)
    read = hsi_drive.load(tmp_path, "training")
    np.testing.assert_array_equal(read[0], cubes)
    # A pixel is a square of its own, and what is unlabelled stays so.
    np.testing.assert_array_equal(read[1], labels)
    assert len(hsi_drive.load(tmp_path, "training", limit=2)[0]) == 2


def test_large_pictures_are_cut_and_reduced(module, tmp_path: Path) -> None:
    """Pictures of the size of the data set's, of 209 x 416 pixels: squares of 4 from their middle."""
    hsi_drive = module("hsi_drive")
    rng = np.random.default_rng(0)
    cube = rng.random((1, 209, 416, 25)).astype(np.float32)
    labels = np.zeros((1, 209, 416), np.uint8)
    top, left = 8, 16
    labels[0, top : top + 4, left : left + 4] = 3
    labels[0, top, left : left + 3] = 5
    labels[0, top : top + 4, left + 4 : left + 8][1, 2] = 9  # alone among the unlabelled
    hsi_drive.save(tmp_path, "test", cube, labels)
    read, answers = hsi_drive.load(tmp_path, "test")
    assert read.shape == (1, 48, 96, 25)
    np.testing.assert_allclose(read[0, 0, 0], cube[0, top : top + 4, left : left + 4].mean(axis=(0, 1)), 1e-5)
    assert answers[0, 0, :3].tolist() == [3, 9, 0]
    assert (np.unique(answers) == [0, 3, 9]).all()


def test_everything_wrong_with_the_files_is_named_at_once(module, tmp_path: Path) -> None:
    scenes, hsi_drive = module("scenes"), module("hsi_drive")
    cubes, labels = scenes.synthetic_scenes(1, 3)
    hsi_drive.save(tmp_path, "training", cubes.repeat(6, 0), labels.repeat(6, 0))
    images, annotations = tmp_path / "images" / "training", tmp_path / "annotations" / "training"
    np.save(images / "scene_0000.npy", cubes[0, ..., :24])
    Image.fromarray(labels[0, 1:]).save(annotations / "scene_0001.png")
    Image.fromarray(labels[0] + np.uint8(20)).save(annotations / "scene_0002.png")
    (images / "scene_0003.npy").write_bytes(b"no cube")
    (annotations / "scene_0004.png").unlink()
    np.save(images / "scene_0005.npy", np.full_like(cubes[0], np.nan))
    with pytest.raises(UsageError) as caught:
        hsi_drive.load(tmp_path, "training")
    problems = caught.value.problems
    assert len(problems) == 6
    words = (
        "(48, 96, 24)",
        "47 x 96 labels",
        "the label 30",
        "cannot be read",
        "cannot be read",
        "not finite",
    )
    for index, (problem, word) in enumerate(zip(problems, words, strict=True)):
        assert f"scene_000{index}" in problem.where and word in problem.what, problem
    with pytest.raises(UsageError, match="holds no cubes in images/test"):
        hsi_drive.load(tmp_path, "test")


def test_integers_prepare_as_floats_do(module) -> None:
    """Whatever the exposure; the core computes in integers."""
    cubes, _ = module("scenes").synthetic_scenes(3, 4)
    prepare = module("preparation").Preparation.of(cubes)
    scale, zero_point = 0.03, -20
    quantized = prepare.quantized(scale, zero_point, cubes[0].size)
    for exposure in (1, 0.4):
        seen = np.rint(exposure * cubes)
        expected = np.clip(np.rint(prepare(seen) / scale) + zero_point, -128, 127)
        difference = np.abs(quantized(prepare.counts(seen)) - expected)
        assert difference.max() <= 1 and difference.mean() < 0.1
    dark = np.clip(np.rint(-prepare.mean / prepare.deviation / scale) + zero_point, -128, 127)
    assert np.abs(quantized(np.zeros((1, 4, 4, 25), np.uint16)) - dark).max() <= 1


def test_scores_are_intersections_over_unions_of_known_pixels(module) -> None:
    scores = module("scores").Scores.of(np.array([0, 0, 1, 1, -1]), np.array([0, 1, 1, 1, 2]), 4)
    np.testing.assert_allclose(scores.by_class, [1 / 2, 2 / 3, np.nan, np.nan])
    assert scores.mean == pytest.approx((1 / 2 + 2 / 3) / 2)


@pytest.mark.slow
def test_the_segmentation_example_runs(
    module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Small: too few and too small scenes to learn much from, but every step, from scenes to the page."""
    pytest.importorskip("tensorflow", reason="the example trains a model: pip install -e '.[train]'")
    monkeypatch.setattr(module("scenes"), "HEIGHT", 24)
    monkeypatch.setattr(module("scenes"), "WIDTH", 48)
    small = ["--scenes", "24", "--unseen", "6", "--filters", "8", "--epochs", "15"]
    short = ["--rounds", "1", "--last-epochs", "2", "--run", "1", "--frames", "3"]
    short += ["--output", str(tmp_path)]
    assert module("segment").main([*small, *short]) == 0
    output = capsys.readouterr().out
    parameters, operations = (float(share) for share in re.findall(r"\(([0-9.]+)%\)", output))
    assert parameters <= 10 and operations <= 30
    means = [float(mean) for mean in re.findall(r"mean IoU ([0-9.]+) %", output)]
    assert len(means) == 3 and means[0] > 30
    assert "fpga-sim: 1 scenes equal to the reference byte for byte" in output
    assert float(re.search(r"pipelined: ([0-9.]+) times as fast", output)[1]) > 1.1
    graph = load_model(tmp_path / "unet.tflite")
    assert graph.tensor(graph.outputs[0]).shape == (1, 24, 48, 8)
    page = (tmp_path / "report.html").read_text()
    assert "synthetic scenes" in page and page.count("data:image/png;base64,") == 4 * 6
