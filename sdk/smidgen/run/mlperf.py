"""MLPerf Tiny's accuracy and performance modes, carried out as its runner does, over its text commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from smidgen.compile.host_agent import build_host_agent
from smidgen.device.client import Stage
from smidgen.device.serial_device import SerialDevice
from smidgen.device.simulated_device import SimulatedDevice
from smidgen.device.simulators import pty_program
from smidgen.device.text_client import TextClient
from smidgen.run.mlperf_data import Dataset, Recording
from smidgen.run.mlperf_scores import auc, file_score, top_1
from smidgen.run.session import Session

BYTES_PER_COMMAND = 31  # as MLPerf Tiny's runner sends them
WINDOWS = 5  # of performance mode
SHORTEST_WINDOW_SECONDS = 10.0  # for a submission
# Inferences and warm-ups of performance mode (tests_performance.yaml of the runner).
INFERENCES = {"ad01": (1500, 10), "ic01": (20, 5), "kws01": (70, 10), "vww01": (20, 5)}
DEFAULT_INFERENCES = (10, 1)

_COMMAND_SECONDS = 30.0
_INFERENCE_SECONDS = 300.0
_RESULTS = re.compile(r"m-results-\[([^]]+)]")
_TIME = re.compile(r"m-lap-us-([0-9]+)")

Track = Callable[[Sequence[Recording], str], Iterable[Recording]]


@dataclass(frozen=True)
class Accuracy:
    """top_1: percent; auc: None when the files are all of one class."""

    files: int
    top_1: float
    auc: float | None


@dataclass(frozen=True)
class Performance:
    """seconds: of each window, None when the board has no clock; instructions: of one inference, where
    they are counted instead of cycles."""

    inferences: int
    warmups: int
    seconds: tuple[float | None, ...]
    instructions: int | None

    @property
    def throughput(self) -> float | None:
        """The median over the windows, in inferences per second."""
        known = [self.inferences / window for window in self.seconds if window]
        return float(np.median(known)) if known else None


@contextmanager
def open_agent(session: Session) -> Iterator[SerialDevice]:
    """The device of a session where it is behind a line; for the target `host` the agent as a process."""
    if isinstance(session.device, SerialDevice):
        yield session.device
        return
    program = session.bundle.folder / "agent"
    build_host_agent(session.bundle, session.target, program, session.optimize)
    expected = str(session.bundle.manifest["version"])
    with SimulatedDevice(lambda: pty_program.start("agent", program.parent), expected=expected) as device:
        yield device


class Runner:
    """Runs the modes on one board."""

    def __init__(self, device: SerialDevice) -> None:
        self._device = device
        self._client = TextClient(device.port)
        self._client.greet(Stage("name", _COMMAND_SECONDS))

    def model(self) -> str:
        """What the firmware calls its model, which is how MLPerf Tiny's runner chooses the test."""
        lines = self._ask("profile")
        names = [line[len("m-model-[") : -1] for line in lines if line.startswith("m-model-[")]
        return names[0] if names else ""

    def accuracy(self, dataset: Dataset, track: Track) -> Accuracy:
        """Every window of every file once."""
        scores = []
        for recording in track(dataset.recordings, "accuracy"):
            results = []
            for window in recording.windows:
                self.load(window)
                results.append(self.infer(1, 0)[0])
            scores.append(file_score(np.array(results)))
        labels = np.array([recording.label for recording in dataset.recordings])
        return Accuracy(len(scores), top_1(np.array(scores), labels), auc(np.array(scores), labels))

    def performance(self, dataset: Dataset, inferences: int, warmups: int, track: Track) -> Performance:
        """The first window of the first five files, again from the first on where there are fewer."""
        files = [dataset.recordings[i % len(dataset.recordings)] for i in range(WINDOWS)]
        seconds = []
        for recording in track(files, "performance"):
            self.load(recording.windows[0])
            seconds.append(self.infer(inferences, warmups)[1])
        return Performance(inferences, warmups, tuple(seconds), self._instructions())

    def _ask(self, command: str, seconds: float = _COMMAND_SECONDS) -> list[str]:
        return self._client.ask(Stage(f"'{command}'", seconds), command)

    def load(self, data: bytes) -> None:
        """Sends one input, as many bytes as the model takes."""
        self._ask(f"db load {len(data)}")
        for start in range(0, len(data), BYTES_PER_COMMAND):
            self._ask(f"db {data[start : start + BYTES_PER_COMMAND].hex()}")

    def infer(self, inferences: int, warmups: int) -> tuple[np.ndarray, float | None]:
        """The results (values,) of the last inference, and the seconds that all took."""
        deadline = _INFERENCE_SECONDS * (inferences + warmups)
        lines = self._ask(f"infer {inferences} {warmups}", deadline)
        text = "\n".join(lines)
        results, times = _RESULTS.search(text), [int(time) for time in _TIME.findall(text)]
        if results is None or len(times) != 2:
            raise Stage("infer", deadline).error(f"the device answers something else: {text}")
        elapsed = (times[1] - times[0]) / 1e6
        return np.array([float(value) for value in results[1].split(",")]), elapsed or None

    def _instructions(self) -> int | None:
        """Of one inference, on a board that counts them and has no cycles, so no clock."""
        inputs = [np.zeros(info.shape, info.dtype.numpy) for info in self._device.describe().inputs]
        run = self._device.run(inputs)
        return run.instructions if run.cycles is None else None
