"""Where the plugin keeps what belongs to a test, or to a run of pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from smidgen.testing.case import Case
    from smidgen.testing.settings import Settings

CASE: pytest.StashKey[Case] = pytest.StashKey()
SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
