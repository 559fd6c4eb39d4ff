"""What every test may use: the shared data folder, and a line that runs a failed test again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# For the tests of our own plugin; pytest takes it from no other conftest.py.
pytest_plugins = ["pytester"]

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public models and data sets: $SMIDGEN_SHARED, or ../shared/data beside the repository."""
    folder = Path(os.environ.get("SMIDGEN_SHARED", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set SMIDGEN_SHARED to the folder that holds mlperf_tiny")
    return folder


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        slow = " -m slow" if item.get_closest_marker("slow") else ""
        report.sections.append(("run this case again", f"python -m pytest{slow} '{item.nodeid}'"))
