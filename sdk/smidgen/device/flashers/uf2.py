"""UF2: the board is a drive, and what is copied there is flashed (github.com/microsoft/uf2)."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from smidgen.compile.bundle import UF2, Bundle
from smidgen.device.flashers import Flasher, Found, Track, untracked
from smidgen.device.flashers.choosing import Seen, choose
from smidgen.errors import DeviceError, Problem, UsageError

INFORMATION = "INFO_UF2.TXT"
_BOARD = re.compile(r"^Board-ID:\s*(\S+)", re.MULTILINE)
_MOUNTS = Path("/proc/mounts")
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Uf2Flasher(Flasher):
    """board: the Board-ID in the drive's INFO_UF2.TXT; --probe names the drive, by its folder."""

    chosen_by = "probe"

    def command(self, bundle: Bundle) -> list[str]:
        return ["cp", str(bundle.folder / UF2), self.probe_id or "DRIVE"]

    def probe(self) -> Found:
        drives = [Path(self.probe_id)] if self.probe_id else _drives()
        boards = {str(drive): _board(drive) for drive in drives}
        wanted = self.text("board")
        seen = [Seen(drive, board, board == wanted) for drive, board in boards.items() if board]
        fix = (
            "start the board's UF2 boot loader (its button held while it is plugged in), and mount its drive"
        )
        self.probe_id = choose(self.probe_id, seen, "probe", fix)
        if boards[self.probe_id] != wanted:
            what = f"says that it is '{boards[self.probe_id]}'; the target '{self.target.name}' is '{wanted}'"
            raise DeviceError(Problem(f"drive {self.probe_id}", what, "nothing was written"))
        return Found(self.probe_id, wanted)

    def flash(self, bundle: Bundle, track: Track = untracked) -> None:
        image = bundle.folder / UF2
        if not image.is_file():
            what = "holds no firmware.uf2"
            raise UsageError(Problem(str(bundle.folder), what, "build it again"))
        size = image.stat().st_size
        try:
            with (Path(self.probe_id) / UF2).open("wb") as file, image.open("rb") as source:
                shutil.copyfileobj(source, file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            fix = "bring the board into its boot loader again, and flash it again"
            problem = Problem(f"drive {self.probe_id}", f"cannot be written: {error.strerror or error}", fix)
            raise DeviceError(problem) from None
        track(size, size)


def _board(drive: Path) -> str:
    """What the drive says it is; "" for any other drive."""
    try:
        found = _BOARD.search((drive / INFORMATION).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""
    return found[1] if found else ""


def _drives() -> list[Path]:
    """Where something is mounted: of the system's table, or where such systems put drives."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        volumes = Path("/Volumes")
        letters = [Path(f"{letter}:/") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ"]
        return sorted(volumes.iterdir()) if volumes.is_dir() else letters
    places = [_ESCAPE.sub(lambda match: chr(int(match[1], 8)), line.split()[1]) for line in lines]
    return [Path(place) for place in places]


FLASHER = Uf2Flasher
