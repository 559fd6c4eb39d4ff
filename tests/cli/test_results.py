"""What the commands print, write and compute on the host."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from command_line import smidgen

from smidgen.importers import load_model
from smidgen.run.inputs import random_inputs

FIXED_KEYS = {
    "target", "model", "oracle", "inputs", "bit_exact", "mismatched_bytes", "accuracy", "cycles",
    "instructions", "cycles_min", "cycles_max", "arena_bytes", "arena_tensors_bytes",
    "arena_lower_bound_bytes", "stack_bytes", "weights_bytes", "code_bytes", "agent_code_bytes",
    "flash_bytes", "ram_bytes", "layers",
}  # fmt: skip
FIXED_LAYER_KEYS = {"id", "name", "type", "macs", "cycles", "instructions", "bit_exact"}


def written(path: Path) -> dict:
    content = json.loads(path.read_text())
    assert content.keys() >= FIXED_KEYS
    for layer in content["layers"]:
        assert layer.keys() >= FIXED_LAYER_KEYS
    return content


@pytest.mark.parametrize("verb", ["analyze", "build", "run", "validate", "profile"])
def test_json_has_the_fixed_keys(digits: Path, tmp_path: Path, verb: str) -> None:
    extra = ["-o", tmp_path / "bundle"] if verb == "build" else []
    outcome = smidgen(verb, "-m", digits, "-t", "host", "--json", tmp_path / "out.json", *extra)
    assert outcome.code == 0, outcome.errors
    content = written(tmp_path / "out.json")
    assert content["target"] == "host"
    assert content["model"] == str(digits)
    assert content["arena_lower_bound_bytes"] <= content["arena_tensors_bytes"] <= content["arena_bytes"]
    assert content["cycles"] is None
    assert content["code_bytes"] is None
    assert [layer["id"] for layer in content["layers"]] == list(range(len(content["layers"])))


@pytest.mark.parametrize("oracle", ["reference", "tflm", "litert"])
def test_digits_equal_every_oracle(digits: Path, digits_data: Path, tmp_path: Path, oracle: str) -> None:
    outcome = smidgen(
        "validate", "-m", digits, "-t", "host", "--input", digits_data, "--against", oracle, "--layers",
        "--limit", 60, "--json", tmp_path / "out.json",
    )  # fmt: skip
    content = written(tmp_path / "out.json")
    assert content["oracle"] == oracle
    assert content["inputs"] == 60
    if oracle == "litert" and not content["bit_exact"]:
        # Its FULLY_CONNECTED may round otherwise, and nothing else may differ.
        assert "Explained: LiteRT rounds FULLY_CONNECTED once" in outcome.output
    else:
        assert content["bit_exact"] is True
        assert content["mismatched_bytes"] == 0
        assert all(layer["bit_exact"] for layer in content["layers"])
    assert outcome.code == 0


def test_accuracy_is_that_of_the_labels(digits: Path, digits_data: Path, tmp_path: Path) -> None:
    assert smidgen(
        "run", "-m", digits, "-t", "host", "--input", digits_data,
        "--output", tmp_path / "y.npz", "--json", tmp_path / "out.json",
    ).code == 0  # fmt: skip
    outputs = np.load(tmp_path / "y.npz")["y"]
    labels = np.load(digits_data)["y"]
    assert outputs.shape == (360, 10)
    assert outputs.dtype == np.int8
    accuracy = float((outputs.argmax(1) == labels).mean())
    assert written(tmp_path / "out.json")["accuracy"] == pytest.approx(accuracy)
    assert accuracy > 0.97


def test_float_and_quantized_inputs_give_the_same_answers(
    digits: Path, digits_data: Path, tmp_path: Path
) -> None:
    x = np.load(digits_data)["x"][:5]
    np.savez(tmp_path / "float.npz", x=x)
    graph = load_model(digits)
    tensor = graph.tensor(graph.inputs[0])
    integers = np.floor(x / np.float32(tensor.scale) + np.float32(0.5)) + tensor.zero_point
    np.savez(tmp_path / "int8.npz", x=integers.astype(np.int8))
    answers = []
    for name in ("float", "int8"):
        arguments = ["--input", tmp_path / f"{name}.npz", "--output", tmp_path / f"{name}-y.npz"]
        assert smidgen("run", "-m", digits, "-t", "host", *arguments).code == 0
        answers.append(np.load(tmp_path / f"{name}-y.npz")["y"])
    np.testing.assert_array_equal(*answers)


def test_random_inputs_are_the_same_each_time(digits: Path, tmp_path: Path) -> None:
    answers = []
    for name in ("a.npz", "b.npz"):
        assert smidgen("run", "-m", digits, "-t", "host", "--limit", 3, "--output", tmp_path / name).code == 0
        answers.append(np.load(tmp_path / name)["y"])
    np.testing.assert_array_equal(*answers)


def test_random_inputs_differ_from_each_other(digits: Path) -> None:
    (first,), (second,) = random_inputs(load_model(digits), 2).samples
    assert (first != second).mean() > 0.9


def test_litert_differences_are_explained_by_rounding(shared_data: Path, tmp_path: Path) -> None:
    model = shared_data / "mlperf_tiny" / "ad_int8.tflite"
    outcome = smidgen(
        "validate", "-m", model, "-t", "host", "--against", "litert", "--json", tmp_path / "out.json"
    )
    content = written(tmp_path / "out.json")
    assert content["bit_exact"] is False
    assert content["mismatched_bytes"] > 0
    assert outcome.code == 0, outcome.output
    assert "Explained: LiteRT rounds FULLY_CONNECTED once" in outcome.output


class _Page(HTMLParser):
    """Collects what an HTML page refers to, and its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.count: dict[str, int] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.references += [value or "" for name, value in attributes if name in ("src", "href")]


def test_the_report_is_one_self_contained_page(digits: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert smidgen("validate", "-m", digits, "-t", "host", "--layers", "--report", path).code == 0
    text = path.read_text()
    page = _Page()
    page.feed(text)
    assert page.references == []
    assert "url(" not in text
    assert page.count["svg"] == 1  # the arena; the host has no memories of its own
    assert page.count["rect"] > 8
    assert text.count("exact</td>") >= 8


def test_targets_are_found_beside_the_user(repository: Path, tmp_path: Path) -> None:
    text = (repository / "targets" / "host.toml").read_text().replace('name = "host"', 'name = "mine"')
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "mine.toml").write_text(text)
    outcome = smidgen("targets", folder=tmp_path)
    assert outcome.code == 0
    assert "mine" in outcome.output
    assert "midge-rv32imc" in outcome.output


def test_doctor_says_how_to_get_what_is_missing(tmp_path: Path) -> None:
    outcome = smidgen("doctor", environment={"PATH": str(tmp_path)})
    assert outcome.code == 1
    assert "sudo apt-get install verilator" in outcome.output
    for package in ("gcc-riscv64-unknown-elf", "gcc-arm-none-eabi", "qemu-system-arm"):
        assert f"sudo apt-get install {package}" in outcome.output
    assert re.search(r"missing +QEMU plugin", outcome.output)


def test_output_to_a_reader_that_leaves_ends_quietly(repository: Path) -> None:
    program = (
        f"{sys.executable} -c 'import sys; from smidgen.cli import main; sys.exit(main())' ops | head -n 1"
    )
    result = subprocess.run(program, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert result.stderr == ""
