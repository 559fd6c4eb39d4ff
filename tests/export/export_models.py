"""The models that are exported: int8, mixed bits, and one with a state that is carried from run to run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from smidgen.compress import requantize_weights
from smidgen.graph import DType, Graph, Node, Quantization, State, Tensor
from smidgen.graph.operators import Add
from smidgen.importers import load_model
from smidgen.libraries import FORMATS, export_library
from smidgen.targets import load_target

REPOSITORY = Path(__file__).resolve().parents[2]
DIGITS = REPOSITORY / "examples" / "digits" / "digits_int8.tflite"


def int8() -> Graph:
    return load_model(DIGITS)


def mixed() -> Graph:
    return replace(requantize_weights(int8(), {"conv2d_2": 4, "conv2d_4": 2}), name="digits_mixed")


def streaming() -> Graph:
    """Adds every input to what the state holds, so that a state that is lost shows at once."""

    def tensor(name: str, zero_point: int) -> Tensor:
        return Tensor(name, (1, 8), DType.I8, Quantization.per_tensor(0.5, zero_point))

    tensors = {t.name: t for t in (tensor("x", 3), tensor("s", -2), tensor("y", -2))}
    state = State("s", "y", np.full((1, 8), 5, np.int8))
    return Graph("adder", tensors, (Node("add", Add(), ("x", "s"), ("y",)),), ("x",), ("y",), (state,))


MODELS = {"int8": int8, "mixed": mixed, "streaming": streaming}


def export(model: str, kind: str, folder: Path, target: str = "host") -> str:
    """Writes the library into the folder; its name."""
    return export_library(MODELS[model](), load_target(target), FORMATS[kind], folder).prefix


def spoil(golden: Path) -> None:
    """Changes one byte of the first expected output: a golden test that still passes compares nothing."""
    text = golden.read_text()
    start = text.index("{", text.index("golden_output_0[")) + 1
    value, rest = text[start:].split(",", 1)
    golden.write_text(f"{text[:start]}\n    {(int(value) + 2) % 127},{rest}")
