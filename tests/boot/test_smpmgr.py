"""smpmgr, an SMP client that is not ours, talks to the boot loader and to the agent."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nor
import pytest

sys.path.append(str(Path(__file__).parents[1] / "link"))
import toy

pytest.importorskip("imgtool", reason="imgtool, which makes the images, is not installed")

SECONDS = 300
_BESIDE = Path(sys.executable).parent / "smpmgr"
SMPMGR = os.environ.get("SMPMGR") or shutil.which("smpmgr") or (str(_BESIDE) if _BESIDE.exists() else "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SMPMGR, reason="smpmgr is not installed (pip install smidgen[verify])"),
]


@contextmanager
def on_terminal(program: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A program whose standard input and output are one end of a pseudo-terminal; gives the other's name."""
    board, host = pty.openpty()
    tty.setraw(host)  # held open, so that the board sees no end when a client leaves
    process = subprocess.Popen([program], stdin=board, stdout=board)
    try:
        yield os.ttyname(host), process
    finally:
        process.kill()
        process.wait()
        os.close(board)
        os.close(host)


def smpmgr(port: str, *arguments: str) -> str:
    result = subprocess.run(
        [SMPMGR, "--port", port, "--timeout", "30", *arguments],
        capture_output=True, text=True, timeout=SECONDS, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert result.returncode == 0, f"smpmgr {' '.join(arguments)}\n{result.stdout}{result.stderr}"
    return result.stdout


def test_smpmgr_uploads_an_image_to_the_boot_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASH", str(tmp_path / "flash"))
    image = nor.make_image(tmp_path, "image", 1, 2000)
    program = nor.build_bootloader(tmp_path)
    with on_terminal(program) as (port, process):
        smpmgr(port, "image", "upload", str(image))
        shown = smpmgr(port, "image", "state-read")
        assert "pending=True" in shown and "version='" in shown
        smpmgr(port, "os", "reset")
        process.wait(SECONDS)
    slot, sent = nor.SLOTS[1], image.read_bytes()
    assert (tmp_path / "flash").read_bytes()[slot.origin : slot.origin + len(sent)] == sent
    assert subprocess.run([program], stdin=subprocess.DEVNULL, check=False).returncode == 41


def test_smpmgr_reads_the_agents_echo_and_statistics(tmp_path: Path) -> None:
    with on_terminal(toy.build_host(tmp_path)) as (port, _):
        assert "good morning" in smpmgr(port, "os", "echo", "good morning")
        assert "smp" in smpmgr(port, "statistics", "list")
        shown = smpmgr(port, "statistics", "get", "smp")
        assert "'answered': " in shown and "'damaged': 0" in shown
