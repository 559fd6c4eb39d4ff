"""One TOML table, read key by key."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smidgen.errors import Problem, ProblemList, UsageError


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """What a file holds that a user wrote. what: names its kind. UsageError when it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot read the {what}: {error.strerror}")) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(Problem(str(path), f"is not valid TOML: {error}")) from None


class Table:
    """Reads the keys of one TOML table, collecting a problem for each that is missing, wrong or unknown."""

    def __init__(self, file: Path, name: str, values: Mapping[str, Any], problems: ProblemList) -> None:
        self.file, self.name, self.values, self.problems = file, name, values, problems
        self.known: set[str] = set()

    def problem(self, key: str, what: str, fix: str = "") -> None:
        place = ".".join(part for part in (self.name, key) if part)
        self.problems.add(str(self.file), f"'{place}' {what}", fix)

    def text(self, key: str, default: str | None = None) -> str:
        return self._value(key, str, "a text", default) or ""

    def number(self, key: str, default: int | None = None, required: bool = True) -> int | None:
        value = self._value(key, int, "a whole number", default, required)
        if isinstance(value, bool) or (value is not None and value < 0):
            self.problem(key, f"must be a whole number of 0 or more, not {value}")
            return None
        return value

    def flag(self, key: str, default: bool) -> bool:
        return bool(self._value(key, bool, "true or false", default))

    def texts(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        value = self._value(key, list, "a list of texts", default) or []
        if not all(isinstance(item, str) for item in value):
            self.problem(key, "must be a list of texts")
            return ()
        return tuple(value)

    def real(self, key: str, default: float | None) -> float | None:
        """A finite number, whole or not."""
        value = self._value(key, (int, float), "a number", default, required=False)
        if isinstance(value, bool) or (value is not None and not math.isfinite(value)):
            self.problem(key, f"must be a number, not {value}")
            return default
        return None if value is None else float(value)

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(key, default)
        if value and value not in choices:
            self.problem(key, f"is '{value}'", f"use one of: {', '.join(choices)}")
        return value

    def table(self, key: str, required: bool) -> Table | None:
        value = self._value(key, dict, "a table", None, required)
        name = f"{self.name}.{key}" if self.name else key
        return None if value is None else Table(self.file, name, value, self.problems)

    def numbers(self, key: str) -> tuple[int, ...]:
        value = self._value(key, list, "a list of whole numbers", None) or []
        if not all(isinstance(item, int) and item >= 0 for item in value):
            self.problem(key, "must be a list of whole numbers of 0 or more")
            return ()
        return tuple(value)

    def tables(self, key: str) -> list[Table]:
        """The tables of an array of tables, none when it is missing."""
        value = self._value(key, list, "an array of tables", None, required=False) or []
        if not all(isinstance(item, dict) for item in value):
            self.problem(key, f"must be an array of tables: [[{key}]]")
            return []
        name = f"{self.name}.{key}" if self.name else key
        return [Table(self.file, f"{name}[{i}]", item, self.problems) for i, item in enumerate(value)]

    def finish(self) -> None:
        """Complain about every key that nothing asked for."""
        for key in self.values:
            if key not in self.known:
                near = difflib.get_close_matches(key, self.known, n=1)
                fix = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(sorted(self.known))}"
                self.problem(key, "is not known", fix)

    def _value(
        self, key: str, kind: type | tuple[type, ...], kind_name: str, default: Any, required: bool = True
    ) -> Any:
        self.known.add(key)
        if key not in self.values:
            if default is None and required:
                self.problem(key, "is missing", f"it must be {kind_name}")
            return default
        value = self.values[key]
        if not isinstance(value, kind):
            self.problem(key, f"must be {kind_name}, not {value!r}")
            return default
        return value
