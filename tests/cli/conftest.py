"""A small model that every test of the command line can use."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def digits(repository: Path) -> Path:
    return repository / "examples" / "digits" / "digits_int8.tflite"


@pytest.fixture(scope="session")
def digits_data(repository: Path) -> Path:
    return repository / "examples" / "digits" / "digits_test.npz"
