"""A board belongs to one process at a time, and comes back however that process ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from smidgen.device.boards import Entry, Shelf, is_free
from smidgen.errors import DeviceError, UsageError

HOLDER = """
import sys
from pathlib import Path
from smidgen.device.boards import Shelf, read_hardware_map
with Shelf(read_hardware_map(Path(sys.argv[1]))).lease("midge") as entry:
    print(entry.id, flush=True)
    sys.stdin.read()
"""


def board(name: str, **fields: object) -> Entry:
    return Entry(Path("map.yaml"), 1, name, ("midge",), "", "", True, **fields)  # type: ignore[arg-type]


def test_another_process_waits_until_the_holder_is_gone(tmp_path: Path) -> None:
    """Killed, not asked: its board is free again."""
    text = "- {id: a, platform: midge, product: x, runner: y, connected: true}\n"
    (tmp_path / "map.yaml").write_text(text)
    shelf = Shelf([board("a")])
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "map.yaml")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "a\n"
        assert not is_free(shelf.entries[0])
        with pytest.raises(DeviceError, match="in use: 'a'"), shelf.lease("midge"):
            pass
        taken = threading.Event()

        def take() -> None:
            with shelf.lease("midge", seconds=60):
                taken.set()

        waiting = threading.Thread(target=take)
        waiting.start()
        assert not taken.is_set()
        holder.send_signal(signal.SIGKILL)
        assert taken.wait(60)
        waiting.join()
    assert is_free(shelf.entries[0])


def test_two_boards_of_a_kind_serve_two() -> None:
    shelf = Shelf([board("a"), board("b", fixtures=("loopback",))])
    with shelf.lease("midge") as first, shelf.lease("midge") as second:
        assert {first.id, second.id} == {"a", "b"}
    with shelf.lease("midge", ["loopback"]) as chosen:
        assert chosen.id == "b"
    with pytest.raises(UsageError, match="platform 'midge' with camera"), shelf.lease("midge", ["camera"]):
        pass


def test_the_line_is_locked_whatever_the_board_is_called(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.touch()
    (tmp_path / "link").symlink_to(port)
    one, other = board("one", serial=str(port)), board("other", serial=str(tmp_path / "link"))
    with Shelf([one]).lease("midge"):
        assert not is_free(other)
    assert is_free(other)
