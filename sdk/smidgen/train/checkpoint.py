"""The state of a training after an epoch, so that one that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from smidgen.errors import Problem, UsageError
from smidgen.graph import Graph

_EPOCHS, _TRAINING = "epochs", "training"


def fingerprint(graphs: Iterable[Graph], *others: object) -> str:
    """Of what a training starts from: the graphs with their constants, and whatever else decides it."""
    digest = hashlib.sha256(repr(others).encode())
    for graph in graphs:
        digest.update(repr((graph.nodes, graph.inputs, graph.outputs)).encode())
        for name in sorted(graph.tensors):
            tensor, scales = graph.tensor(name), graph.tensor(name).quantization
            digest.update(repr((name, tensor.shape, tensor.dtype)).encode())
            arrays = (tensor.data, *(() if scales is None else (scales.scale, scales.zero_point)))
            for array in arrays:
                digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def save(path: Path, training: str, epochs: int, variables: Iterable) -> None:
    """Write the variables after so many epochs; the file is always a whole one, the old or the new."""
    arrays = {f"v{index}": variable.numpy() for index, variable in enumerate(variables)}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("wb") as file:
        np.savez(file, **arrays, **{_EPOCHS: np.array(epochs), _TRAINING: np.array(training)})
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def load(path: Path, training: str, variables: Iterable) -> int:
    """Put a checkpoint's values into the variables; the number of epochs it stands after, 0 without a file.

    Raises UsageError when the file is no checkpoint, or one of another training.
    """
    if not path.is_file():
        return 0
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored[_TRAINING]) != training:
                what = "it is from a training of another model, on other data or with other options"
                raise UsageError(Problem(str(path), what, "remove it, or name another file"))
            for index, variable in enumerate(variables):
                variable.assign(stored[f"v{index}"])
            return int(stored[_EPOCHS])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        what = f"it is no checkpoint of a training ({error})"
        raise UsageError(Problem(str(path), what, "remove it, or name another file")) from None
