"""One test on one board: what it measured, its deadline, and what is told about it when it fails."""

from __future__ import annotations

import contextlib
import shlex
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _pytest
import pluggy
import pytest

import smidgen
from smidgen.errors import ProblemList, SmidgenError, UsageError
from smidgen.testing.budgets import check_limits, exceeded
from smidgen.testing.deadline import deadline
from smidgen.testing.marker import marker_values
from smidgen.testing.settings import settings
from smidgen.testing.stash import CASE

if TYPE_CHECKING:
    from _pytest._code import Traceback

    from smidgen.testing.board import Board

_OPTIONS = ("map", "model", "cache", "budgets", "seconds", "flash")


class Case:
    """Made by the fixture `board`; lives as long as the test's item."""

    def __init__(self, item: pytest.Item, board: Board) -> None:
        self._item = item
        self.settings = settings(item.config)
        self.board = board
        self.limits: dict[str, float] = {}
        self.measured: dict[str, float | None] = {}
        self.first_difference: str | None = None
        self._marker = marker_values(item)
        self.seconds = self.settings.seconds.but(self._marker.get("seconds", {}), item.nodeid)
        item.stash[CASE] = self
        self.note("board", board.id)
        self.note("platform", board.platform)

    def deadline(self) -> AbstractContextManager[None]:
        return deadline("the test", self.seconds.test)

    def note(self, name: str, value: Any) -> None:
        """A property of the test, for JUnit XML and JSON."""
        properties = self._item.user_properties
        properties[:] = [one for one in properties if one[0] != name]
        properties.append((name, value))

    def measure(self, name: str, value: float | None) -> None:
        """A figure that may have a budget."""
        self.measured[name] = value
        self.note(name, value)

    def set_budgets(self, model: str) -> None:
        """Those of the file, and those of the test's marker over them. UsageError: the latter are wrong."""
        self.limits = self.settings.budgets.limits(model, self.board.platform, self.board.target.name)
        own = self._marker.get("budget", {})
        problems = ProblemList()
        check_limits(own, f"{self._item.nodeid}, marker 'smidgen', budget", problems)
        problems.stop_if_any(UsageError)
        self.limits |= own
        for name, limit in self.limits.items():
            self.note(f"{name}_budget", limit)

    def check_budgets(self) -> None:
        lines = exceeded(self.limits, self.measured)
        if lines:
            pytest.fail("over budget:\n" + "\n".join(lines), pytrace=False)

    def explain_failure(self, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
        """Adds what is known about the board to the report of a failure."""
        if call.excinfo is not None and isinstance(call.excinfo.value, SmidgenError):
            # The error says what is wrong; where in Smidgen it was noticed is of no use to the reader.
            report.longrepr = call.excinfo.getrepr(style="short", chain=False, tbfilter=_of_the_user)
        report.sections += self._sections()

    def _sections(self) -> list[tuple[str, str]]:
        try:
            difference = self.first_difference or self.board.ask_selftest(self.seconds)
        except SmidgenError as error:
            difference = f"unknown, because the board does not answer: {error}"
        sections = [("first diverging layer", difference)] if difference else []
        sections.append((f"serial line of board '{self.board.id}'", self.board.log()))
        return [*sections, ("run this case again", self._again())]

    def _again(self) -> str:
        config = self._item.config
        # With a space, pytest would take the name of a file for where the tests are, ini file and all.
        words = ["python", "-m", "pytest", self._item.nodeid, f"--smidgen-board={self.board.id}"]
        for name in _OPTIONS:
            given = config.getoption(f"--smidgen-{name}")
            for value in given if isinstance(given, list) else [given] if given else []:
                words.append(f"--smidgen-{name}={value}")
        if config.getoption("markexpr", ""):
            words += ["-m", config.getoption("markexpr")]
        command = shlex.join(words)
        here = config.invocation_params.dir
        return command if here == config.rootpath else f"cd {shlex.quote(str(config.rootpath))} && {command}"


def _of_the_user(info: pytest.ExceptionInfo[BaseException]) -> Traceback:
    """Without the frames of Smidgen and of pytest, which stand between the test and the error."""
    hidden = {Path(module.__file__).parent for module in (smidgen, pytest, pluggy, _pytest)}
    hidden.add(Path(contextlib.__file__))
    return info.traceback.filter(lambda entry: not hidden & {Path(entry.path), *Path(entry.path).parents})
