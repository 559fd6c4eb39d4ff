"""Compares an imported model with TensorFlow Lite Micro: the reference must give the same bytes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from smidgen.graph import DType, Graph
from smidgen.graph.reference import Reference

_WORKER = Path(__file__).with_name("tflm_worker.py")
_SECONDS = 120


def random_inputs(graph: Graph, seed: int) -> list[np.ndarray]:
    """One array per input of the model: int8 over the whole range, floats in the range they are quantized to.

    (Far outside of it the oracle overflows an integer, which is undefined in C.)
    """
    random = np.random.default_rng(seed)
    arrays = []
    for name in graph.inputs:
        tensor = graph.tensors[name]
        if tensor.dtype is DType.F32:
            quantized = [graph.tensor(node.outputs[0]) for node in graph.consumers(name)]
            width = min((64 * y.scale for y in quantized if y.dtype is DType.I8), default=2.0)
            arrays.append(random.normal(0, width, tensor.shape).astype(np.float32))
        else:
            limits = np.iinfo(tensor.dtype.numpy)
            arrays.append(
                random.integers(limits.min, limits.max + 1, tensor.shape).astype(tensor.dtype.numpy)
            )
    return arrays


def differences(models: Mapping[int, tuple[bytes, Graph]], folder: Path) -> tuple[dict[int, str], int]:
    """For numbered (content, graph) pairs: what differs from the oracle, and how many it accepted at all.

    A model that the oracle refuses, or that crashes it, says nothing and is left out.
    """
    for number, (content, graph) in models.items():
        (folder / f"{number}.tflite").write_bytes(content)
        np.savez(folder / f"{number}.input.npz", *random_inputs(graph, number))
    _run_worker(list(models), folder)
    different, compared = {}, 0
    for number, (_, graph) in models.items():
        path = folder / f"{number}.output.npz"
        if not path.exists():
            continue
        compared += 1
        expected = np.load(path)
        outputs = Reference(graph).run(random_inputs(graph, number)).outputs
        if len(outputs) != len(expected.files):
            different[number] = f"{len(outputs)} outputs instead of {len(expected.files)}"
        for index, output in enumerate(outputs):
            what = _difference(output, expected[f"arr_{index}"])
            if what:
                different[number] = f"output {index}: {what}"
    return different, compared


def _run_worker(numbers: list[int], folder: Path) -> None:
    """Start the worker again behind each model that crashed it."""
    while numbers:
        command = [sys.executable, str(_WORKER), str(folder), *map(str, numbers)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
            finished, crashed = done.stdout.split(), done.returncode != 0
        except subprocess.TimeoutExpired as expired:
            finished, crashed = (expired.stdout or b"").decode().split(), True
        numbers = numbers[len(finished) + (1 if crashed else 0) :]


def _difference(ours: np.ndarray, theirs: np.ndarray) -> str:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{ours.dtype}{ours.shape} instead of {theirs.dtype}{theirs.shape}"
    if ours.dtype == np.float32:
        # Beyond the largest float, one side clamps and the other gives infinity.
        equal = np.allclose(np.nan_to_num(ours), np.nan_to_num(theirs), rtol=1e-4, atol=1e-5)
        return "" if equal else "floats differ"
    wrong = int((ours != theirs).sum())
    return f"{wrong} of {ours.size} values differ" if wrong else ""
