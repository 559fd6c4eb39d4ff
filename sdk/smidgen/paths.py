"""Where Smidgen keeps its data folders (`targets`, `firmware`, `hw`) and its cache.

In a source tree the folders stand at the top of the repository; in an installed wheel they lie under
`smidgen/_data`.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """The folder `targets`, `firmware` or `hw`, or the file `LICENSE`, wherever they are installed."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.exists() else _PACKAGE.parents[1] / name


def cache_folder() -> Path:
    """Where simulators and measured tables are cached by content: $SMIDGEN_CACHE, else the user's cache."""
    override = os.environ.get("SMIDGEN_CACHE")
    if override:
        return Path(override)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "smidgen"


def state_folder() -> Path:
    """What must outlive a process and is no cache: locks of boards, the flash of virtual ones.

    $SMIDGEN_STATE, else the user's folder for such things.
    """
    override = os.environ.get("SMIDGEN_STATE")
    if override:
        return Path(override)
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "smidgen"
