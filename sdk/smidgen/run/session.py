"""A model on a target, from the file to the running device."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from smidgen.compile import Plan, lower_and_plan
from smidgen.compile.build import Progress, build, silent
from smidgen.compile.bundle import Bundle
from smidgen.compile.emit import model_version
from smidgen.compile.schedule import Schedule
from smidgen.device import Device, open_device
from smidgen.device.flashing import bundle_for
from smidgen.device.opening import open_flashed_device
from smidgen.errors import Problem, UsageError
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.run.result import Result, layers_of
from smidgen.targets import Target, load_target

_RUNNERS = {
    "verilator": "the simulator (built the first time)",
    "qemu": "QEMU",
    "rp2040js": "rp2040js (fetched the first time)",
}


@dataclass(frozen=True, eq=False)
class Session:
    """A bundle and its device, loaded and ready to run. model: the file, or the name of a graph without."""

    model: Path
    graph: Graph
    target: Target
    plan: Plan
    bundle: Bundle
    device: Device
    optimize: str

    @property
    def schedule(self) -> Schedule:
        return self.plan.schedule

    def result(self) -> Result:
        """Everything that is known before anything runs."""
        return static_result(self.model, self.target, self.plan, self.bundle, self.optimize)


@contextmanager
def open_session(
    model: str | Path | Graph,
    target: str | Path,
    optimize: str = "speed",
    progress: Progress = silent,
    arena: str = "fast",
    port: str | None = None,
    joins: bool = True,
) -> Iterator[Session]:
    """Import, build in a temporary folder and load. progress: told the name of each stage; port: of a board
    that serves this model already, instead of what the target file says; joins: see `lower_and_plan`.

    A graph instead of a file is taken as it is; only the oracle `reference` can then be compared with.
    Raises UsageError, ModelError, BuildError or DeviceError, whichever stage fails.
    """
    loaded_target = load_target(target)
    if isinstance(model, Graph):
        graph, path = model, Path(model.name)
    else:
        graph, path = load_model(model), Path(model)
    with tempfile.TemporaryDirectory(prefix="smidgen-") as folder:
        bundle = build(graph, loaded_target, folder, optimize, progress, arena=arena, joins=joins)
        assert bundle.plan is not None
        runner = _RUNNERS.get(loaded_target.runner.kind, "the device")
        progress(f"asking the board on {port}" if port else f"starting {runner}")
        with open_device(loaded_target, bundle, port) as device:
            yield Session(path, graph, loaded_target, bundle.plan, bundle, device, optimize)


@contextmanager
def open_bundle_session(
    folder: str | Path, target: str | Path, progress: Progress = silent, port: str | None = None
) -> Iterator[Session]:
    """A board that was flashed with this bundle: nothing is built, and the device must hold its image.

    progress, port: as above. Raises UsageError (a wrong bundle) and DeviceError.
    """
    loaded_target = load_target(target)
    bundle = bundle_for(Path(folder), loaded_target)
    progress("planning")
    graph = load_model(model_in(bundle))
    optimize, planned = bundle.manifest["optimize"], bundle.manifest["planned"]
    plan, _ = lower_and_plan(graph, loaded_target, optimize, planned["arena"], planned["limit"])
    if model_version(plan.schedule) != bundle.manifest["version"]:
        what = f"Smidgen {bundle.manifest['smidgen']} built it in another way than this one would"
        raise UsageError(Problem(str(folder), what, "build and flash it again"))
    progress("asking the board")
    with open_flashed_device(loaded_target, bundle, port) as device:
        yield Session(model_in(bundle), graph, loaded_target, plan, bundle, device, optimize)


def model_in(bundle: Bundle) -> Path:
    """The model's file in a bundle. UsageError when it holds none."""
    if bundle.source is None:
        fix = "build it with 'smidgen build'"
        raise UsageError(Problem(str(bundle.folder), "holds no model file", fix))
    return bundle.source


def static_result(model: Path, target: Target, plan: Plan, bundle: Bundle | None, optimize: str) -> Result:
    """The figures of a plan, and of its bundle when there is one."""
    schedule = plan.schedule
    result = Result(
        target=target.name,
        model=str(model),
        arena_bytes=schedule.arena_bytes,
        arena_tensors_bytes=schedule.arena_tensors_bytes,
        arena_lower_bound_bytes=schedule.arena_lower_bound_bytes,
        arena_live_bytes=schedule.arena_live_bytes,
        recomputed_macs=plan.recomputed_macs,
        layers=layers_of(schedule),
        optimize=optimize,
    )
    return result if bundle is None else result.with_figures(bundle.figures)
