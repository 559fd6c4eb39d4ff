"""Labelled data to compress with: an .npz file, a folder of images with a CSV file, or a Python function."""

from __future__ import annotations

import csv
import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from smidgen.compress.batches import Track, untracked
from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.graph import Graph
from smidgen.run.inputs import Inputs, check_arrays, load_inputs

LABELS = "labels.csv"
_MODES = {1: "L", 3: "RGB"}
_DIGITS = 9  # of a label


@dataclass(frozen=True)
class DataSource:
    """source: an .npz file, a folder of images, or "module:function", which is run with `folder` on the
    module path and gives x, or (x, y), or a mapping of arrays named as in an .npz file.

    Of a folder of images: labels is the CSV file (None for `labels.csv` there), its first column names the
    image, its second the label; a label that is no number is looked up in `classes`; pixels (0 to 255) times
    `scale` plus `offset` is what the model gets.
    """

    source: str
    folder: Path = Path()
    labels: Path | None = None
    classes: tuple[str, ...] = ()
    scale: float = 1 / 255
    offset: float = 0.0


def load_data(graph: Graph, data: DataSource, track: Track = untracked) -> Inputs:
    """Read and check. Raises UsageError with everything that is wrong."""
    if is_function(data.source):
        return check_arrays(graph, _call(data), data.source)
    path = Path(data.source)
    return (
        check_arrays(graph, _images(graph, path, data, track), data.source)
        if path.is_dir()
        else (load_inputs(graph, path))
    )


def is_function(source: str) -> bool:
    """Whether a source names a function: "package.module:function"."""
    module, colon, function = source.partition(":")
    names = [*module.split("."), function]
    return bool(colon) and all(name.isidentifier() for name in names) and not Path(source).exists()


def _call(data: DataSource) -> dict[str, np.ndarray]:
    module, _, name = data.source.partition(":")
    fix = "it gives x, or (x, y), or a mapping of arrays"
    with _on_path(data.folder):
        try:
            given = getattr(importlib.import_module(module), name)()
            if isinstance(given, Mapping):
                return {str(key): np.asarray(value) for key, value in given.items()}
            if isinstance(given, tuple) and len(given) == 2:
                return {"x": np.asarray(given[0]), "y": np.asarray(given[1])}
        except UsageError:
            raise
        # Whatever a user's function raises is a problem of the data, leaving the program, too.
        except (Exception, SystemExit) as error:
            what = f"failed: {type(error).__name__}: {error}"
            raise UsageError(Problem(data.source, what, fix)) from error
    if isinstance(given, np.ndarray):
        return {"x": given}
    raise UsageError(Problem(data.source, f"gave a {type(given).__name__}", fix))


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))


def _images(graph: Graph, folder: Path, data: DataSource, track: Track) -> dict[str, np.ndarray]:
    table = data.labels or folder / LABELS
    shape = graph.tensor(graph.inputs[0]).shape
    if len(graph.inputs) != 1 or len(shape) != 4 or shape[3] not in _MODES:
        what = f"images cannot be the input of '{graph.name}', which takes {shape}"
        raise UsageError(Problem(str(folder), what, "give an .npz file or a function"))
    rows = _rows(table, folder)
    problems = ProblemList()
    labels = [_label(row[1], data.classes, table, problems) for row in rows]
    images = []
    for row in track(rows, "reading images"):
        images.append(_image(folder / row[0], shape, problems))
        if len(problems.problems) >= 8:
            break
    problems.stop_if_any(UsageError)
    pixels = np.stack(images).astype(np.float32)
    return {"x": pixels * np.float32(data.scale) + np.float32(data.offset), "y": np.array(labels)}


def _rows(table: Path, folder: Path) -> list[list[str]]:
    fix = "a CSV file with a heading, then image and label in each row"
    try:
        with table.open(encoding="utf-8", newline="") as file:
            heading, *rows = [row for row in csv.reader(file) if row] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        what = f"cannot read the labels: {getattr(error, 'strerror', None) or error}"
        raise UsageError(Problem(str(table), what, fix)) from None
    if heading and (folder / heading[0]).is_file():
        raise UsageError(Problem(str(table), f"its first row names the image '{heading[0]}'", fix))
    short = next((index for index, row in enumerate(rows) if len(row) < 2), None)
    if not rows or short is not None:
        what = "names no images" if not rows else f"row {short + 2} has no label"
        raise UsageError(Problem(str(table), what, "give image and label in each row"))
    return rows


def _label(text: str, classes: tuple[str, ...], table: Path, problems: ProblemList) -> int:
    if text in classes:
        return classes.index(text)
    if text.strip().isdecimal() and len(text) <= _DIGITS:
        return int(text)
    if not problems.problems:
        fix = "number them, or list all in the recipe in the model's order: [data] classes = [...]"
        problems.add(str(table), f"the label '{text}' is no number of a class", fix)
    return 0


def _image(path: Path, shape: tuple[int, ...], problems: ProblemList) -> Any:
    height, width, channels = shape[1:]
    try:
        with Image.open(path) as image:
            if image.size != (width, height):
                what = f"is {image.size[0]} x {image.size[1]} pixels, the model takes {width} x {height}"
                problems.add(str(path), what, "cut and scale the images as for training")
                return None
            return np.asarray(image.convert(_MODES[channels])).reshape(height, width, channels)
    except (OSError, UnidentifiedImageError) as error:
        problems.add(str(path), f"cannot read the image: {getattr(error, 'strerror', None) or error}")
        return None
