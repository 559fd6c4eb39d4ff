"""--arena: what analyze says of the fastest and the smallest plan is what the others build and run."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import smidgen


def written(path: Path) -> dict:
    return json.loads(path.read_text())


def test_both_plans_are_as_analyze_says(digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    outcome = smidgen("analyze", "-m", digits, "-t", "host", "--json", out)
    assert outcome.code == 0, outcome.errors
    assert "recomputed MACs" in outcome.output
    plans = written(out)["plans"]
    assert plans["fastest"]["recomputed_macs"] == plans["fastest"]["bands"] - 1 == 0
    assert plans["smallest"]["arena_bytes"] < plans["fastest"]["arena_bytes"]
    macs = {}
    for name, arena in (("fastest", "fast"), ("smallest", "small")):
        options = ["-m", digits, "-t", "host", "--arena", arena, "--limit", "2", "--layers", "--json", out]
        outcome = smidgen("validate", *options)
        assert outcome.code == 0, outcome.errors
        result = written(out)
        assert result["bit_exact"] and all(layer["bit_exact"] for layer in result["layers"])
        assert result["arena_bytes"] == plans[name]["arena_bytes"]
        assert result["recomputed_macs"] == plans[name]["recomputed_macs"]
        macs[name] = sum(layer["macs"] for layer in result["layers"])
    assert macs["smallest"] - macs["fastest"] == plans["smallest"]["recomputed_macs"]


def test_an_arena_that_is_neither(digits: Path) -> None:
    outcome = smidgen("run", "-m", digits, "-t", "host", "--arena", "tiny")
    assert outcome.code == 2
    assert "tiny" in outcome.errors
