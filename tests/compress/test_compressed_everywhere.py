"""What `smidgen compress` writes runs on the host, on the core and on a Cortex-M to the reference's bytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from smidgen.cli import main
from smidgen.importers import load_model

pytestmark = pytest.mark.slow

TARGETS = ("host", "midge", "mps2-an386")


def expect_equal_everywhere(model: Path, inputs: Path, folder: Path) -> None:
    for target in TARGETS:
        report = folder / f"{target}.json"
        command = ["validate", "-m", model, "-t", target, "--input", inputs, "--against", "reference"]
        assert main([*map(str, command), "--json", str(report)]) == 0, target
        content = json.loads(report.read_text())
        assert content["bit_exact"] is True and content["inputs"] == 2, target


@pytest.mark.parametrize(("name", "bits"), [("kws", 4), ("vww", 2), ("ic", 4), ("ad", 2)])
def test_mlperf_tiny_models_compressed_from_float(
    name: str, bits: int, shared_data: Path, tmp_path: Path
) -> None:
    model = shared_data / "mlperf_tiny" / f"{name}_float.tflite"
    shape = load_model(model).tensor(load_model(model).inputs[0]).shape
    x = np.random.default_rng(bits).uniform(0, 1, (20, *shape[1:])).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x)
    np.savez(tmp_path / "inputs.npz", x=x[:2])
    small = tmp_path / "small.tflite"
    command = ["compress", "-m", model, "--data", tmp_path / "data.npz", "-o", small, "--calibrate", 12]
    assert main([*map(str, command), "--bits", str(bits)]) == 0
    expect_equal_everywhere(small, tmp_path / "inputs.npz", tmp_path)


def test_mix_that_a_search_chose(repository: Path, tmp_path: Path) -> None:
    data = repository / "examples" / "digits" / "digits_test.npz"
    small = tmp_path / "small.tflite"
    command = ["compress", "-m", repository / "examples" / "tflite" / "digits_float.tflite", "--data", data]
    budget = ["--budget", "weights=0.5x", "-t", "midge", "-o", small]
    assert main([*map(str, (*command, *budget))]) == 0
    np.savez(tmp_path / "inputs.npz", x=np.load(data)["x"][:2])
    expect_equal_everywhere(small, tmp_path / "inputs.npz", tmp_path)
