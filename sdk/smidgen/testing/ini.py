"""Where the ini file is. Imported in runs without boards, too, so it imports nothing of Smidgen."""

from __future__ import annotations

from pathlib import Path

import pytest


def ini_folder(config: pytest.Config) -> Path:
    """What files named in the ini file are relative to; without one, pytest's root."""
    return config.inipath.parent if config.inipath else config.rootpath
