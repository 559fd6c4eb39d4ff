"""`profile` and `validate` on a board that counts instructions and no cycles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import smidgen

pytestmark = pytest.mark.skipif(
    not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)


def test_instructions_are_never_called_cycles(digits: Path, tmp_path: Path) -> None:
    outcome = smidgen(
        "profile", "-m", digits, "-t", "mps2-an386",
        "--json", tmp_path / "out.json", "--report", tmp_path / "out.html",
    )  # fmt: skip
    assert outcome.code == 0, outcome.errors
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["cycles"] is content["cycles_min"] is content["cycles_max"] is None
    total = sum(layer["instructions"] for layer in content["layers"])
    assert total == pytest.approx(content["instructions"], abs=100)
    for layer in content["layers"]:
        assert layer["cycles"] is layer["macs_per_cycle"] is None
        if layer["macs"]:
            assert layer["instructions_per_mac"] == layer["instructions"] / layer["macs"]
    for text in (outcome.output, (tmp_path / "out.html").read_text()):
        assert "instructions/MAC" in text
        assert "cycle" not in text.split("</style>")[-1]


def test_a_board_equals_the_reference(digits: Path, digits_data: Path, tmp_path: Path) -> None:
    outcome = smidgen(
        "validate", "-m", digits, "-t", "mps2-an386", "--input", digits_data, "--limit", 20, "--layers",
        "--json", tmp_path / "out.json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.output + outcome.errors
    content = json.loads((tmp_path / "out.json").read_text())
    assert all(layer["bit_exact"] for layer in content["layers"])
    assert content["instructions_min"] < content["instructions"] < content["instructions_max"]
