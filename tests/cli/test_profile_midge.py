"""`profile` and `validate` on the simulated core."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import smidgen


def test_layers_add_up_to_the_whole(digits: Path, tmp_path: Path) -> None:
    outcome = smidgen(
        "profile", "-m", digits, "-t", "midge-rv32imc",
        "--json", tmp_path / "out.json", "--report", tmp_path / "out.html",
    )  # fmt: skip
    assert outcome.code == 0, outcome.errors
    content = json.loads((tmp_path / "out.json").read_text())
    for count in ("cycles", "instructions"):
        whole = content[count]
        assert sum(layer[count] for layer in content["layers"]) == pytest.approx(whole, rel=0.01)
    assert content["instructions"] < content["cycles"] <= content["cycles_max"]
    assert content["flash_bytes"] >= sum(
        content[f"{part}_bytes"] for part in ("weights", "code", "agent_code")
    )
    assert content["ram_bytes"] > content["arena_bytes"] + content["stack_bytes"]
    assert "The profiler makes a run" in outcome.output
    assert (tmp_path / "out.html").read_text().count("<svg") == 2  # arena and memory map


def test_digits_on_the_core_equal_tensorflow_lite_micro(
    digits: Path, digits_data: Path, tmp_path: Path
) -> None:
    outcome = smidgen(
        "validate", "-m", digits, "-t", "midge-rv32imc", "--input", digits_data, "--limit", 3,
        "--against", "tflm", "--layers", "--json", tmp_path / "out.json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.output + outcome.errors
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["bit_exact"] is True
    assert all(layer["bit_exact"] for layer in content["layers"])
    assert content["cycles_min"] <= content["cycles"] <= content["cycles_max"]
