"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SECONDS = 300


@dataclass(frozen=True)
class Outcome:
    """What a command ended with."""

    code: int
    output: str
    errors: str


def smidgen(
    *arguments: object, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Outcome:
    """Run `smidgen` with these arguments; environment replaces single variables."""
    program = "import sys; from smidgen.cli import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, **(environment or {})},
        cwd=folder,
        check=False,
    )
    return Outcome(result.returncode, result.stdout, result.stderr)


def refused(outcome: Outcome, code: int, *words: str) -> None:
    """The command ended with this code and one clear message that says all of `words`, and no traceback."""
    assert outcome.code == code, outcome.output + outcome.errors
    assert "Traceback" not in outcome.output + outcome.errors
    assert "error: " in outcome.errors
    for word in words:
        assert word in outcome.errors
