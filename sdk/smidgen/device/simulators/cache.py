"""What is built or fetched once and kept in the user's cache, under a name with a hash of its content."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Callable
from pathlib import Path

from smidgen.paths import cache_folder


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The file or folder of this name in the cache. `make` writes it to the path that it is given, if it is
    not there yet. Safe to call from several processes at once."""
    folder = cache_folder() / "simulators"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / name
    if kept.exists():
        return kept
    # Whoever comes second waits for the first and finds it done.
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with tempfile.TemporaryDirectory(prefix="build-", dir=folder) as temporary:
                made = Path(temporary) / name
                make(made)
                made.replace(kept)
    return kept
