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


def test_the_profile_shows_roofs_and_predictions(digits: Path, tmp_path: Path) -> None:
    outcome = smidgen(
        "profile",
        "-m",
        digits,
        "-t",
        "midge",
        "--json",
        tmp_path / "out.json",
        "--report",
        tmp_path / "out.html",
    )
    assert outcome.code == 0, outcome.errors
    content = json.loads((tmp_path / "out.json").read_text())
    predicted = [layer for layer in content["layers"] if layer["predicted_cycles"] is not None]
    assert {layer["name"] for layer in content["layers"] if layer["macs"]} <= {
        one["name"] for one in predicted
    }
    for layer in predicted:
        assert layer["kernel"].startswith("midge/")
        assert layer["bound"] in ("multipliers", "data_port", "requantizer")
        # Nothing is faster than its roof, and the compiler knows about how much slower it is.
        assert 0 < layer["roof_cycles"] <= layer["cycles"]
        assert layer["roof_share"] == pytest.approx(layer["roof_cycles"] / layer["cycles"])
        assert layer["prediction_error"] == pytest.approx(layer["predicted_cycles"] / layer["cycles"] - 1)
        if layer["macs"]:
            assert layer["macs_per_cycle"] == pytest.approx(layer["macs"] / layer["cycles"])
            assert layer["macs_per_cycle"] <= layer["roof_macs_per_cycle"]
    assert abs(content["prediction_error"]) < 0.2
    assert f"{100 * content['prediction_error']:+.1f} % off together" in outcome.output
    for text in (outcome.output, (tmp_path / "out.html").read_text()):
        for heading in ("MAC/cycle", "roof, MAC/cycle", "bound by", "predicted cycles"):
            assert heading in text


def test_a_target_without_a_cost_model_shows_no_roofs(digits: Path) -> None:
    outcome = smidgen("analyze", "-m", digits, "-t", "midge-rv32imc")
    assert outcome.code == 0, outcome.errors
    assert "MACs" in outcome.output
    assert "roof" not in outcome.output
    assert "predicted" not in outcome.output


@pytest.mark.parametrize("target", ["midge-rv32imc", "midge"])
def test_digits_on_the_core_equal_tensorflow_lite_micro(
    digits: Path, digits_data: Path, tmp_path: Path, target: str
) -> None:
    outcome = smidgen(
        "validate", "-m", digits, "-t", target, "--input", digits_data, "--limit", 3,
        "--against", "tflm", "--layers", "--json", tmp_path / "out.json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.output + outcome.errors
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["bit_exact"] is True
    assert all(layer["bit_exact"] for layer in content["layers"])
    assert content["cycles_min"] <= content["cycles"] <= content["cycles_max"]
