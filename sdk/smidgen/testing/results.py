"""What the tests measured, as a JSON file and as lines at the end of pytest's output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smidgen import __version__
from smidgen.testing.ini import ini_folder

_COUNTED = ("cycles", "instructions")


class Results:
    """Gathers the properties that tests on boards recorded, also from pytest-xdist's workers."""

    def __init__(self, config: pytest.Config) -> None:
        name = config.getoption("--smidgen-json") or ""
        # As pytest's own --junit-xml: from where pytest was started, or from the ini file.
        self._path = config.invocation_params.dir / name if name else None
        if not name and config.getini("smidgen_json"):
            self._path = ini_folder(config) / str(config.getini("smidgen_json"))
        self._tests: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        if "board" not in properties:
            return
        test = self._tests.setdefault(
            report.nodeid, {"test": report.nodeid, "outcome": "passed", "seconds": 0.0}
        )
        test |= properties
        test["seconds"] = round(test["seconds"] + report.duration, 3)
        if report.failed:
            test["outcome"] = "failed" if report.when == "call" else "error"
        elif report.skipped:
            test["outcome"] = "skipped"

    def pytest_sessionfinish(self) -> None:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            content = {"smidgen": __version__, "tests": list(self._tests.values())}
            self._path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        lines = [*self._figures(), *self._unmeasured()]
        if lines:
            terminalreporter.section("models on boards")
            for line in lines:
                terminalreporter.write_line(line)
        if self._path is not None:
            terminalreporter.write_line(f"measurements written to {_shown(self._path)}")

    def _figures(self) -> Iterator[str]:
        """A line for every model on every platform: the worst that any test saw."""
        for (model, platform), tests in self._by_model().items():
            figures = []
            for name, worst in (*((name, max) for name in (*_COUNTED, "flash", "ram")), ("accuracy", min)):
                values = [test[name] for test in tests if test.get(name) is not None]
                if values:
                    value = worst(values)
                    figures.append(f"{name} {value:.4f}" if name == "accuracy" else f"{name} {value:,.0f}")
            yield f"{model} on {platform}: {', '.join(figures) or 'nothing measured'}"

    def _unmeasured(self) -> Iterator[str]:
        """Budgets that no test of this run has measured: they could not fail."""
        for (model, platform), tests in self._by_model().items():
            limited = {name for test in tests for name in test if name.endswith("_budget")}
            for name in sorted(limited):
                figure = name.removesuffix("_budget")
                if not any(figure in test for test in tests):
                    yield f"warning: no test measured '{figure}' of {model} on {platform}, which has a budget"

    def _by_model(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for test in self._tests.values():
            if "model" in test:
                found.setdefault((test["model"], test["platform"]), []).append(test)
        return dict(sorted(found.items()))


def _shown(path: Path) -> Path:
    """Relative where that is shorter."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
