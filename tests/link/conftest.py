"""Firmware images that the link's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy


@pytest.fixture(scope="session")
def host_agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent with the toy model as a program, with address and undefined behaviour sanitizers."""
    return toy.build_host(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="session")
def small_host_agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with so little RAM that the input cannot be kept beside the arena."""
    return toy.build_host(
        tmp_path_factory.mktemp("small"), flags=(*toy.SANITIZERS, f"-DHOST_RAM_BYTES={4 * 1000 + 8 + 640}")
    )


@pytest.fixture(scope="session")
def midge_agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent with the toy model as an image for Midge."""
    return toy.build_midge(tmp_path_factory.mktemp("midge"))
