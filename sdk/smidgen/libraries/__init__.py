"""Libraries: a model as a folder that builds in somebody else's ecosystem, without Smidgen.

One file per ecosystem says where things lie there; `content` gathers what all of them hold.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

from smidgen.compile.build import Progress, build, silent
from smidgen.compile.bundle import Bundle
from smidgen.compile.emit import identifier
from smidgen.compile.sources import write_files
from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.graph import Graph
from smidgen.libraries import arduino, cmake, cmsis_pack, esp_idf, platformio, zephyr, zynq
from smidgen.libraries.content import library, write_to
from smidgen.libraries.format import Format
from smidgen.targets import Target

__all__ = ["FORMATS", "Format", "export_library"]

_MODULES = (cmake, arduino, platformio, zephyr, esp_idf, cmsis_pack, zynq)
FORMATS = {module.FORMAT.name: module.FORMAT for module in _MODULES}
_VERSION = re.compile(r"(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})")


def export_library(
    graph: Graph,
    target: Target,
    kind: Format,
    directory: Path,
    name: str | None = None,
    version: str = "1.0.0",
    optimize: str = "speed",
    arena: str = "fast",
    progress: Progress = silent,
) -> Bundle:
    """Write a model as a library of this format into a new folder; the bundle that it was made from, whose
    folder is gone.

    name: of the library and the start of its C names, by default the model's; version: X.Y.Z.
    Raises UsageError (folder, name, version) before anything is built, and what `build` raises, such as
    TooBig when the target cannot hold the model.
    """
    _check(kind, target, directory, name or identifier(graph.name), version, is_chosen=name is not None)
    target = replace(target, kernels=(*kind.kernels, *target.kernels), engine=kind.engine or target.engine)
    with tempfile.TemporaryDirectory() as folder:
        named = replace(graph, name=name) if name else graph
        bundle = build(named, target, folder, optimize, progress, arena=arena)
        progress("writing the library")
        files = kind.files(library(bundle, target, optimize, version))
    try:
        write_files(directory, files)
    except OSError as error:
        problem = Problem(
            str(directory), f"cannot write the library: {error.strerror}", "choose another folder"
        )
        raise UsageError(problem) from None
    return bundle


def _check(kind: Format, target: Target, directory: Path, name: str, version: str, is_chosen: bool) -> None:
    """Everything that is wrong with what was asked for, at once."""
    problems = ProblemList()
    if not write_to(directory):
        what = "is not an empty folder, and files of another library could stay in it"
        problems.add(str(directory), what, "name a new folder")
    where = "--name" if is_chosen else f"the model's name '{name}'"
    fix = "choose another one with --name, such as --name my_model"
    if is_chosen and name != identifier(name):
        what = f"'{name}' is not a name for C: lower-case letters, digits and single underscores"
        problems.add(where, what, f"for example --name {identifier(name)}")
    objection = kind.objection(name)
    if objection is not None:
        problems.add(where, f"cannot be the name of a {kind.name} library: {objection}", fix)
    if not _VERSION.fullmatch(version):
        problems.add("--library-version", f"'{version}' is not a version X.Y.Z", "for example 1.0.0")
    if kind.kernels and not target.is_host:
        what = f"a {kind.name} library runs on a processor of its own, not on '{target.name}'"
        problems.add("--target", what, "leave it away")
    problems.stop_if_any(UsageError)
