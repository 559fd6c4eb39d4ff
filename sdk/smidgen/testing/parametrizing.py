"""Repeats the tests that ask for a board or a model: for every platform on the shelf, and every model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from smidgen.device.boards import target_of
from smidgen.errors import Problem, SmidgenError, UsageError
from smidgen.targets import Target
from smidgen.testing.marker import wanted
from smidgen.testing.settings import no_map, no_model, settings


def parametrize_boards(metafunc: pytest.Metafunc) -> None:
    _parametrize(metafunc, "smidgen_platform", _platforms)


def parametrize_models(metafunc: pytest.Metafunc) -> None:
    _parametrize(metafunc, "smidgen_model", _models)


def _parametrize(
    metafunc: pytest.Metafunc, name: str, values: Callable[[pytest.Metafunc], Sequence[Any]]
) -> None:
    try:
        metafunc.parametrize(name, values(metafunc))
    except SmidgenError as error:
        raise pytest.Collector.CollectError(str(error)) from None


def _platforms(metafunc: pytest.Metafunc) -> list[Any]:
    given = settings(metafunc.config)
    if given.map_file is None:
        raise no_map()
    names = wanted(metafunc.definition, "platform")
    fixtures = wanted(metafunc.definition, "fixtures")
    targets = {platform: target_of(platform) for platform in given.shelf.platforms()}
    chosen = [
        _platform(platform, target)
        for platform, target in targets.items()
        if not names or platform in names or (target is not None and target.name in names)
        if given.shelf.having(platform, fixtures)
    ]
    return chosen or [_nothing(f"no board in {given.map_file} fits")]


def _platform(platform: str, target: Target | None) -> Any:
    if target is None:
        reason = f"'{platform}' is no target of Smidgen ('smidgen targets' lists them)"
        return pytest.param(platform, marks=pytest.mark.skip(reason=reason))
    return platform


def _models(metafunc: pytest.Metafunc) -> list[Any]:
    models = settings(metafunc.config).models
    if not models:
        raise no_model()
    names = wanted(metafunc.definition, "model")
    unknown = set(names) - set(models)
    if unknown:
        what = f"there is no model '{', '.join(sorted(unknown))}'"
        raise UsageError(Problem(metafunc.definition.nodeid, what, f"there are: {', '.join(models)}"))
    return list(names or models)


def _nothing(reason: str) -> Any:
    return pytest.param("none", marks=pytest.mark.skip(reason=reason))
