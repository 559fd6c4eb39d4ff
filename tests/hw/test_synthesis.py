"""What the comparison of systems on an FPGA counts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

SYNTHESIS = Path(__file__).parents[2] / "hw" / "synth"


@pytest.fixture(autouse=True)
def flow_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flow is a program of its own, not a package."""
    monkeypatch.setattr(sys, "path", [str(SYNTHESIS), *sys.path])


def test_cells_count_for_the_module_around_arithmetic(tmp_path: Path) -> None:
    from comparison import cells_of_parts, logic_cells

    modules = {
        "\\top": {"LUT4": 1, "dot$top.unit[0]": 1, "dot$top.unit[1]": 1},
        "\\dot$top.unit[0]": {"LUT4": 2, "sum$top.unit[0].sum": 1},
        "\\dot$top.unit[1]": {"LUT4": 2, "sum$top.unit[1].sum": 1},
        "\\sum$top.unit[0].sum": {"chain$top.unit[0].sum.chain": 1},
        "\\chain$top.unit[0].sum.chain": {"CCU2C": 3},
        "\\sum$top.unit[1].sum": {"CCU2C": 3},
    }
    statistics = {"modules": {name: {"num_cells_by_type": cells} for name, cells in modules.items()}}
    (tmp_path / "parts.json").write_text(json.dumps(statistics))
    parts = cells_of_parts(tmp_path / "parts.json", "top", {"sum", "chain"})
    assert parts == {"top": {"LUT4": 1}, "dot": {"LUT4": 4, "CCU2C": 6}}
    assert logic_cells(parts["dot"]) == 4 + 2 * 6
