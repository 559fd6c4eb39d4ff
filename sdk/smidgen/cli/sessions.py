"""What `run`, `validate` and `profile` work on: a model that is built for the run, or a flashed bundle."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager
from pathlib import Path

from smidgen.compile.bundle import load_bundle
from smidgen.errors import Problem, UsageError
from smidgen.report.progress import Stages
from smidgen.run.session import Session, model_in, open_bundle_session, open_session


def model_file(arguments: argparse.Namespace) -> Path:
    """The model that --model or --bundle names."""
    return arguments.model or model_in(load_bundle(arguments.bundle))


def open_chosen(
    arguments: argparse.Namespace, stages: Stages, joins: bool = True
) -> AbstractContextManager[Session]:
    """The session that the options ask for. joins: see `compile.lower_and_plan`."""
    if arguments.bundle is None:
        return open_session(
            arguments.model,
            arguments.target,
            arguments.optimize,
            stages,
            arguments.arena,
            arguments.port,
            joins,
        )
    for option, value, default in (
        ("--optimize", arguments.optimize, "speed"),
        ("--arena", arguments.arena, "fast"),
    ):
        if value != default:
            fix = "give it to 'smidgen build', and flash the bundle again"
            raise UsageError(Problem(f"{option} {value}", "a bundle is built already", fix))
    return open_bundle_session(arguments.bundle, arguments.target, stages, arguments.port)
