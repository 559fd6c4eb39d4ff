"""The errors that a user sees.

Every stage collects all of its problems before it stops, so an error carries a list. A problem names
where it is (file, operator or option), what is wrong and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    where: the file, operator or option it is about; what: what is wrong; fix: what to do about it.
    """

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}"
        return f"{text}\n    {self.fix}" if self.fix else text


class SmidgenError(Exception):
    """Base of every error that Smidgen raises on purpose; the command line prints it without a traceback."""

    exit_code = 1

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ModelError(SmidgenError):
    """The model file is damaged, or holds something that Smidgen does not support."""


class BuildError(SmidgenError):
    """The model cannot be built for this target: it does not fit, or a tool failed."""


class UsageError(SmidgenError):
    """A wrong option, file name, target name or input."""

    exit_code = 2


class DeviceError(SmidgenError):
    """The device or simulator did not do what it should; the problem names the stage."""

    exit_code = 3


class ProblemList:
    """Collects problems of one stage; `stop_if_any` raises them together."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, where: str, what: str, fix: str = "") -> None:
        self.problems.append(Problem(where, what, fix))

    def stop_if_any(self, error: type[SmidgenError]) -> None:
        if self.problems:
            raise error(self.problems)
