"""The agent with the toy model of tests/link, whose state tells how often it ran."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "link"))

import toy
from mirror import SIZE


@pytest.fixture(scope="session")
def host_agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program, with address and undefined behaviour sanitizers."""
    return toy.build_host(tmp_path_factory.mktemp("host"), size=SIZE)
