"""The five int8 models of MLPerf Tiny against TensorFlow Lite Micro, on the host and on the core."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command_line import smidgen

pytestmark = pytest.mark.slow

MODELS = ("kws", "vww", "ic", "ad", "sww")


def validated(model: Path, target: str, folder: Path, *arguments: object) -> dict:
    """The figures of a validation that must have passed."""
    path = folder / "out.json"
    outcome = smidgen("validate", "-m", model, "-t", target, "--against", "tflm", "--json", path, *arguments)
    assert outcome.code == 0, outcome.output + outcome.errors
    content = json.loads(path.read_text())
    assert content["bit_exact"] is True
    assert content["mismatched_bytes"] == 0
    return content


def model_of(shared_data: Path, name: str) -> Path:
    return shared_data / "mlperf_tiny" / f"{name}_int8.tflite"


def test_all_keyword_inputs_have_the_oracles_accuracy(shared_data: Path, tmp_path: Path) -> None:
    data = shared_data / "mlperf_tiny" / "kws_inputs.npz"
    content = validated(model_of(shared_data, "kws"), "host", tmp_path, "--input", data)
    assert content["inputs"] == 500
    assert content["accuracy"] == content["oracle_accuracy"] > 0.85


def test_300_photographs(shared_data: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    folder = shared_data / "vww96"
    labels = list(csv.DictReader((folder / "labels.csv").open()))[:300]
    with zipfile.ZipFile(folder / "images.zip") as archive:
        by_name = {Path(name).name: name for name in archive.namelist()}
        pictures = [
            np.asarray(image.open(io.BytesIO(archive.read(by_name[Path(row["image"]).name]))).convert("RGB"))
            for row in labels
        ]
    x = (np.stack(pictures).astype(np.int16) - 128).astype(np.int8)
    np.savez(tmp_path / "x.npz", x=x, y=np.array([int(row["person"]) for row in labels]))
    content = validated(model_of(shared_data, "vww"), "host", tmp_path, "--input", tmp_path / "x.npz")
    assert content["inputs"] == 300
    assert content["accuracy"] == content["oracle_accuracy"] > 0.75


@pytest.mark.parametrize("name", ["ic", "ad", "sww"])
def test_200_random_inputs(shared_data: Path, tmp_path: Path, name: str) -> None:
    assert validated(model_of(shared_data, name), "host", tmp_path, "--limit", 200)["inputs"] == 200


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_of_one_random_input(shared_data: Path, tmp_path: Path, name: str) -> None:
    content = validated(model_of(shared_data, name), "host", tmp_path, "--limit", 1, "--layers")
    assert all(layer["bit_exact"] for layer in content["layers"])


@pytest.mark.parametrize("target", ["midge-rv32imc", "midge"])
@pytest.mark.parametrize("name", MODELS)
def test_an_input_on_the_core(shared_data: Path, tmp_path: Path, name: str, target: str) -> None:
    content = validated(model_of(shared_data, name), target, tmp_path, "--limit", 1)
    assert content["inputs"] == 1
    assert content["cycles"] > content["instructions"] > 0
