"""Inputs of a model: from an .npz file, or seeded random; and outputs to one.

A file holds `x` (N, ...) for a model of one input, or `x0`, `x1`, ... for several, in the model's input type
or in float (quantized on the way), and optionally labels `y` (N,).
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.graph import DType, Graph, Tensor
from smidgen.graph.reference.quantize import dequantize_array, quantize_array

SEED = 1
RANDOM_INPUTS = 2


@dataclass(frozen=True, eq=False)
class Inputs:
    """samples: for each inference the arrays of all inputs, in the model's own shapes and types;
    labels: (N,) integers or None; source: where they came from, for messages."""

    samples: list[list[np.ndarray]]
    labels: np.ndarray | None
    source: str

    def __len__(self) -> int:
        return len(self.samples)


def get_inputs(graph: Graph, path: str | Path | None, limit: int | None) -> Inputs:
    """The first `limit` samples of the file (all when None), or `limit` random ones without a file."""
    if limit is not None and limit < 1:
        raise UsageError(Problem("--limit", f"is {limit}", "give 1 or more"))
    if path is None:
        return random_inputs(graph, limit or RANDOM_INPUTS)
    return load_inputs(graph, Path(path), limit)


def random_inputs(graph: Graph, count: int, seed: int = SEED) -> Inputs:
    """Every value of an integer type is equally likely; floats are standard normal."""
    generator = np.random.default_rng(seed)
    tensors = [graph.tensor(name) for name in graph.inputs]
    samples = [[_random_array(generator, tensor) for tensor in tensors] for _ in range(count)]
    return Inputs(samples, None, f"{count} random inputs (seed {seed})")


def load_inputs(graph: Graph, path: Path, limit: int | None = None) -> Inputs:
    """Read and check an input file. Raises UsageError with everything that is wrong in it."""
    return check_arrays(graph, _read(path), str(path), limit)


def check_arrays(
    graph: Graph, arrays: dict[str, np.ndarray], source: str, limit: int | None = None
) -> Inputs:
    """Inputs from arrays named as in a file; source: where they are from. Raises UsageError as above."""
    tensors = [graph.tensor(name) for name in graph.inputs]
    keys = ["x"] if len(tensors) == 1 else [f"x{index}" for index in range(len(tensors))]
    problems = ProblemList()
    columns = []
    for key, tensor in zip(keys, tensors, strict=True):
        if key not in arrays:
            held = ", ".join(arrays) or "nothing"
            problems.add(
                source, f"holds no '{key}' (it holds {held})", f"save input '{tensor.name}' as {key}"
            )
            continue
        what = f"{source}, '{key}'"
        array = arrays[key][:limit] if arrays[key].ndim else arrays[key]
        columns.append(_converted(array, tensor, what, problems))
    problems.stop_if_any(UsageError)
    counts = {len(column) for column in columns}
    if len(counts) > 1:
        problems.add(source, f"its inputs have different numbers of samples: {sorted(counts)}")
    elif counts == {0}:
        problems.add(source, "holds no samples")
    problems.stop_if_any(UsageError)
    count = counts.pop()
    labels = _labels(arrays, limit, count, source)
    return Inputs(
        [list(sample) for sample in zip(*columns, strict=True)], labels, f"{count} inputs of {source}"
    )


def save_outputs(graph: Graph, outputs: Sequence[Sequence[np.ndarray]], path: Path) -> None:
    """Write `y` (N, ...), or `y0`, `y1`, ... for several outputs, in the model's output types."""
    columns = [np.stack(column) for column in zip(*outputs, strict=True)]
    keys = ["y"] if len(columns) == 1 else [f"y{index}" for index in range(len(columns))]
    # A batch dimension of 1 becomes the sample dimension, as in the input file.
    arrays = {
        key: column[:, 0] if graph.tensor(name).shape[:1] == (1,) else column
        for key, column, name in zip(keys, columns, graph.outputs, strict=True)
    }
    np.savez_compressed(path, **arrays)


def real_values(array: np.ndarray, tensor: Tensor) -> np.ndarray:
    """The float values that an array of this tensor stands for."""
    if tensor.dtype is DType.F32 or tensor.quantization is None:
        return array.astype(np.float64)
    return dequantize_array(array, tensor).astype(np.float64)


def _read(path: Path) -> dict[str, np.ndarray]:
    fix = "save it with numpy.savez(file, x=...)"
    try:
        if not zipfile.is_zipfile(path):
            path.open("rb").close()  # raises OSError when it cannot be read
            raise UsageError(Problem(str(path), "is not an .npz file", fix))
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except OSError as error:
        raise UsageError(
            Problem(str(path), f"cannot read the input file: {error.strerror or error}")
        ) from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        what = f"is damaged, or holds other things than plain arrays ({str(error).split('.')[0]})"
        raise UsageError(Problem(str(path), what, fix)) from None


def _converted(array: np.ndarray, tensor: Tensor, what: str, problems: ProblemList) -> np.ndarray:
    """The samples of one input in the tensor's type, (N, *tensor.shape)."""
    shape = tensor.shape
    sample = array.shape[1:]
    # The sample dimension stands for the model's batch dimension of 1.
    if sample != shape and (1, *sample) != shape:
        expected = ("N", *(shape[1:] if shape[:1] == (1,) else shape))
        text = ", ".join(str(size) for size in expected)
        fix = f"the model's input '{tensor.name}' takes ({text})"
        if len(sample) > 1 and (*sample[1:], sample[0]) in (shape, shape[1:]):
            order = ", ".join(map(str, (0, *range(2, array.ndim), 1)))
            fix += f", channels last, whatever layout its file has: x.transpose({order})"
        problems.add(what, f"has shape {array.shape}", fix)
        return array
    wanted = tensor.dtype.numpy
    if array.dtype == wanted and wanted.kind != "f":
        return array.reshape(-1, *shape)
    if array.dtype.kind != "f":
        given = "scaled as for training" if wanted.kind == "f" else "or float, which is quantized on the way"
        fix = f"the model's input '{tensor.name}' takes {wanted}, {given}"
        problems.add(what, f"has type {array.dtype}", fix)
        return array
    with np.errstate(over="ignore"):
        # As the model gets it: what is beyond float32 is infinite there.
        array = array.astype(np.float32) if tensor.dtype is DType.F32 else array
    if not np.isfinite(array).all():
        first = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
        index = ", ".join(str(int(i)) for i in first)
        problems.add(what, f"holds {array[first]} at [{index}]", "give finite numbers")
        return array
    if tensor.dtype is DType.F32:
        return array.reshape(-1, *shape)
    if tensor.quantization is None:
        problems.add(what, f"has type {array.dtype}", f"input '{tensor.name}' has no scale: give {wanted}")
        return array
    return quantize_array(array, tensor).reshape(-1, *shape)


def _labels(arrays: dict[str, np.ndarray], limit: int | None, count: int, source: str) -> np.ndarray | None:
    if "y" not in arrays:
        return None
    labels = arrays["y"]
    labels = labels.reshape(len(labels), -1)[:limit] if labels.ndim else labels
    if labels.shape != (count, 1) or labels.dtype.kind not in "iu":
        what = f"its labels 'y' have shape {arrays['y'].shape} and type {arrays['y'].dtype}"
        raise UsageError(Problem(source, what, f"give one whole number for each input: ({count},)"))
    return labels[:, 0].astype(np.int64)


def _random_array(generator: np.random.Generator, tensor: Tensor) -> np.ndarray:
    if tensor.dtype is DType.F32:
        return generator.standard_normal(tensor.shape).astype(np.float32)
    if tensor.dtype is DType.BOOL:
        return generator.integers(0, 2, tensor.shape).astype(np.bool_)
    bound = 1 << (tensor.dtype.bits - 1)
    return generator.integers(-bound, bound, tensor.shape).astype(tensor.dtype.numpy)
