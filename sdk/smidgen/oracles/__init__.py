"""Oracles: independent answers to compare a target with.

`reference` is Smidgen's own NumPy reference, `tflm` TensorFlow Lite Micro's reference kernels (PyPI
`tflite-micro`), `litert` LiteRT's built-in reference kernels (PyPI `ai-edge-litert`; its XNNPACK and
optimized kernels differ by up to 20 and are no oracle). The last two run in a process of their own,
because a model that is odd enough can crash them.
"""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from smidgen.errors import BuildError, Problem, UsageError
from smidgen.graph import Graph
from smidgen.graph.reference import Reference
from smidgen.importers.tflite import is_tflite
from smidgen.importers.tflite.model import ModelImport
from smidgen.importers.tflite.reader import read

NAMES = ("reference", "tflm", "litert")
_MODULES = {"tflm": ("tflite_micro", "tflite-micro"), "litert": ("ai_edge_litert", "ai-edge-litert")}


@dataclass(frozen=True, eq=False)
class Answer:
    """outputs: in the graph's order; tensors: by name, when they were asked for."""

    outputs: list[np.ndarray]
    tensors: Mapping[str, np.ndarray]


class Oracle(Protocol):
    """Answers inputs one after the other; persistent state is kept from one to the next."""

    def run(self, inputs: Sequence[np.ndarray]) -> Answer: ...

    def close(self) -> None: ...


def open_oracle(name: str, model: Path, graph: Graph, keep_tensors: bool = False) -> Oracle:
    """The oracle of this name, ready to answer.

    Raises UsageError when it is not installed or does not read such files.
    """
    if name == "reference":
        return _ReferenceOracle(graph, keep_tensors)
    with model.open("rb") as file:
        if not is_tflite(file.read(8)):
            what = f"reads .tflite files only, and {model} is none"
            raise UsageError(Problem(f"--against {name}", what, "use --against reference"))
    module, package = _MODULES[name]
    if importlib.util.find_spec(module) is None:
        fix = f"pip install {package}, or use --against reference"
        raise UsageError(Problem(f"--against {name}", f"the Python package {package} is not installed", fix))
    return _ProcessOracle(name, model, keep_tensors)


class _ReferenceOracle:
    def __init__(self, graph: Graph, keep_tensors: bool) -> None:
        self._reference = Reference(graph)
        self._keep = "all" if keep_tensors else None
        self._states: Mapping[str, np.ndarray] | None = None

    def run(self, inputs: Sequence[np.ndarray]) -> Answer:
        result = self._reference.run(inputs, self._states, self._keep)
        self._states = result.states
        return Answer(list(result.outputs), result.tensors)

    def close(self) -> None:
        pass


class _ProcessOracle:
    """Talks to `smidgen.oracles.worker` over its standard input and output, in pickles."""

    def __init__(self, name: str, model: Path, keep_tensors: bool) -> None:
        self._name, self._model = name, model
        self._names = _tensor_names(model) if keep_tensors else {}
        command = [sys.executable, "-m", "smidgen.oracles.worker", name, str(model), str(int(keep_tensors))]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, inputs: Sequence[np.ndarray]) -> Answer:
        try:
            pickle.dump(list(inputs), self._process.stdin)
            self._process.stdin.flush()
            kind, *values = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            raise self._failure(f"it stopped with {self._ending()}") from None
        if kind == "error":
            raise self._failure(values[0])
        outputs, tensors = values
        names = self._names
        return Answer(outputs, {names[index]: array for index, array in tensors.items() if index in names})

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.stderr.close()
        self._process.kill()
        self._process.wait()

    def _ending(self) -> str:
        self._process.wait()
        lines = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        said = f": {lines[-1]}" if lines else ""
        return f"exit code {self._process.returncode}{said}"

    def _failure(self, what: str) -> BuildError:
        fix = "use --against reference; the oracle is other people's software and does not run every model"
        return BuildError(
            Problem(f"oracle {self._name}, {self._model}", f"cannot run the model: {what}", fix)
        )


def _tensor_names(model: Path) -> dict[int, str]:
    """What the graph calls each tensor of a .tflite file: index -> name."""
    imported = ModelImport(read(model.read_bytes()), model)
    imported.run()
    return {index: tensor.name for index, tensor in imported.tensors.items() if tensor is not None}
