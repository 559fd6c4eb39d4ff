"""`smidgen boards`"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from smidgen.cli import main
from smidgen.device.boards import Shelf, read_hardware_map


def test_list_tells_what_each_board_is_and_whether_it_is_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "map.yaml"
    platforms = {"a": "midge", "b": "mps2/an386", "c": "pico2", "d": "nucleo_f446re"}
    line = "- {{id: {}, platform: {}, product: x, runner: y, connected: true, rack: 4}}\n"
    path.write_text("".join(line.format(*one) for one in platforms.items()))
    with Shelf(read_hardware_map(path)).lease("midge"):
        assert main(["boards", "list", "--map", str(path), "--json", str(tmp_path / "out.json")]) == 0
    boards = json.loads((tmp_path / "out.json").read_text())["boards"]
    assert [(board["id"], board["target"], board["state"], board["rack"]) for board in boards] == [
        ("a", "midge", "in use", 4),
        ("b", "mps2-an386", "free", 4),
        ("c", "", "no such target", 4),
        ("d", "nucleo-f446re", "no serial line", 4),
    ]
    assert "in use" in capsys.readouterr().out
    assert main(["boards", "list", "--map", str(tmp_path / "none.yaml")]) == 2


def test_detect_writes_a_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [
        SimpleNamespace(device="/dev/ttyS0", vid=None, serial_number=None, location=None, product=None),
        SimpleNamespace(
            device="/dev/ttyACM0", vid=0x1366, serial_number="000683759358", location="1-1", product="J-Link"
        ),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    path = tmp_path / "map.yaml"
    assert main(["boards", "detect", "--output", str(path)]) == 0
    (found,) = read_hardware_map(path)
    assert (found.id, found.platforms, found.runner) == ("000683759358", ("unknown",), "jlink")
    assert found.serial.startswith("/dev/")
    assert main(["boards", "detect", "--output", str(path)]) == 2  # never over a file that is there
