"""The pytest plugin: options, markers, fixtures. Everything else is imported by the first test that needs it,
so that test runs without boards pay nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from smidgen.testing.results import Results
from smidgen.testing.stash import CASE

if TYPE_CHECKING:
    from smidgen.testing.board import Board
    from smidgen.testing.dut import Dut
    from smidgen.testing.model import Golden, ModelUnderTest

MARKER = (
    "smidgen(platform, fixtures, model, seconds, budget): run a test with the fixture 'board' only on this "
    "platform, on boards with all of these fixtures, with this model; with these deadlines and budgets"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("smidgen", "models on boards (Smidgen)")
    group.addoption("--smidgen-map", metavar="FILE", help="hardware map, in twister's YAML format")
    group.addoption(
        "--smidgen-board", action="append", default=[], metavar="NAME",
        help="only boards with this id or platform; may be given again",
    )  # fmt: skip
    group.addoption(
        "--smidgen-model", action="append", default=[], metavar="FILE",
        help="the model under test, as a line of the ini option smidgen_models; may be given again",
    )  # fmt: skip
    group.addoption("--smidgen-cache", metavar="FOLDER", help="where builds are cached by content")
    group.addoption("--smidgen-budgets", metavar="FILE", help="limits of what is measured (TOML)")
    group.addoption(
        "--smidgen-seconds", action="append", default=[], metavar="STAGE=N",
        help="the deadline of a stage; may be given again",
    )  # fmt: skip
    group.addoption(
        "--smidgen-flash", choices=("auto", "always", "never"),
        help="write the firmware to boards on a serial port: when they hold another (default), always, never",
    )  # fmt: skip
    group.addoption("--smidgen-json", metavar="FILE", help="write what was measured as JSON")
    parser.addini("smidgen_map", "hardware map, in twister's YAML format", default="")
    parser.addini(
        "smidgen_models",
        "models under test, one a line: FILE [data=FILE] [limit=N] [optimize=speed|size] [arena=fast|small]",
        type="linelist",
        default=[],
    )
    parser.addini("smidgen_cache", "where builds are cached by content", default="")
    parser.addini("smidgen_budgets", "limits of what is measured (TOML)", default="")
    parser.addini("smidgen_seconds", "deadlines: STAGE=N ...", type="args", default=[])
    parser.addini("smidgen_flash", "auto, always or never", default="auto")
    parser.addini("smidgen_json", "file for what was measured, as JSON", default="")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if not hasattr(config, "workerinput"):  # pytest-xdist's workers send their reports to one that is none
        config.pluginmanager.register(Results(config), "smidgen-results")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Only our own fixtures ask for these, so a fixture `board` of somebody else is left alone.
    if "smidgen_platform" in metafunc.fixturenames:
        from smidgen.testing.parametrizing import parametrize_boards, parametrize_models

        parametrize_boards(metafunc)
        if "smidgen_model" in metafunc.fixturenames:
            parametrize_models(metafunc)


@pytest.fixture
def board(request: pytest.FixtureRequest, smidgen_platform: str) -> Iterator[Board]:
    """A board of the hardware map, locked while the test runs. The test is repeated for every platform."""
    from smidgen.testing.board import lease_board

    with lease_board(request, smidgen_platform) as leased:
        yield leased


@pytest.fixture
def model_under_test(
    request: pytest.FixtureRequest, board: Board, smidgen_model: str
) -> Iterator[ModelUnderTest]:
    """The model, built for the board and answering there. The test is repeated for every model."""
    from smidgen.testing.model import open_model

    with open_model(request, board, smidgen_model) as model:
        yield model


@pytest.fixture
def golden(model_under_test: ModelUnderTest) -> tuple[Golden, ...]:
    """Known answers of the model: seeded inputs and the outputs that they must give from a reset state."""
    return model_under_test.golden


@pytest.fixture
def dut(request: pytest.FixtureRequest, board: Board) -> Iterator[Dut]:
    """The board's serial line as text, with pytest-embedded's `expect`, `expect_exact` and `write`."""
    from smidgen.testing.dut import open_dut

    if "model_under_test" in request.fixturenames:
        request.getfixturevalue("model_under_test")
    with open_dut(board) as device_under_test:
        yield device_under_test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    case = item.stash.get(CASE, None)
    if case is None:
        return (yield)
    with case.deadline():
        result = yield
    case.check_budgets()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    case = item.stash.get(CASE, None)
    if case is not None and report.failed:
        case.explain_failure(report, call)
    return report
