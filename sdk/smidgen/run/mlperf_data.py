"""Data sets as MLPerf Tiny's runner has them: a folder with y_labels.csv and the files that it names.

A row of y_labels.csv: file, number of classes, class, and for anomaly detection the bytes of one window and
how far the next one is behind it. A file holds what is sent to the board, byte for byte.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.graph import Graph
from smidgen.graph.packing import storage_bytes

LABELS = "y_labels.csv"
_SLIDING = "ad01"  # the benchmark whose files hold more than one input, as floats
_FLOAT_BYTES = 4
_SHOWN_PROBLEMS = 8


@dataclass(frozen=True, eq=False)
class Recording:
    """One file. windows: each is one input of the model, as it is sent."""

    file: str
    label: int
    windows: tuple[bytes, ...]


@dataclass(frozen=True, eq=False)
class Dataset:
    """benchmark: MLPerf Tiny's name for it, such as kws01, which is the folder's."""

    benchmark: str
    recordings: tuple[Recording, ...]


def load_dataset(folder: Path, limit: int | None = None) -> Dataset:
    """The first `limit` files (all when None). Raises UsageError with everything that is wrong."""
    benchmark = folder.resolve().name
    problems = ProblemList()
    recordings = []
    for number, row in enumerate(_rows(folder / LABELS)[:limit], 1):
        try:
            recordings.append(_recording(folder, row, benchmark == _SLIDING))
        except (OSError, ValueError, IndexError) as error:
            what = getattr(error, "strerror", None) or error
            problems.add(f"{folder / LABELS}, row {number}", f"cannot be used: {what}", "see docs/mlperf.md")
        if len(problems.problems) >= _SHOWN_PROBLEMS:
            break
    problems.stop_if_any(UsageError)
    return Dataset(benchmark, tuple(recordings))


def check_windows(dataset: Dataset, graph: Graph) -> None:
    """That each window is one input of the model. Raises UsageError with the files where it is not."""
    tensors = [graph.tensor(name) for name in graph.inputs]
    size = sum(storage_bytes(tensor.dtype, math.prod(tensor.shape)) for tensor in tensors)
    if dataset.benchmark == _SLIDING:
        size *= _FLOAT_BYTES
    problems = ProblemList()
    for recording in dataset.recordings:
        found = len(recording.windows[0])
        if found != size and len(problems.problems) < _SHOWN_PROBLEMS:
            problems.add(recording.file, f"has {found} bytes", f"one input of '{graph.name}' is {size} bytes")
    problems.stop_if_any(UsageError)


def _rows(table: Path) -> list[list[str]]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        what = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        fix = "give a data set's folder of MLPerf Tiny's runner, such as datasets/kws01"
        raise UsageError(Problem(str(table), what, fix)) from None
    if not rows:
        raise UsageError(Problem(str(table), "names no files"))
    return rows


def _recording(folder: Path, row: list[str], sliding: bool) -> Recording:
    data = (folder / row[0]).read_bytes()
    if not data:
        raise ValueError(f"{row[0]} is empty")
    if not sliding:
        return Recording(row[0], int(row[2]), (data,))
    size, stride = int(row[3]), int(row[4])
    if size < 1 or stride < 1 or size > len(data):
        raise ValueError(f"{row[0]} has {len(data)} bytes, a window {size}, the next one {stride} behind it")
    starts = range(0, len(data) - size + 1, stride)
    return Recording(row[0], int(row[2]), tuple(data[start : start + size] for start in starts))
