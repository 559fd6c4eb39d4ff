"""The fixtures `model_under_test` and `golden`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
from filelock import FileLock

from smidgen.compile.build import build
from smidgen.compile.bundle import GOLDEN, Bundle
from smidgen.compile.cache import content_key
from smidgen.device import Device, SelfTest
from smidgen.device.boards import open_board, prepare_board
from smidgen.device.flashers import make_flasher
from smidgen.device.flashing import flash_bundle
from smidgen.device.serial_device import WrongFirmware
from smidgen.device.virtual_board import VirtualBoard, has_virtual_flash
from smidgen.graph import Graph
from smidgen.importers import load_model
from smidgen.paths import cache_folder
from smidgen.run.inputs import Inputs, get_inputs
from smidgen.run.profiling import Profiled, profile
from smidgen.run.session import Session
from smidgen.run.validate import Validation, validate
from smidgen.targets import Target
from smidgen.testing.board import Board
from smidgen.testing.case import Case
from smidgen.testing.deadline import deadline
from smidgen.testing.settings import ModelSettings

_BUILT: pytest.StashKey[dict[tuple[str, str], tuple[Graph, Bundle]]] = pytest.StashKey()


@dataclass(frozen=True, eq=False)
class Golden:
    """A known answer, from a reset state: an array for each of the model's inputs and outputs."""

    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]


class ModelUnderTest:
    """The model, answering on the board.

    `session` and `device` are those of the Python interface (smidgen.run.session, smidgen.device); what the
    methods here measure is recorded, and held against the budgets when the test ends.
    """

    def __init__(self, settings: ModelSettings, session: Session, case: Case) -> None:
        self._settings = settings
        self._case = case
        self.session = session
        self.name = settings.name
        self._inputs: Inputs | None = None

    @property
    def device(self) -> Device:
        return self.session.device

    @property
    def inputs(self) -> Inputs:
        """Those of the data file, with its labels, or seeded random ones."""
        if self._inputs is None:
            self._inputs = get_inputs(self.session.graph, self._settings.data, self._settings.limit)
        return self._inputs

    @property
    def golden(self) -> tuple[Golden, ...]:
        with np.load(self.session.bundle.folder / GOLDEN) as arrays:
            columns = [
                [arrays[f"{kind}_{index}"] for index in range(len(names))]
                for kind, names in (
                    ("input", self.session.graph.inputs),
                    ("output", self.session.graph.outputs),
                )
            ]
            count = len(arrays["seeds"])
        return tuple(
            Golden(*(tuple(column[at] for column in kind) for kind in columns)) for at in range(count)
        )

    def reset(self) -> None:
        """Gives the model's persistent state its initial value."""
        self.device.reset()

    def run(self, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        """One inference: the outputs. Measures cycles or instructions, the most of all runs of the test."""
        run = self.device.run(inputs)
        self._measure_counts(run.cycles, run.instructions)
        return run.outputs

    def validate(
        self, inputs: Inputs | None = None, against: str = "reference", layers: bool = False
    ) -> Validation:
        """Compares with an oracle ("reference", "tflm", "litert"), byte for byte; `layers`: every tensor.

        Measures accuracy where there are labels, and cycles or instructions. When something differs, the
        first diverging layer is looked for; a failure of the test reports it.
        """
        inputs = inputs or self.inputs
        validation = validate(self.session, inputs, against, layers)
        result = validation.result
        self._measure_counts(result.cycles_max, result.instructions_max)
        if result.accuracy is not None:
            self._case.measure("accuracy", result.accuracy)
        self.record("bit_exact", bool(result.bit_exact))
        if not result.bit_exact:
            found = validation if layers else self._first_difference(inputs, against)
            self._case.first_difference = found.first_difference or validation.first_difference
        return validation

    def profile(self, inputs: Inputs | None = None) -> Profiled:
        """Cycles or instructions of every layer."""
        profiled = profile(
            self.session, inputs or replace(self.inputs, samples=self.inputs.samples[:1], labels=None)
        )
        self._measure_counts(profiled.result.cycles_max, profiled.result.instructions_max)
        return profiled

    def selftest(self) -> SelfTest:
        """The known answers that the firmware itself holds."""
        return self.device.selftest()

    def record(self, name: str, value: str | float | bool | None) -> None:
        """Anything else that belongs into the JUnit XML and the JSON file."""
        self._case.note(name, value)

    def _first_difference(self, inputs: Inputs, against: str) -> Validation:
        """The first sample that differs, layer by layer. State would carry over, so then all are compared."""
        if self.session.graph.states:
            return validate(self.session, inputs, against, layers=True)
        for sample in inputs.samples:
            found = validate(self.session, Inputs([sample], None, inputs.source), against, layers=True)
            if not found.result.bit_exact:
                break
        return found

    def _measure_counts(self, cycles: int | None, instructions: int | None) -> None:
        for name, value in (("cycles", cycles), ("instructions", instructions)):
            before = self._case.measured.get(name)
            self._case.measure(name, value if before is None or value is None else max(value, before))


@contextmanager
def open_model(request: pytest.FixtureRequest, board: Board, name: str) -> Iterator[ModelUnderTest]:
    """Builds the model for the board, writes it there where that is needed, and waits until it answers."""
    case = board.case
    assert case is not None
    settings = case.settings.models[name]
    case.note("model", name)
    case.set_budgets(name)
    if case.settings.cache is not None:
        os.environ["SMIDGEN_CACHE"] = str(case.settings.cache)
    with deadline("build", case.seconds.build):
        graph, bundle = _built(request, settings, board.target)
        prepare_board(board.entry, board.target)
    assert bundle.plan is not None
    figures = bundle.figures
    sizes = {"flash": figures.flash_bytes, "ram": figures.ram_bytes, "stack": figures.stack_bytes}
    sizes |= {"arena": bundle.plan.schedule.arena_bytes, "weights": figures.weights_bytes}
    for figure, value in sizes.items():
        case.measure(figure, value)
    with _loaded(board, bundle, case) as device:
        session = Session(settings.file, graph, board.target, bundle.plan, bundle, device, settings.optimize)
        yield ModelUnderTest(settings, session, case)


@contextmanager
def _loaded(board: Board, bundle: Bundle, case: Case) -> Iterator[Device]:
    device = _device(board, bundle, case)
    board.attach(device)
    try:
        try:
            device.load()
        except WrongFirmware:
            if case.settings.flash == "never" or not board.entry.serial or board.target.flasher is None:
                raise
            device.close()
            _flash(board, bundle, case)
            device.load()
        board.loaded = True
        yield device
    finally:
        board.loaded = False
        device.close()


def _device(board: Board, bundle: Bundle, case: Case) -> Device:
    """Not loaded yet. Virtual boards run the image as it is, unless they are to be flashed, too."""
    entry, deadlines = board.entry, case.seconds.deadlines()
    if (
        case.settings.flash == "always"
        and not entry.serial_pty
        and (entry.serial or has_virtual_flash(board.target))
    ):
        _flash(board, bundle, case)
        if not entry.serial:
            return VirtualBoard(board.target, entry.id).device(bundle, deadlines)
    return open_board(entry, board.target, bundle, deadlines)


def _flash(board: Board, bundle: Bundle, case: Case) -> None:
    """Through a virtual board's boot loader, or over the line that the hardware map names."""
    with deadline("flash", case.seconds.flash):
        port = board.entry.serial
        if not port:
            flash_bundle(bundle.folder, board.target, name=board.id)
        elif make_flasher(board.target).chosen_by == "probe":
            # Twister's id is the probe's, where no other is named.
            flash_bundle(bundle.folder, board.target, probe=board.entry.probe_id or board.id)
        else:
            flash_bundle(bundle.folder, board.target, port=port)


def _built(request: pytest.FixtureRequest, settings: ModelSettings, target: Target) -> tuple[Graph, Bundle]:
    """Built once for each model and target; processes that share a cache wait for each other, so that they
    do not compile the same thing at once."""
    built = request.config.stash.setdefault(_BUILT, {})
    key = (settings.name, str(target.path))
    if key not in built:
        folder = request.getfixturevalue("tmp_path_factory").mktemp("bundle")
        graph = load_model(settings.file)
        locks = cache_folder() / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        name = content_key(
            [settings.file.read_bytes(), target.path.read_bytes(), settings.optimize, settings.arena]
        )
        with FileLock(locks / f"{name}.lock"):
            built[key] = graph, build(graph, target, folder, settings.optimize, arena=settings.arena)
    return built[key]
