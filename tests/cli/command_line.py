"""Runs the command line as a user does: in a process of its own.

It is forked from one that has imported Smidgen already, because that takes longer than most commands do.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smidgen.cli import main

SECONDS = 300
VERBS = ("analyze", "bench", "build", "profile", "run", "validate")


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
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__, *(f"smidgen.cli.{verb}" for verb in VERBS)])
    with tempfile.TemporaryDirectory() as written:
        streams = Path(written, "output"), Path(written, "errors")
        setting = {**os.environ, **(environment or {})}
        command = [str(argument) for argument in arguments]
        process = processes.Process(target=_run, args=(command, setting, folder or Path.cwd(), streams))
        process.start()
        process.join(SECONDS)
        code = process.exitcode
        process.kill()
        assert code is not None, f"not done within {SECONDS} s"
        return Outcome(code, *(stream.read_text() for stream in streams))


def _run(
    arguments: list[str], environment: Mapping[str, str], folder: Path, streams: tuple[Path, Path]
) -> None:
    for number, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.exit(main(arguments))


def refused(outcome: Outcome, code: int, *words: str) -> None:
    """The command ended with this code and one clear message that says all of `words`, and no traceback."""
    assert outcome.code == code, outcome.output + outcome.errors
    assert "Traceback" not in outcome.output + outcome.errors
    assert "error: " in outcome.errors
    for word in words:
        assert word in outcome.errors
