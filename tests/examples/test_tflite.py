"""The .tflite example runs: half of the bytes, and hardly an answer lost."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_tflite_example_runs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(repository / "examples" / "tflite" / "digits.py"))
    assert example["main"]() == 0
    output = capsys.readouterr().out
    before, after = (float(share) for share in re.findall(r"([0-9.]+)% (?:float|now)", output))
    assert before > 97 and after > before - 3
    weights = [int(text.replace(",", "")) for text in re.findall(r"points, ([0-9,]+) bytes", output)]
    (chosen,) = re.findall(r"points, ([0-9,]+) bytes <- chosen", output)
    assert int(chosen.replace(",", "")) <= max(weights) / 2
    assert re.search(r"midge: (80|100)% of 5 digits, [0-9,]+ cycles each", output)
